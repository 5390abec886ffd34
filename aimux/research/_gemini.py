"""The few calls of the interactions API: begin a research, see how it stands, cancel it."""

import importlib
import importlib.util
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final, Protocol

import attrs
import trio

from aimux.errors import SetupFault

from ._interactions import Interaction, Refused, malformed, read_interaction, refusal, unreached

PATH: Final = "/v1/interactions"  # as the vendor's library has it from 3.6 on
INSTALL: Final = 'pip install "aimux-mcp[research]"'


@attrs.frozen(kw_only=True)
class Reply:
    """An HTTP answer."""

    status: int
    data: bytes = attrs.field(repr=False)
    retry_after: str = ""


class Sends(Protocol):
    """A way to the vendor."""

    async def send(self, method: str, path: str, body: bytes | None) -> Reply | str:
        """The answer to one request, or why there is none. Cancelling it drops the connection."""
        ...


class Gemini:
    """The vendor, over one transport. What it refuses is a value, never an exception."""

    def __init__(self, transport: Sends) -> None:
        self._transport = transport

    def __repr__(self) -> str:
        return f"<Gemini: {self._transport!r}>"

    async def begin(self, body: Mapping[str, object]) -> Interaction | Refused:
        """Begin a research. Cancelled, nobody knows whether it has begun."""
        return await self._call("POST", PATH, json.dumps(body).encode(), is_begun=False)

    async def fetch(self, interaction_id: str) -> Interaction | Refused:
        """A research as it is now. Cancelling it changes nothing."""
        return await self._call("GET", f"{PATH}/{interaction_id}", None, is_begun=True)

    async def cancel(self, interaction_id: str) -> Interaction | Refused:
        """End a research at the vendor. Cancelled, it may go on there."""
        return await self._call("POST", f"{PATH}/{interaction_id}/cancel", b"{}", is_begun=True)

    async def _call(
        self, method: str, path: str, body: bytes | None, *, is_begun: bool
    ) -> Interaction | Refused:
        reply = await self._transport.send(method, path, body)
        if isinstance(reply, str):
            return unreached(reply)
        if reply.status != 200:
            return refusal(reply.status, reply.data, reply.retry_after, is_begun=is_begun)
        return read_interaction(reply.data) or malformed()


def is_installed() -> bool:
    """Whether what this takes is here: it is an extra."""
    return importlib.util.find_spec("httpx") is not None


@asynccontextmanager
async def open_gemini(base_url: str, key: str, request_limit_s: float) -> AsyncIterator[Gemini]:
    """The vendor at `base_url`, asked with `key`.

    Leaving it, cancelled or not, closes its connections; what runs there goes on.

    Raises:
        SetupFault: the extra is not installed; the hint says how.
    """
    try:
        module = await trio.to_thread.run_sync(importlib.import_module, "aimux.research._transport")
    except ImportError as error:
        raise SetupFault(
            "deepresearch cannot ask the vendor: httpx is not installed",
            code="research_not_installed",
            hint=INSTALL,
        ) from error
    async with module.open_transport(base_url, key, request_limit_s) as transport:
        yield Gemini(transport)
