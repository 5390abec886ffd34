"""A small client of Chromium's DevTools protocol: start a browser, open pages, drive and look."""

import base64
import itertools
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import attrs
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, open_websocket_url

NAMES: Final = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
LISTENING: Final = re.compile(rb"DevTools listening on (ws://\S+)")
FLAGS: Final = (
    "--headless=new", "--no-first-run", "--disable-gpu", "--remote-debugging-port=0",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--enable-precise-memory-info", "--hide-scrollbars", "--mute-audio",
    "--force-color-profile=srgb", "--disable-dev-shm-usage", "--lang=en",
)  # fmt: skip
ANSWER_S: Final = 60.0
MESSAGE_BYTES: Final = 256 * 1024 * 1024


class PageFault(AssertionError):
    """The page raised, or never came to what was waited for."""


@attrs.define(eq=False)
class Browser:
    """A running Chromium."""

    _socket: WebSocketConnection
    pages: "dict[str, Page]" = attrs.field(factory=dict)
    _numbers: "itertools.count[int]" = attrs.field(factory=lambda: itertools.count(1))
    _waiting: dict[int, tuple[trio.Event, dict[str, Any]]] = attrs.field(factory=dict)

    async def send(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        """One command and its result."""
        number = next(self._numbers)
        event: tuple[trio.Event, dict[str, Any]] = (trio.Event(), {})
        self._waiting[number] = event
        said = {"id": number, "method": method, "params": params}
        await self._socket.send_message(
            json.dumps({**said, "sessionId": session} if session else said)
        )
        with trio.fail_after(ANSWER_S):
            await event[0].wait()
        del self._waiting[number]
        if "error" in event[1]:
            raise PageFault(f"{method}: {event[1]['error']}")
        result: dict[str, Any] = event[1].get("result", {})
        return result

    async def listen(self) -> None:
        """Read what the browser says until it is gone."""
        try:
            while True:
                message = json.loads(await self._socket.get_message())
                if "id" in message:
                    event, into = self._waiting.get(message["id"], (trio.Event(), {}))
                    into.update(message)
                    event.set()
                elif message.get("sessionId") in self.pages:
                    self.pages[message["sessionId"]].heard(message)
        except ConnectionClosed:
            return

    async def page(self, *, width: int = 1280, height: int = 800, context: str = "") -> "Page":
        """A new page; in a context of its own it shares nothing with others."""
        where = {"browserContextId": context} if context else {}
        made = await self.send("Target.createTarget", url="about:blank", **where)
        attached = await self.send("Target.attachToTarget", targetId=made["targetId"], flatten=True)
        page = Page(self, attached["sessionId"], made["targetId"])
        self.pages[page.session] = page
        for domain in ("Page", "Runtime", "Log", "Network", "Performance"):
            await page.send(f"{domain}.enable")
        await page.resize(width, height)
        return page

    async def context(self) -> str:
        """A fresh profile."""
        made = await self.send("Target.createBrowserContext")
        return str(made["browserContextId"])


@attrs.define(eq=False)
class Page:
    """One tab."""

    browser: Browser
    session: str
    target: str
    faults: list[str] = attrs.field(factory=list)  # exceptions, refused loads, dialogs
    requests: list[str] = attrs.field(factory=list)  # addresses that were asked for

    async def send(self, method: str, **params: Any) -> dict[str, Any]:
        """One command to this page."""
        return await self.browser.send(method, self.session, **params)

    def heard(self, message: dict[str, Any]) -> None:
        """Take note of what went wrong, and of what was asked for."""
        params = message["params"]
        match message["method"]:
            case "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                said = details.get("exception", {}).get("description", details.get("text"))
                self.faults.append(f"exception: {said}")
            case "Log.entryAdded" if params["entry"]["level"] == "error":
                entry = params["entry"]
                self.faults.append(f"{entry['source']}: {entry['text']} {entry.get('url', '')}")
            case "Runtime.consoleAPICalled" if params["type"] in {"error", "assert"}:
                self.faults.append(f"console: {params['args']}")
            case "Page.javascriptDialogOpening":
                self.faults.append(f"dialog: {params['message']}")
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])

    async def resize(self, width: int, height: int, *, is_mobile: bool = False) -> None:
        await self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=is_mobile,
        )  # fmt: skip

    async def media(self, **features: str) -> None:
        """Emulate media features, as `prefers_color_scheme="dark"`."""
        given = [{"name": k.replace("_", "-"), "value": v} for k, v in features.items()]
        await self.send("Emulation.setEmulatedMedia", features=given)

    async def goto(self, url: str) -> None:
        await self.send("Page.navigate", url=url)
        await self.until("document.readyState === 'complete'")

    async def run(self, code: str) -> Any:
        """What an expression comes to; promises are waited for."""
        done = await self.send(
            "Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True,
            userGesture=True, allowUnsafeEvalBlockedByCSP=False,
        )  # fmt: skip
        if "exceptionDetails" in done:
            raise PageFault(str(done["exceptionDetails"]))
        return done["result"].get("value")

    async def until(self, code: str, limit_s: float = 20.0) -> Any:
        """Wait until an expression is true; its value."""
        value = None
        with trio.move_on_after(limit_s):
            while not value:
                try:
                    value = await self.run(code)
                except PageFault:  # the page is on its way to another
                    value = None
                if not value:
                    await trio.sleep(0.03)
        if not value:
            seen = await self.run("document.body?.innerText?.slice(0, 600)")
            raise PageFault(f"never: {code}; the page shows: {seen}; faults: {self.faults[-3:]}")
        return value

    async def sees(self, text: str, limit_s: float = 20.0) -> None:
        """Wait until a text is shown."""
        await self.until(f"document.body.innerText.includes({json.dumps(text)})", limit_s)

    async def click(self, selector: str, text: str = "") -> None:
        """Click the first element of a selector, with that text in it."""
        find = (
            f"[...document.querySelectorAll({json.dumps(selector)})]"
            f".find((e) => e.textContent.includes({json.dumps(text)}) && !e.disabled)"
        )
        await self.until(f"Boolean({find})")
        await self.run(f"{find}.click()")

    async def fill(self, selector: str, text: str) -> None:
        await self.until(f"Boolean(document.querySelector({json.dumps(selector)}))")
        await self.run(f"document.querySelector({json.dumps(selector)}).focus()")
        await self.send("Input.insertText", text=text)

    async def key(self, key: str) -> None:
        """Press a key."""
        codes = {"Enter": 13, "Escape": 27, "ArrowDown": 40, "ArrowUp": 38, "End": 35}
        text = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
        code = {"windowsVirtualKeyCode": codes[key]} if key in codes else {}
        await self.send("Input.dispatchKeyEvent", type="keyDown", key=key, **text, **code)
        await self.send("Input.dispatchKeyEvent", type="keyUp", key=key, **code)

    async def shot(self, path: Path) -> None:
        """Keep a picture of what is in sight."""
        await trio.sleep(0.25)  # fonts and the last frame
        taken = await self.send("Page.captureScreenshot", format="png")
        data = base64.b64decode(taken["data"])
        await trio.to_thread.run_sync(path.write_bytes, data)

    async def heap_bytes(self) -> float:
        """The JavaScript heap after a collection."""
        await self.send("HeapProfiler.collectGarbage")
        found = (await self.send("Performance.getMetrics"))["metrics"]
        return next(float(each["value"]) for each in found if each["name"] == "JSHeapUsedSize")

    async def close(self) -> None:
        await self.browser.send("Target.closeTarget", targetId=self.target)


