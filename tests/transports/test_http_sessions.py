"""Handshake sessions over HTTP: their life, their streams, coming back, cancelling."""

import orjson
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from aimux.transports import _streamable
from aimux.transports.network import ListenAddress, ResponseStream, StreamWire

from .asgi import ADDRESS, Browser, call, initialize, modern, note, open_browser, request


async def cancel(browser: Browser, at: object) -> None:
    params = {"requestId": at, "reason": "enough"}
    answer = await browser.post(note("notifications/cancelled", params))
    await answer.wait_over()
    assert answer.status == 202


# ---------------------------------------------------------------- life


async def test_session_ends_with_delete(autojump_clock: MockClock) -> None:
    """L-3, and L-2: afterwards 404."""
    async with open_browser() as browser:
        await browser.shake_hands()
        ended = await (await browser.send("DELETE")).wait_over()
        late = await (await browser.post(request("ping"))).wait_over()
        again = await (await browser.send("DELETE")).wait_over()

    assert (ended.status, late.status, again.status) == (204, 404, 404)


async def test_delete_ends_the_calls_of_the_session(autojump_clock: MockClock) -> None:
    async with open_browser() as browser:
        await browser.shake_hands()
        answer = await browser.post(call("hold"))
        await browser.app.held.wait()
        await (await browser.send("DELETE")).wait_over()
        await answer.wait_over()

    assert browser.app.ended == ["cancelled"]


async def test_unknown_session_is_404_and_a_missing_one_400(autojump_clock: MockClock) -> None:
    async with open_browser() as browser:
        missing = await (await browser.post(request("ping"))).wait_over()
        unknown = await (await browser.post(request("ping"), mcp_session_id="x")).wait_over()

    assert (missing.status, unknown.status) == (400, 404)


async def test_session_belongs_to_the_credential_that_made_it(autojump_clock: MockClock) -> None:
    """L-2: another principal gets what an unknown session gets."""
    async with open_browser() as browser:
        await browser.shake_hands()
        streamable = browser.site._streamable
        session = streamable._sessions[str(browser.session_id)]
        session.principal = "somebody else"
        answers = [
            await (await browser.post(request("ping"))).wait_over(),
            await (await browser.get()).wait_over(),
            await (await browser.send("DELETE")).wait_over(),
        ]

    assert [answer.status for answer in answers] == [404, 404, 404]


async def test_idle_session_ends_and_a_used_one_stays(autojump_clock: MockClock) -> None:
    async with open_browser() as browser:
        await browser.shake_hands()
        await trio.sleep(_streamable.IDLE_S - 1)
        used = await (await browser.post(request("ping"))).wait_over()
        await trio.sleep(_streamable.IDLE_S - 1)
        still = await (await browser.post(request("ping"))).wait_over()
        await trio.sleep(_streamable.IDLE_S + 1)
        late = await (await browser.post(request("ping"))).wait_over()

    assert (used.status, still.status, late.status) == (200, 200, 404)


async def test_session_is_not_idle_while_a_call_runs_or_a_stream_is_open(
    autojump_clock: MockClock,
) -> None:
    async with open_browser() as browser:
        await browser.shake_hands()
        stream = await browser.get()
        await stream.wait_begun()
        await trio.sleep(_streamable.IDLE_S * 2)
        watched = await (await browser.post(request("ping"))).wait_over()
        stream.hang_up()
        held = await browser.post(call("hold"))
        await browser.app.held.wait()
        held.hang_up()
        await trio.sleep(_streamable.IDLE_S * 2)
        running = await (await browser.post(request("ping", at=2))).wait_over()

    assert (watched.status, running.status) == (200, 200)


async def test_too_many_sessions_are_refused_unless_one_is_spare(
    autojump_clock: MockClock,
) -> None:
    async with open_browser() as browser:
        for _ in range(_streamable.MAX_SESSIONS):
            await (await browser.post(initialize())).wait_over()
        refused = await (await browser.post(initialize())).wait_over()
        await trio.sleep(_streamable.SPARE_S + 1)
        taken = await (await browser.post(initialize())).wait_over()
        message, headers = modern(request("tools/list"))
        other = await (await browser.post(message, **headers)).wait_over()

        assert f"{_streamable.MAX_SESSIONS} sessions" in repr(browser.site)
    assert (refused.status, refused.headers["retry-after"]) == (503, "60")
    assert (taken.status, other.status) == (200, 200)


