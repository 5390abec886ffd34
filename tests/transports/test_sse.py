"""HTTP+SSE of 2024-11-05, without sockets."""

import orjson
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from .asgi import Answer, Browser, call, initialize, modern, note, open_browser, request


async def open_stream(browser: Browser) -> tuple[Answer, str]:
    """A stream and the path that its messages are posted to."""
    stream = await browser.send("GET", "/sse")
    first = await stream.next_event()
    assert first is not None
    assert first.event == "endpoint"
    return stream, first.data


async def test_session_over_two_paths(autojump_clock: MockClock) -> None:
    """P-1: endpoint first; posts are accepted at once, replies come on the stream."""
    async with open_browser() as browser:
        stream, path = await open_stream(browser)
        posted = await browser.send("POST", path, initialize("2024-11-05"))
        await posted.wait_over()
        said = await stream.next_event()
        await (await browser.send("POST", path, note("notifications/initialized"))).wait_over()
        await browser.send("POST", path, call("count", 1, token=0))
        events = [await stream.next_event() for _ in range(4)]

    assert path.startswith("/message?sessionId=")
    assert (posted.status, bytes(posted.body)) == (202, b"Accepted")
    assert stream.headers["content-type"] == "text/event-stream"
    assert "access-control-allow-origin" not in stream.headers
    assert said is not None
    assert said.event == "message"
    assert orjson.loads(said.data)["result"]["protocolVersion"] == "2024-11-05"
    told = [orjson.loads(event.data) for event in events if event is not None]
    assert [each.get("method") for each in told] == ["notifications/progress"] * 3 + [None]
    assert "message" not in told[0]["params"]  # that revision has none


async def test_modern_envelope_is_served_too(autojump_clock: MockClock) -> None:
    """P-3: it is just a duplex stream of bytes."""
    async with open_browser() as browser:
        stream, path = await open_stream(browser)
        message, _ = modern(call("echo", text="x"))
        await browser.send("POST", path, message)
        said = await stream.next_event()

    assert said is not None
    assert orjson.loads(said.data)["result"]["resultType"] == "complete"


async def test_closing_the_stream_ends_the_session(autojump_clock: MockClock) -> None:
    """P-4."""
    async with open_browser() as browser:
        stream, path = await open_stream(browser)
        await browser.send("POST", path, call("hold"))
        await browser.app.held.wait()
        stream.hang_up()
        await trio.sleep(1)
        late = await (await browser.send("POST", path, request("ping"))).wait_over()

    assert browser.app.ended == ["cancelled"]
    assert late.status == 404


async def test_cancelling_follows_the_rule_of_streams(autojump_clock: MockClock) -> None:
    """P-3, S-4: nothing more is said for that id."""
    async with open_browser() as browser:
        stream, path = await open_stream(browser)
        await browser.send("POST", path, call("hold", 1))
        await browser.app.held.wait()
        cancelled = note("notifications/cancelled", {"requestId": 1})
        await browser.send("POST", path, cancelled)
        await browser.send("POST", path, request("ping", at=2))
        said = await stream.next_event()

    assert browser.app.ended == ["cancelled"]
    assert said is not None
    assert orjson.loads(said.data)["id"] == 2


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/message", b"{}", 400),
        ("/message?sessionId=", b"{}", 400),
        ("/message?sessionId=a&sessionId=b", b"{}", 400),
        ("/message?sessionId=unknown", b"{}", 404),
        ("", b"not json", 400),
        ("", b"x" * (4 * 1024 * 1024 + 1), 413),
    ],
)
async def test_posts_that_are_refused(
    autojump_clock: MockClock, path: str, body: bytes, status: int
) -> None:
    """P-2."""
    async with open_browser() as browser:
        _, own = await open_stream(browser)
        answer = await (await browser.send("POST", path or own, body)).wait_over()

    assert answer.status == status


async def test_post_on_the_stream_path_is_a_bare_405(autojump_clock: MockClock) -> None:
    """P-5: a body would keep clients from falling back to GET."""
    async with open_browser() as browser:
        answer = await (await browser.send("POST", "/sse", initialize())).wait_over()
        other = await (await browser.send("GET", "/message?sessionId=x")).wait_over()

    assert (answer.status, bytes(answer.body), answer.headers["allow"]) == (405, b"", "GET")
    assert other.status == 405


async def test_stream_of_somebody_else_is_not_posted_to(autojump_clock: MockClock) -> None:
    async with open_browser() as browser:
        _, path = await open_stream(browser)
        (wire,) = browser.site._legacy._wires.values()
        wire.principal = "somebody else"
        answer = await (await browser.send("POST", path, request("ping"))).wait_over()

    assert answer.status == 404


async def test_quiet_stream_pings_and_the_server_can_end_it(autojump_clock: MockClock) -> None:
    async with open_browser() as browser:
        stream, path = await open_stream(browser)
        await trio.sleep(46)
        pings = bytes(stream.body).count(b": ping")
        await browser.send("POST", path, call("hold"))
        await browser.app.held.wait()
        browser.site.end()
        await stream.wait_over()
        await wait_all_tasks_blocked()

        assert "0 streams" in repr(browser.site)
    assert pings == 3
