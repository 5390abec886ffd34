"""The table of eras and headers, paths, methods and content types: no sockets."""

import pytest
import trio
from trio.testing import MockClock

from .asgi import call, initialize, modern, note, open_browser, request


async def test_initialize_opens_a_session_and_names_it(autojump_clock: MockClock) -> None:
    """L-2: unguessable, visible ASCII."""
    async with open_browser() as browser:
        answer = await browser.post(initialize())
        said = await answer.message()

    session_id = answer.headers["mcp-session-id"]
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert said["result"]["protocolVersion"] == "2025-11-25"
    assert len(session_id) >= 32
    assert all(0x21 <= ord(char) <= 0x7E for char in session_id)


async def test_modern_request_needs_no_session_and_gets_none(autojump_clock: MockClock) -> None:
    """T-1, T-6: one JSON text, when it comes at once."""
    async with open_browser() as browser:
        message, headers = modern(call("echo", text="hi"))
        answer = await browser.post(message, **headers)
        said = await answer.message()

    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert "mcp-session-id" not in answer.headers
    assert said["result"]["structuredContent"] == {"said": "hi"}
    assert said["result"]["resultType"] == "complete"


@pytest.mark.parametrize(
    ("header", "envelope", "method", "status", "code"),
    [
        (None, None, "tools/list", 400, -32600),  # a session id is missing
        ("2025-06-18", "2026-07-28", "tools/list", 400, -32020),
        ("2025-06-18", "2025-06-18", "tools/list", 400, -32022),
        (None, "2026-07-28", "tools/list", 400, -32020),
        ("2026-07-28", None, "tools/list", 400, -32602),
        ("2026-07-28", "2026-07-28", "tools/list", 200, None),
        ("2026-07-28", "1900-01-01", "tools/list", 400, -32020),
        ("1900-01-01", "1900-01-01", "tools/list", 400, -32022),
        ("1900-01-01", None, "tools/list", 400, -32022),
        ("2026-07-28", "2026-07-28", "initialize", 404, -32601),
        ("2026-07-28", "2026-07-28", "ping", 404, -32601),
        ("2026-07-28", "2026-07-28", "logging/setLevel", 404, -32601),
        ("2026-07-28", "2026-07-28", "resources/subscribe", 404, -32601),
        ("2026-07-28", "2026-07-28", "resources/unsubscribe", 404, -32601),
    ],
)
async def test_header_and_envelope_decide_the_era(
    autojump_clock: MockClock,
    header: str | None,
    envelope: str | None,
    method: str,
    status: int,
    code: int | None,
) -> None:
    """The table of section 3."""
    message = request(method)
    if envelope is not None:
        message, _ = modern(message, **{"io.modelcontextprotocol/protocolVersion": envelope})
    async with open_browser() as browser:
        answer = await browser.post(message, mcp_protocol_version=header, mcp_method=method)
        said = await answer.message()

    assert answer.status == status
    assert said.get("error", {}).get("code") == code


async def test_modern_notification_is_accepted_and_ignored(autojump_clock: MockClock) -> None:
    async with open_browser() as browser:
        answer = await browser.post(
            note("notifications/anything"), mcp_protocol_version="2026-07-28"
        )
        await answer.wait_over()

    assert (answer.status, bytes(answer.body)) == (202, b"")


async def test_initialize_with_an_unknown_version_gets_ours(autojump_clock: MockClock) -> None:
    async with open_browser() as browser:
        said = await (await browser.post(initialize("2026-07-28"))).message()

    assert said["result"]["protocolVersion"] == "2025-11-25"


async def test_refused_initialize_leaves_no_session(autojump_clock: MockClock) -> None:
    async with open_browser() as browser:
        answer = await browser.post(request("initialize", {"capabilities": {}}))
        said = await answer.message()
        await trio.testing.wait_all_tasks_blocked()

        assert "mcp-session-id" not in answer.headers
        assert said["error"]["code"] == -32602
        assert "0 sessions" in repr(browser.site)


@pytest.mark.parametrize(
    ("body", "code"), [(b"{", -32700), (b"7", -32600), (b"[]", -32600), (b"", -32700)]
)
async def test_what_is_no_message_is_400(autojump_clock: MockClock, body: bytes, code: int) -> None:
    async with open_browser() as browser:
        await browser.shake_hands("2025-03-26")
        answer = await browser.send("POST", body=body)
        said = await answer.message()

    assert answer.status == 400
    assert said["error"]["code"] == code