def find_chromium() -> str:
    """The browser of CHROMIUM, else of the usual names; empty if there is none."""
    named = os.environ.get("CHROMIUM", "")
    found = (shutil.which(each) for each in ([named] if named else NAMES))
    return next((each for each in found if each), "")


@asynccontextmanager
async def open_browser(binary: str) -> AsyncIterator[Browser]:
    """A headless browser with a profile of its own, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="axb", ignore_cleanup_errors=True) as profile:
        sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        process = await trio.lowlevel.open_process(
            [binary, *FLAGS, *sandbox, f"--user-data-dir={profile}", "about:blank"],
            stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
            env={**os.environ, "HOME": profile},
        )  # fmt: skip
        assert process.stderr is not None
        said = b""
        try:
            with trio.fail_after(60):
                while not (found := LISTENING.search(said)):
                    more = bytes(await process.stderr.receive_some())
                    if not more:
                        raise PageFault(
                            f"the browser left: {said.decode(errors='replace')[-2000:]}"
                        )
                    said += more
            async with trio.open_nursery() as reading:
                reading.start_soon(_drain, process.stderr)
                async with open_websocket_url(
                    found[1].decode(), max_message_size=MESSAGE_BYTES
                ) as socket:
                    browser = Browser(socket)
                    reading.start_soon(browser.listen)
                    yield browser
                reading.cancel_scope.cancel()
        finally:
            with trio.move_on_after(10, shield=True):
                process.terminate()
                await process.wait()
            if process.returncode is None:
                process.kill()


async def _drain(stream: trio.abc.ReceiveStream) -> None:
    async for _ in stream:
        pass
