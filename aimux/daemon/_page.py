"""Where the dashboard is served, and links to it: it is opened when somebody asks for one."""

import ipaddress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

import attrs
import trio

from aimux.errors import AimuxError

if TYPE_CHECKING:  # most daemons are never asked for it
    from aimux.dashboard import Dashboard

OPEN_S: Final = 3.0  # whoever asks gives up after 5 s, and asks again when told to
PATH: Final = "/dashboard/"


@attrs.define(eq=False)
class PageSide:
    """The dashboard of a daemon, served or not."""

    url: str = ""  # of the page, while it is served
    options: list[str] = attrs.field(factory=list)  # what makes it again after a restart
    wanted: trio.Event = attrs.field(factory=trio.Event)
    _dashboard: "Dashboard | None" = None
    _settled: trio.Event = attrs.field(factory=trio.Event)
    _fault: AimuxError | None = None

    def __repr__(self) -> str:
        return f"<PageSide: {self.url or 'not served'}>"

    def opened(self, dashboard: "Dashboard", endpoint_url: str, options: list[str]) -> None:
        """It is served beside an MCP endpoint."""
        self._dashboard, self.options = dashboard, options
        self.url = page_url(endpoint_url)
        self._settled.set()

    def failed(self, error: AimuxError) -> None:
        """It cannot be served; the next who asks has it tried again."""
        self._fault = error
        self._settled.set()
        self.wanted, self._settled = trio.Event(), trio.Event()

    async def link(self) -> str:
        """A link that opens the page once; empty after `OPEN_S`, when it is not served yet.

        Cancelled, there is none.

        Raises:
            AimuxError: the page cannot be served; says why.
        """
        if self._dashboard is None:
            self._fault = None
            settled = self._settled
            self.wanted.set()
            with trio.move_on_after(OPEN_S):
                await settled.wait()
        if self._fault is not None:
            raise self._fault
        if self._dashboard is None:
            return ""
        link_token = self._dashboard.passes.link_token(trio.current_time())
        return f"{self.url}#link={link_token}"


def page_url(endpoint_url: str) -> str:
    """The page beside an MCP endpoint: all interfaces are reached by loopback."""
    parts = urlsplit(endpoint_url)
    host, port = parts.hostname or "", parts.port
    try:
        if ipaddress.ip_address(host).is_unspecified:
            host = "127.0.0.1"
    except ValueError:
        pass  # a name
    shown = f"[{host}]" if ":" in host else host
    return urlunsplit((parts.scheme, f"{shown}:{port}", PATH, "", ""))