async def test_batch_is_answered_with_one_array(autojump_clock: MockClock) -> None:
    """B-6, and an array of notifications alone is 202."""
    async with open_browser() as browser:
        await browser.shake_hands("2025-03-26")
        batch = [call("echo", 1, text="a"), call("echo", 2, text="b"), note("x/y")]
        answer = await browser.post(batch)
        said = await answer.messages()
        noted = await (await browser.post([note("x/y")])).wait_over()

    assert answer.status == 200
    assert sorted(each["id"] for each in said[0]) == [1, 2]
    assert noted.status == 202


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "HEAD"])
async def test_other_methods_are_405(autojump_clock: MockClock, method: str) -> None:
    async with open_browser() as browser:
        answer = await (await browser.send(method)).wait_over()

    assert answer.status == 405
    assert answer.headers["allow"] == "POST, GET, DELETE"
    assert not any(name.startswith("access-control") for name in answer.headers)


@pytest.mark.parametrize(
    "path",
    [
        "/", "/mcp/", "/mcpx", "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-authorization-server/mcp", "/.well-known/openid-configuration",
    ],
)  # fmt: skip
async def test_other_paths_are_404_without_a_token(path: str) -> None:
    """L-4: clients look for OAuth metadata and must hear that there is none."""
    async with open_browser() as browser:
        answer = await browser.send("GET", path, headers={"authorization": None})
        with trio.fail_after(60):  # of the real clock: a thread may be in play
            await answer.wait_over()

    assert answer.status == 404


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("Application/JSON", 200),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("", 415),
    ],
)
async def test_only_json_is_taken(autojump_clock: MockClock, kind: str, status: int) -> None:
    """A form of a foreign page cannot send this type without asking first."""
    async with open_browser() as browser:
        answer = await browser.post(initialize(), content_type=kind or None)
        await answer.wait_over()

    assert answer.status == status


@pytest.mark.parametrize(
    ("accept", "status", "kind"),
    [
        ("application/json, text/event-stream", 200, "application/json"),
        ("*/*", 200, "application/json"),
        ("application/json", 200, "application/json"),
        ("text/event-stream", 200, "text/event-stream"),
        ("text/html", 406, "application/json"),
    ],
)
async def test_accept_decides_json_or_stream(
    autojump_clock: MockClock, accept: str, status: int, kind: str
) -> None:
    async with open_browser() as browser:
        message, headers = modern(call("echo", text="x"))
        answer = await browser.post(message, accept=accept, **headers)
        said = await answer.message()

    assert answer.status == status
    assert answer.headers["content-type"] == kind
    assert ("result" in said) == (status == 200)


async def test_listening_needs_a_client_that_takes_streams(autojump_clock: MockClock) -> None:
    async with open_browser() as browser:
        params = {"notifications": {"promptsListChanged": True}}
        message, headers = modern(request("subscriptions/listen", params))
        refused = await (await browser.post(message, accept="*/*", **headers)).wait_over()
        answer = await browser.post(message, **headers)
        event = await answer.next_event()

    assert refused.status == 406
    assert event is not None
    assert "notifications/subscriptions/acknowledged" in event.data
    assert event.event_id is None


async def test_quiet_modern_call_becomes_a_stream_that_pings(autojump_clock: MockClock) -> None:
    """T-6, T-7."""
    async with open_browser() as browser:
        message, headers = modern(call("hold"))
        answer = await browser.post(message, **headers)
        await answer.wait_begun()
        began = trio.current_time()
        await trio.sleep(40)
        pings = bytes(answer.body).count(b": ping")
        browser.app.go.set()
        said = await answer.message()

    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["x-accel-buffering"] == "no"
    assert began == pytest.approx(2.0, abs=0.1)
    assert pings == 2
    assert said["result"]["structuredContent"] == {"held": True}


async def test_progress_comes_before_the_answer_on_the_same_stream(
    autojump_clock: MockClock,
) -> None:
    async with open_browser() as browser:
        message, headers = modern(call("count", token=0))
        answer = await browser.post(message, **headers)
        said = await answer.messages()

    assert [each.get("method", "answer") for each in said] == ["notifications/progress"] * 3 + [
        "answer"
    ]
    assert [each["params"]["progress"] for each in said[:3]] == [1, 2, 3]


async def test_client_that_takes_only_json_gets_the_answer_alone(
    autojump_clock: MockClock,
) -> None:
    async with open_browser() as browser:
        await browser.shake_hands()
        answer = await browser.post(call("count", token="t"), accept="application/json")
        said = await answer.messages()

    assert len(said) == 1
    assert said[0]["result"]["structuredContent"] == {"counted": 3}


async def test_figures_are_scraped_as_text(autojump_clock: MockClock) -> None:
    """With GET only; before there are any it is told when to come again."""
    async with open_browser(figures="up 1\n") as browser:
        answer = await browser.send("GET", "/metrics")
        await answer.wait_over()
        posted = await browser.send("POST", "/metrics")
        await posted.wait_over()
    async with open_browser(figures=None) as browser:
        early = await browser.send("GET", "/metrics")
        await early.wait_over()

    assert (answer.status, bytes(answer.body)) == (200, b"up 1\n")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert (posted.status, posted.headers["allow"]) == (405, "GET")
    assert (early.status, early.headers["retry-after"]) == (503, "1")
