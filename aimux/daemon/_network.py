"""The network side of the daemon: HTTP, SSE and WebSocket clients over the same state."""

import importlib
import logging
import os
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import attrs
import trio

from aimux.errors import AimuxError, SetupFault, first_leaf
from aimux.server import serve_session
from aimux.tools import Client

from ._stdio import own_directory

if TYPE_CHECKING:  # its libraries cost 0.1 s, and most daemons have no network side
    from aimux.model import TransportSettings
    from aimux.transports.network import ListenAddress, Wire

    from ._serve import Daemon

SECRETS: Final = frozenset({"AIMUX_AUTH_TOKEN", "AIMUX_AUTH_TOKEN_FILE"})  # no child needs them
TRACE: Final = frozenset({"TRACEPARENT", "TRACESTATE"})  # of who started us, not of clients
UNAUTHENTICATED: Final = "AIMUX_ALLOW_UNAUTHENTICATED_HTTP"
LOOPBACK: Final = "127.0.0.1"
SETTLE_S: Final = 1.0  # to decide costs imports and files: a client waits for its first answer

log = logging.getLogger("aimux.http")


def _client(env: Mapping[str, str], directory: Path) -> Client:
    """Network clients say nothing of where they are: they work where the daemon was started."""
    kept = {name: value for name, value in env.items() if name not in SECRETS | TRACE}
    return Client(key="http", cwd=directory, env=kept, transport="http")