async def test_end_of_the_server_ends_sessions_and_answers_what_runs(
    autojump_clock: MockClock,
) -> None:
    async with open_browser() as browser:
        await browser.shake_hands()
        stream = await browser.get()
        await stream.wait_begun()
        params = {"notifications": {"toolsListChanged": True}}
        message, headers = modern(request("subscriptions/listen", params, "listen"))
        listening = await browser.post(message, **headers)
        await listening.next_event()
        browser.site.end()
        await stream.wait_over()
        await listening.wait_over()
        last = await listening.next_event()
        late = await (await browser.post(request("ping"))).wait_over()

    assert last is not None
    final = orjson.loads(last.data)
    assert (final["id"], final["result"]["resultType"]) == ("listen", "complete")
    assert late.status == 404


# ---------------------------------------------------------------- streams


async def test_get_opens_one_stream_and_a_second_is_409(autojump_clock: MockClock) -> None:
    """L-4."""
    async with open_browser() as browser:
        await browser.shake_hands()
        first = await browser.get()
        await first.wait_begun()
        second = await (await browser.get()).wait_over()
        first.hang_up()
        await wait_all_tasks_blocked()
        third = await browser.get()
        await third.wait_begun()

    assert (first.status, second.status, third.status) == (200, 409, 200)


async def test_get_that_cannot_be_a_stream_is_refused_at_once(autojump_clock: MockClock) -> None:
    """L-4: one real client asks like this to see whether it needs to log in."""
    async with open_browser() as browser:
        wild = await (
            await browser.get(accept="*/*", mcp_protocol_version="2024-11-05")
        ).wait_over()
        bare = await (await browser.get(accept="text/event-stream")).wait_over()

    assert (wild.status, bare.status) == (405, 400)


async def test_quiet_stream_pings(autojump_clock: MockClock) -> None:
    async with open_browser() as browser:
        await browser.shake_hands()
        stream = await browser.get()
        await stream.wait_begun()
        await trio.sleep(31)

        assert bytes(stream.body).count(b": ping") == 2


async def test_old_revisions_get_json_and_the_polling_one_a_stream(
    autojump_clock: MockClock,
) -> None:
    """L-8: no priming event for clients that choke on empty data."""
    async with open_browser() as browser:
        for version, kind in (
            ("2025-03-26", "application/json"),
            ("2025-06-18", "application/json"),
            ("2025-11-25", "text/event-stream"),
        ):
            browser.session_id = browser.version = None
            await browser.shake_hands(version)
            answer = await browser.post(call("echo", text="x"))
            said = await answer.message()
            slow = await browser.post(call("count", 2, token="t"))
            first = await slow.next_event()

            assert answer.headers["content-type"] == kind
            assert said["result"]["content"]
            assert first is not None
            assert (first.data == "") == (version == "2025-11-25")
            assert (first.event_id is None) == (version != "2025-11-25")


async def test_version_header_may_be_missing(autojump_clock: MockClock) -> None:
    """L-6: the session knows its version."""
    async with open_browser() as browser:
        await browser.shake_hands("2025-06-18")
        browser.version = None
        said = await (await browser.post(call("echo", text="x"))).message()

    assert said["result"]["structuredContent"] == {"said": "x"}


# ---------------------------------------------------------------- connections that break


async def test_lost_connection_does_not_cancel_a_handshake_call(
    autojump_clock: MockClock,
) -> None:
    """L-7, L-8: the client comes back for the answer."""
    async with open_browser() as browser:
        await browser.shake_hands()
        lost = await browser.post(call("hold", 7))
        prime = await lost.next_event()
        await browser.app.held.wait()
        lost.hang_up()
        await wait_all_tasks_blocked()
        browser.app.go.set()
        await wait_all_tasks_blocked()
        assert prime is not None
        back = await browser.get(last_event_id=prime.event_id)
        said = await back.message()

    assert prime.retry_ms is not None
    assert browser.app.ended == ["done"]
    assert (said["id"], said["result"]["structuredContent"]) == (7, {"held": True})


async def test_resuming_replays_only_what_was_missed(autojump_clock: MockClock) -> None:
    async with open_browser() as browser:
        await browser.shake_hands()
        lost = await browser.post(call("count", 7, token="t"))
        seen = [await lost.next_event(), await lost.next_event()]
        lost.hang_up()
        assert seen[1] is not None
        back = await browser.get(last_event_id=seen[1].event_id)
        said = await back.messages()

    assert [each.get("params", {}).get("progress") for each in said] == [2, 3, None]
    assert said[-1]["id"] == 7


async def test_answer_can_be_fetched_after_it_was_written(autojump_clock: MockClock) -> None:
    """The last bytes of a connection may be lost with it."""
    async with open_browser() as browser:
        await browser.shake_hands()
        answer = await browser.post(call("echo", 7, text="x"))
        await answer.wait_over()
        prime = await answer.next_event()
        assert prime is not None
        back = await browser.get(last_event_id=prime.event_id)
        said = await back.messages()

    assert [each["id"] for each in said] == [7]


