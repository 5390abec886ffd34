"""What a check has: the machine, the browser, and where pictures go."""

import json
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import attrs
import trio

from ._cdp import Browser, Page
from ._stage import Stage


@attrs.define(eq=False)
class Scene:
    """One machine at work and one browser."""

    stage: Stage
    browser: Browser
    out: Path
    _page: Page | None = None
    _base: str = ""

    async def page(self) -> Page:
        """The page that most checks share, let in and live."""
        if self._page is None:
            self._page = await self.fresh()
        return self._page

    async def fresh(self, *, url: str = "") -> Page:
        """A page of its own profile, let in by a link of its own."""
        page = await self.browser.page(context=await self.browser.context())
        await page.goto(url or await self.link())
        await page.sees("● live", 60)
        return page

    async def link(self) -> str:
        return await trio.to_thread.run_sync(self.stage.link)

    async def at(self, path: str, sees: str) -> Page:
        """The shared page at a place, once a text is there."""
        page = await self.page()
        await page.run(f"location.hash = {json.dumps('#' + path)}")
        await page.sees(sees, 60)
        return page

    async def shot(self, page: Page, name: str) -> None:
        await page.shot(self.out / f"{name}.png")

    async def http(
        self, path: str, *, method: str = "GET", body: Any = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """An answer of the daemon, as any program gets it: status, headers, body."""
        if not self._base:
            self._base = (await self.link()).partition("/dashboard/")[0]
        data = None if body is None else json.dumps(body).encode()
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self._base + path, data=data, method=method, headers=given)

        def ask() -> tuple[int, dict[str, str], bytes]:
            try:
                with urllib.request.urlopen(request, timeout=30) as response:
                    return response.status, dict(response.headers), response.read()
            except urllib.error.HTTPError as error:
                return error.code, dict(error.headers), error.read()

        return await trio.to_thread.run_sync(ask)


Check = Callable[[Scene], Awaitable[str | None]]
