"""HTTPS to the vendor. The only module that imports httpx, imported when a research begins."""

import urllib.parse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import httpx
import trio

from ._gemini import Reply

MAX_ANSWER_BYTES: Final = 32 * 2**20
NEAR: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class Transport:
    """Sends requests to one vendor with one key. Made by `open_transport`."""

    def __init__(self, client: httpx.AsyncClient, key: str, limit_s: float) -> None:
        self._client = client
        self._key = key
        self._limit_s = limit_s

    def __repr__(self) -> str:
        return f"<Transport: {self._client.base_url}>"

    async def send(self, method: str, path: str, body: bytes | None) -> Reply | str:
        """The answer to one request, or why there is none.

        Cancelling it drops the connection; the vendor may have taken the request.
        """
        with trio.move_on_after(self._limit_s):
            try:
                return await self._sent(method, path, body)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                said = str(error) or type(error).__name__
                return f"not reached: {said.replace(self._key, '***')}"
        return f"no answer within {self._limit_s:g} s"

    async def _sent(self, method: str, path: str, body: bytes | None) -> Reply | str:
        kind = {} if body is None else {"content-type": "application/json"}
        async with self._client.stream(method, path, content=body, headers=kind) as response:
            data = bytearray()
            async for piece in response.aiter_bytes():
                data += piece
                if len(data) > MAX_ANSWER_BYTES:
                    return f"an answer of more than {MAX_ANSWER_BYTES:,} bytes"
            after = response.headers.get("retry-after", "")
            # a vendor may say in an error what it was sent
            whole = bytes(data).replace(self._key.encode(), b"***")
            return Reply(status=response.status_code, data=whole, retry_after=after)


@asynccontextmanager
async def open_transport(base_url: str, key: str, limit_s: float) -> AsyncIterator[Transport]:
    """A way to the vendor at `base_url`; `limit_s` bounds each request.

    The key goes in a header and nowhere else, and is not sent on to where an answer redirects to.
    Leaving it, cancelled or not, closes its connections.
    """
    is_near = urllib.parse.urlsplit(base_url).hostname in NEAR
    client = httpx.AsyncClient(
        base_url=base_url,
        headers={"x-goog-api-key": key, "accept": "application/json"},
        timeout=httpx.Timeout(limit_s),
        follow_redirects=False,
        trust_env=not is_near,  # proxies are for what is far
    )
    async with client:
        yield Transport(client, key, limit_s)