async def test_later_reader_takes_over_from_the_earlier(autojump_clock: MockClock) -> None:
    """A client that came back is the client as it is now, whatever became of its connection."""
    async with open_browser() as browser:
        await browser.shake_hands()
        first = await browser.post(call("hold"))
        prime = await first.next_event()
        assert prime is not None
        second = await browser.get(last_event_id=prime.event_id)
        await second.wait_begun()
        await first.wait_over()
        browser.app.go.set()
        said = await second.messages()

    assert len(said) == 1


async def test_nonsense_to_resume_from_is_400(autojump_clock: MockClock) -> None:
    async with open_browser() as browser:
        await browser.shake_hands()
        answers = [
            await (await browser.get(last_event_id=text)).wait_over()
            for text in ("99-1", "-", "s-x", "s-٣", "s-" + "9" * 5000)
        ]

    assert {answer.status for answer in answers} == {400}


async def test_polling_client_gets_its_answer_after_a_hang_up(autojump_clock: MockClock) -> None:
    async with open_browser() as browser:
        await browser.shake_hands()
        answer = await browser.post(call("hold"))
        prime = await answer.next_event()
        assert prime is not None
        wire = browser.site._streamable._sessions[str(browser.session_id)].wire
        (call_id,) = wire._by_call
        wire.hang_up(call_id)
        await answer.wait_over()
        browser.app.go.set()
        back = await browser.get(last_event_id=prime.event_id)
        said = await back.messages()

    assert said[0]["result"]["structuredContent"] == {"held": True}


async def test_lost_connection_cancels_a_modern_call(autojump_clock: MockClock) -> None:
    """T-8."""
    async with open_browser() as browser:
        message, headers = modern(call("hold"))
        answer = await browser.post(message, **headers)
        await browser.app.held.wait()
        answer.hang_up()
        await wait_all_tasks_blocked()

    assert browser.app.ended == ["cancelled"]
    assert answer.body == b""


# ---------------------------------------------------------------- cancelling


async def test_cancelled_call_ends_its_response_with_an_error(autojump_clock: MockClock) -> None:
    """L-9."""
    async with open_browser() as browser:
        await browser.shake_hands("2025-06-18")
        answer = await browser.post(call("hold", "mine"))
        await browser.app.held.wait()
        await cancel(browser, "mine")
        said = await answer.message()

    assert browser.app.ended == ["cancelled"]
    assert (said["id"], said["error"]["code"]) == ("mine", -32800)


async def test_cancelling_one_of_a_batch_leaves_the_other(autojump_clock: MockClock) -> None:
    async with open_browser() as browser:
        await browser.shake_hands("2025-03-26")
        answer = await browser.post([call("hold", 1), call("count", 2)])
        await browser.app.held.wait()
        await cancel(browser, 1)
        said = await answer.messages()

    assert [each["id"] for each in said[-1]] == [2]


async def test_cancelling_what_is_not_there_is_silent(autojump_clock: MockClock) -> None:
    async with open_browser() as browser:
        await browser.shake_hands()
        await cancel(browser, "nothing")


# ---------------------------------------------------------------- response streams


def test_response_stream_keeps_the_newest_within_its_limit() -> None:
    from aimux.protocol import Outgoing
    from aimux.transports._response import STREAM_BYTES

    stream = ResponseStream("1")
    for _ in range(5):
        stream.put(Outgoing(b"x" * (STREAM_BYTES // 2)))
    stream.put(Outgoing(b"y" * (STREAM_BYTES * 2), None, True))
    stream.put(Outgoing(b"too late"))

    assert [number for number, _ in stream.since(0)] == [6]
    assert stream.dropped == 5
    assert repr(stream) == "<ResponseStream 1: 6 messages, over>"


def test_finished_streams_are_kept_up_to_a_number() -> None:
    from aimux.protocol import Outgoing
    from aimux.transports._response import KEPT_STREAMS

    wire = StreamWire()
    for number in range(KEPT_STREAMS + 1):
        stream = ResponseStream(str(number))
        wire.begin(stream)
        wire.deliver(Outgoing(b"{}", None, True), stream)

    assert wire.find("0") is None
    assert wire.find("1") is not None
    assert not wire.is_busy


def test_address_hides_its_token() -> None:
    assert isinstance(ADDRESS, ListenAddress)
    assert str(ADDRESS.token) not in repr(ADDRESS)