@attrs.frozen
class NetworkListener:
    """A way into the daemon by network.

    With an address (or `is_wanted`) it must work, or the daemon does not start. Otherwise it
    listens if `server.transport.type` says so, and what is wrong with that is logged; or else on
    loopback once somebody wants the dashboard, or at once at `page`, where it was served before a
    restart. Its clients work in `directory`; the daemon itself leaves for the root.
    """

    address: str = ""
    is_wanted: bool = False
    is_public: bool = False
    page: str = ""
    directory: Path = attrs.field(factory=own_directory)

    def options(self) -> list[str]:
        """The words after `aimux daemon run` that make the same listener."""
        stays = self.directory != Path(self.directory.anchor)
        place = ["--directory", str(self.directory)] if stays else []
        if not self.is_wanted:
            return place
        public = ["--bind-public"] if self.is_public else []
        return ["--http", *([self.address] if self.address else []), *public, *place]

    async def __call__(
        self, daemon: "Daemon", *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve network clients until the daemon takes no new ones."""
        if self.is_wanted:
            await self._serve(daemon, task_status)
            return
        task_status.started()
        if not self.page:
            with trio.move_on_after(SETTLE_S):
                await daemon.page.wanted.wait()
        try:
            await self._serve(daemon, trio.TASK_STATUS_IGNORED)
        except AimuxError as error:
            log.error("no network clients: %s (%s)", error.message, error.hint)  # noqa: TRY400  # not a bug
        await self._serve_page(daemon)

    async def _serve(self, daemon: "Daemon", task_status: trio.TaskStatus[None]) -> None:
        env = dict(os.environ)
        plan = await trio.to_thread.run_sync(self._plan, env)
        if plan is None:
            return
        address, transport = plan
        daemon.stays = True
        await self._listen(daemon, address, transport, task_status=task_status)

    async def _serve_page(self, daemon: "Daemon") -> None:
        """Serve the dashboard on loopback once it is wanted; not in a daemon that is busy leaving.

        It does not keep the daemon: a page that is open does.
        """
        at = self.page
        while True:
            if not at:
                await daemon.page.wanted.wait()
            try:
                address, transport = await trio.to_thread.run_sync(self._page_plan, at)
                try:
                    await self._listen(daemon, address, transport, is_page=True)
                except SetupFault:
                    if at:
                        raise
                    # another program has the usual port: any other does for a page
                    free = attrs.evolve(address, port=0)
                    await self._listen(daemon, free, transport, is_page=True)
            except AimuxError as error:
                log.warning("no dashboard: %s", error.message)
                daemon.page.failed(error)
            at = ""

    async def _listen(
        self,
        daemon: "Daemon",
        address: "ListenAddress",
        transport: "TransportSettings",
        *,
        is_page: bool = False,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        network, dashboards = await trio.to_thread.run_sync(_import_parts)
        client = _client(dict(os.environ), self.directory)
        passes = dashboards.Passes(address.token)
        dashboard = dashboards.Dashboard(
            daemon.app, passes, client, instance=daemon.instance, endpoint=transport.endpoint
        )
        annex = network.Annex(
            pages=dashboard.pages, guarded=dashboard.guarded, knows=dashboard.knows
        )
        failure: AimuxError | None = None
        try:
            async with trio.open_nursery() as serving:
                listening = await serving.start(
                    partial(
                        network.serve_http,
                        nursery=daemon.nursery,
                        metrics=daemon.app.metrics,
                        annex=annex,
                    ),
                    address,
                    transport,
                    partial(_serve_one, daemon),
                    client,
                )
                serving.start_soon(dashboard.serve)
                daemon.enders += [listening.end, dashboard.end]
                parts = urlsplit(listening.url)
                again = ["--page", parts.netloc] if is_page else []
                daemon.page.opened(dashboard, listening.url, again)
                sys.stderr.write(f"aimux: serving {listening.url}\n")
                task_status.started()
        except* AimuxError as group:
            failure = first_leaf(group)
        if failure is not None:
            raise failure

    def _page_plan(self, at: str) -> "tuple[ListenAddress, TransportSettings]":
        """Where to serve the page on its own: at the port of the settings, on loopback."""
        from aimux.config import ClientContext, load, state_dir
        from aimux.transports.network import choose_address, find_token, require_token

        env = dict(os.environ)
        flags: dict[str, object] = {"server.transport.port": at} if at else {}
        server = load(ClientContext(cwd=Path("/"), env=env, flags=flags)).settings.server
        directory = state_dir(env)
        address = choose_address(
            (LOOPBACK, server.transport.address[1]),
            token=find_token(env, server.auth_token, directory),
            env=env,
        )
        return require_token(address, env, directory), attrs.evolve(
            server.transport, tls_cert="", tls_key=""
        )

    def _plan(self, env: Mapping[str, str]) -> "tuple[ListenAddress, TransportSettings] | None":
        """Where to listen and how; None: nobody asked for it. Reads files."""
        from aimux.config import ClientContext, load, state_dir
        from aimux.model import Severity, TransportType

        flags: dict[str, object] = {"server.transport.port": self.address} if self.address else {}
        snapshot = load(ClientContext(cwd=Path("/"), env=env, flags=flags))
        server = snapshot.settings.server
        if not self.is_wanted and server.transport.type is TransportType.STDIO:
            return None
        from aimux.transports.network import (
            choose_address,
            find_token,
            in_container,
            is_set,
            make_token,
            require_token,
        )

        for problem in snapshot.problems:
            if problem.severity is Severity.ERROR and "server.transport" in problem.message:
                raise SetupFault(str(problem))
        directory = state_dir(env)
        token = find_token(env, server.auth_token, directory)
        is_container = in_container(env)
        if token is None and is_container and not is_set(env, UNAUTHENTICATED):
            token = make_token(directory)
            sys.stderr.write(
                f"aimux: no AIMUX_AUTH_TOKEN was given; this one is kept in {directory} and not "
                f"shown again: {token}\n"
            )
        address = choose_address(
            server.transport.reach if is_container else server.transport.address,
            token=token,
            env=env,
            is_public=self.is_public or is_container,
        )
        transport = attrs.evolve(
            server.transport,
            tls_cert=self._placed(server.transport.tls_cert),
            tls_key=self._placed(server.transport.tls_key),
        )
        return require_token(address, env, directory), transport

    def _placed(self, path: str) -> str:
        """A file of the settings, seen from where the daemon was started."""
        return str(self.directory / path) if path else ""


def _import_parts() -> tuple[ModuleType, ModuleType]:
    """What serves the network, which costs 0.1 s."""
    return (
        importlib.import_module("aimux.transports.network"),
        importlib.import_module("aimux.dashboard"),
    )


async def _serve_one(daemon: "Daemon", wire: "Wire", client: Client) -> None:
    await serve_session(wire, daemon.app, client)


def serve_network() -> int:
    """Be the daemon of this environment with its network side open; the exit code."""
    from ._entry import run_daemon

    listener = NetworkListener(is_wanted=True)
    return run_daemon(listeners=[listener], options=listener.options())
