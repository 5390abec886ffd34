"""One client from its first byte to its last: answers, cancellations, slow and rude clients."""

import pathlib
from collections import Counter
from typing import Any

import orjson
import pytest
import trio
import trio.testing

from aimux.model import JobStatus
from aimux.protocol import Outgoing
from aimux.server import serve_session
from aimux.server._outbox import BUFFER_BYTES, BUSY_MESSAGES
from aimux.server._session import EOF_GRACE_S
from aimux.testing import Say, Turn
from aimux.tools import TOOLS

from ..engine.house import answers, fails, open_house, record
from .wire import META, MODERN, Peer, attach, open_pair

Clock = trio.testing.MockClock
HANG = Turn(says=[Say(record(answer="so far"))], hangs=True)


def exec_(prompt: str, **more: Any) -> dict[str, Any]:
    """Parameters of a call of exec."""
    return {"name": "exec", "arguments": {"prompt": prompt, **more}}


def slow(seconds: float, text: str) -> Turn:
    return Turn(says=[Say(record(answer=text) + record(type="end"), after_s=seconds)])


# ----------------------------------------------------------------------------------------- answers


async def test_a_client_without_a_handshake_is_known_by_what_its_call_says(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Each call of the newest revision names who sends it; jobs tell whose they are."""
    async with open_pair(tmp_path, [answers("one"), answers("two")]) as (house, peer):
        other = {**META, "io.modelcontextprotocol/clientInfo": {"name": "other", "version": "1"}}
        for meta in (META, other):
            await peer.result("tools/call", {**exec_("go"), "_meta": meta})
        jobs = (await house.store.jobs()).jobs

    assert sorted(job.client for job in jobs) == ["other", "tester"]


class _Steps(trio.abc.Instrument):
    """Counts the steps of tasks by the function they run."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.counts[task.name.rpartition(".")[2]] += 1


async def test_a_quick_call_wakes_nobody_but_the_reader(tmp_path: pathlib.Path) -> None:
    """Its answer is written where it was read; the writer is for what others have to say."""
    steps = _Steps()
    async with open_pair(tmp_path, [answers("done")]) as (_, peer):
        await peer.open()
        done = await peer.tool("exec", prompt="go")
        trio.lowlevel.add_instrument(steps)
        for _ in range(10):
            await peer.tool("status", job_id=done["job_id"])
        trio.lowlevel.remove_instrument(steps)

    assert steps.counts["_write"] == 0
    assert steps.counts["serve"] >= 10


async def test_answers_come_in_the_order_of_their_ends(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A long call holds up nobody; each answer has its own id."""
    turns = {b"long": slow(30, "the long answer"), b"short": slow(5, "the short answer")}
    async with open_pair(tmp_path, lambda order: turns[order.stdin]) as (_, peer):
        await peer.open()
        long = await peer.begin("tools/call", exec_("long"))
        short = await peer.begin("tools/call", exec_("short"), call_id="text id")
        listed = await peer.begin("tools/list")
        order = []
        while len(order) < 3:
            message = await peer.hear()
            assert message is not None
            if "id" in message:
                order.append((message["id"], trio.current_time()))

        assert order == [(listed, 0.0), (short, 5.0), (long, 30.0)]


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
async def test_each_revision_gets_its_shape(
    tmp_path: pathlib.Path, autojump_clock: Clock, version: str
) -> None:
    """Structured content where the revision has it; the text block is the same JSON everywhere."""
    async with open_pair(tmp_path, [answers()]) as (_, peer):
        assert (await peer.open(version))["protocolVersion"] == version
        result = await peer.result("tools/call", exec_("x"))
        body = orjson.loads(result["content"][0]["text"])

        assert body["content"] == "a fine answer"
        has = version >= "2025-06-18"
        assert ("structuredContent" in result) is has
        assert result.get("structuredContent", body) == body


async def test_a_kept_answer_is_whole_for_every_client(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """What an old revision leaves out of a remembered answer is there for a newer one."""
    async with open_house(tmp_path, [answers()]) as house:
        job = await house.run()
        call = {"name": "status", "arguments": {"job_id": job.id}}
        results = []
        for version in ("2024-11-05", "2025-11-25", "2024-11-05"):
            async with attach(house.app, house) as peer:
                await peer.open(version)
                results.append(await peer.result("tools/call", call))

    assert [("structuredContent" in each) for each in results] == [False, True, False]
    assert len({each["content"][0]["text"] for each in results}) == 1


async def test_the_quick_way_and_the_slow_one_give_the_same(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A status answered by the reader and one that had to wait are one JSON."""
    async with open_pair(tmp_path, [answers("x" * 20_000)]) as (house, peer):
        await peer.open()
        job = await house.run()
        call = {"name": "status", "arguments": {"job_id": job.id}}
        answer_nowait = await peer.result("tools/call", call)
        house.engine.supervisor.drop_recent([job.id])
        house.engine.jobs._cache.clear()
        slow_one = await peer.result("tools/call", call)
        shelved = await peer.result("tools/call", call)

        assert answer_nowait == slow_one == shelved
        assert answer_nowait["content"][1]["type"] == "resource_link"


async def test_a_modern_call_needs_no_handshake(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Each request brings its own envelope; a bare old one is answered too."""
    async with open_pair(tmp_path, [answers()]) as (_, peer):
        result = await peer.result("tools/call", {**exec_("x"), "_meta": META})
        assert result["structuredContent"]["status"] == "completed"
        assert (await peer.result("tools/list", {"_meta": META}))["cacheScope"] == "public"
        discovered = await peer.result("server/discover", {"_meta": META})
        assert MODERN in discovered["supportedVersions"]

    async with open_pair(tmp_path) as (_, peer):
        names = [tool["name"] for tool in (await peer.result("tools/list"))["tools"]]
        assert names == list(TOOLS)


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("tools/call", {"name": "nope"}, -32602),
        ("tools/call", {"arguments": {}}, -32602),
        ("tools/call", {"name": "exec", "arguments": [1]}, -32602),
        ("no/such", {}, -32601),
        ("resources/read", {"uri": "aimux://nothing"}, -32002),
        ("resources/read", {}, -32602),
        (
            "completion/complete",
            {"ref": {"type": "ref/prompt", "name": "p"}, "argument": {}},
            -32602,
        ),
        ("completion/complete", {"ref": {"type": "other"}, "argument": {}}, -32602),
        ("tasks/get", {"taskId": "job_nobody"}, -32602),
        ("tasks/list", {}, -32601),
    ],
)
async def test_bad_calls_are_protocol_errors(
    tmp_path: pathlib.Path, autojump_clock: Clock, method: str, params: Any, code: int
) -> None:
    """What no model could act on is an error of the protocol; the session goes on."""
    async with open_pair(tmp_path) as (_, peer):
        await peer.open()
        answer = await peer.call(method, params)
        assert answer["error"]["code"] == code
        assert await peer.result("ping") == {}


async def test_bad_values_are_answers(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """What a model can mend is a tool result with isError, on the quick way and the slow one."""
    async with open_pair(tmp_path, [fails("log in first")] * 3) as (_, peer):
        await peer.open()
        for name, arguments, code in (
            ("exec", {"prompt": 3}, "invalid_arguments"),
            ("status", {"job_id": 3}, "invalid_arguments"),
            ("status", {"job_id": "job_nobody"}, "job_not_found"),
            ("exec", {"prompt": "x", "cwd": "nowhere"}, "cwd_invalid"),
            ("exec", {"prompt": "x"}, "not_authenticated"),
        ):
            result = await peer.result("tools/call", {"name": name, "arguments": arguments})
            assert result["isError"] is True
            assert result["structuredContent"]["error"]["code"] == code
        null = await peer.result("tools/call", {"name": "sessions", "arguments": None})
        assert null["isError"] is True


async def test_templates_and_resources_over_the_wire(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Listed, read and completed as the revision shows them."""
    async with open_pair(tmp_path, [answers("a fine answer")]) as (house, peer):
        await peer.open()
        job = await house.run()
        uri = f"aimux://jobs/{job.id}/output"
        contents = (await peer.result("resources/read", {"uri": uri}))["contents"]
        assert contents == [{"uri": uri, "mimeType": "text/plain", "text": "a fine answer"}]
        listed = (await peer.result("resources/list"))["resources"]
        assert f"aimux://jobs/{job.id}" in [each["uri"] for each in listed]
        shown = (await peer.result("resources/templates/list"))["resourceTemplates"]
        assert "aimux://roles/{name}" in [each["uriTemplate"] for each in shown]
        done = await peer.result(
            "completion/complete",
            {
                "ref": {"type": "ref/resource", "uri": "aimux://clis/{name}"},
                "argument": {"name": "name", "value": "al"},
            },
        )
        assert done["completion"] == {"values": ["alpha"], "total": 1, "hasMore": False}


@pytest.mark.parametrize(("params", "code"), [({}, -32002), ({"_meta": META}, -32602)])
async def test_a_missing_resource_has_the_code_of_its_revision(
    tmp_path: pathlib.Path, autojump_clock: Clock, params: dict[str, Any], code: int
) -> None:
    """The newest revision has no code of its own for it."""
    async with open_pair(tmp_path) as (_, peer):
        if not params:
            await peer.open()
        answer = await peer.call("resources/read", {"uri": "aimux://jobs/job_nobody", **params})

        assert answer["error"]["code"] == code
        assert answer["error"]["data"]["uri"] == "aimux://jobs/job_nobody"
        assert answer["error"]["data"]["why"] == "job job_nobody does not exist"
        assert answer["error"]["message"].endswith("(job job_nobody does not exist)")


# ------------------------------------------------------------------------------ progress and asking


async def test_progress_goes_to_its_call(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """With the caller's token, counting up, and nothing after the answer."""
    says = [Say(record(answer=f"step {n}"), after_s=1) for n in range(5)]
    turn = Turn(says=[*says, Say(record(answer="all done now") + record(type="end"))])
    async with open_pair(tmp_path, [turn]) as (_, peer):
        await peer.open()
        await peer.result("tools/call", {**exec_("x"), "_meta": {"progressToken": "tok"}})
        told = peer.told("notifications/progress")

        assert {each["progressToken"] for each in told} == {"tok"}
        numbers = [each["progress"] for each in told]
        assert numbers == sorted(set(numbers))
        assert [each["message"] for each in told][1:4] == ["step 0", "step 1", "step 2"]


@pytest.mark.parametrize(
    ("answer", "typed"),
    [
        ({"action": "accept", "content": {"answer": "yes"}}, [b"yes\n"]),
        ({"action": "decline"}, []),
        (None, []),
    ],
)
async def test_a_question_of_a_terminal_is_put_to_the_person(
    tmp_path: pathlib.Path, autojump_clock: Clock, answer: Any, typed: list[bytes]
) -> None:
    """By elicitation, where the client can; what they say is typed."""
    import attrs

    from aimux.model import OutputRule

    from ..engine.house import ALPHA

    turn = Turn(says=[Say(b"Trust it? [y/n] "), Say(b"\na fine answer\n", after_s=20)])
    profile = attrs.evolve(ALPHA, output=OutputRule(dialect="text"))
    async with open_pair(tmp_path, [turn], profiles=[profile]) as (house, peer):
        await peer.open(**({"elicitation": {}} if answer else {}))
        call = await peer.begin("tools/call", exec_("x", tty=True))
        if answer:
            while not peer.asked:
                await peer.settle()
                await trio.sleep(0.5)
            question = peer.asked[0]
            assert question["method"] == "elicitation/create"
            assert question["params"]["message"] == "alpha asks: Trust it? [y/n]"
            await peer.say(id=question["id"], result=answer)
            await peer.say(id=question["id"], result=answer)  # a second one is nobody's
        result = (await peer.answer(call))["result"]

        assert result["structuredContent"]["status"] == "completed"
        keyboard = house.driver.specs[0].keyboard
        assert keyboard is not None
        assert [keyboard.receive_nowait() for _ in typed] == typed
        codes = [each["code"] for each in result["structuredContent"]["warnings"]]
        assert codes == ([] if typed else ["waiting_for_input"])


# ----------------------------------------------------------------------------------- cancellations


async def test_cancelling_a_call_kills_its_job(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Nothing more is written for that id; the child is gone; other calls go on."""
    async with open_pair(tmp_path, [HANG, slow(10, "the other one")]) as (house, peer):
        await peer.open()
        first = await peer.begin("tools/call", {**exec_("x"), "_meta": {"progressToken": 1}})
        await trio.sleep(1)
        other = await peer.begin("tools/call", exec_("y"))
        await trio.sleep(1)
        await peer.say(
            method="notifications/cancelled", params={"requestId": first, "reason": "no"}
        )
        await peer.say(method="notifications/cancelled", params={"requestId": "unknown"})
        await peer.answer(other)
        told = len(peer.told("notifications/progress"))
        await trio.sleep(60)
        await peer.settle()

        assert first not in peer.answers
        assert len(peer.told("notifications/progress")) == told
        page = await house.store.jobs()
        assert [job.status for job in page.jobs] == [JobStatus.COMPLETED, JobStatus.CANCELLED]
        assert house.driver.running == 0
        assert await peer.result("ping") == {}


async def test_a_cancelled_look_leaves_the_job(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Only exec's own wait ends a job."""
    async with open_pair(tmp_path, [HANG]) as (house, peer):
        await peer.open()
        job_id = (await peer.tool("exec", prompt="x", wait_seconds=1))["job_id"]
        call = {"name": "status", "arguments": {"job_id": job_id, "wait_seconds": 60}}
        look = await peer.begin("tools/call", call)
        await trio.sleep(1)
        await peer.say(method="notifications/cancelled", params={"requestId": look})
        await trio.sleep(1)

        assert house.engine.supervisor.statistics().running == 1


# --------------------------------------------------------------------------------------------- ends


async def test_end_of_input_ends_synchronous_calls_only(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A short grace, then the waiting job is cancelled; one that was handed over goes on."""
    async with open_house(tmp_path, [HANG, HANG]) as house:
        async with attach(house.app, house) as peer:
            await peer.open()
            await peer.tool("exec", prompt="x", wait_seconds=1)
            await peer.begin("tools/call", exec_("y"))
            await trio.sleep(1)
            began = trio.current_time()
            await _eof(peer)
        assert trio.current_time() - began >= EOF_GRACE_S
        assert house.app.clients() == {}
        with trio.fail_after(30):
            while house.engine.supervisor.statistics().running > 1:
                await house.engine.supervisor.wait_change()

        statuses = [job.status for job in (await house.store.jobs()).jobs]
        assert statuses == [JobStatus.CANCELLED, JobStatus.RUNNING]


async def _eof(peer: Peer) -> None:
    await peer.stream.send_eof()


async def test_what_is_computed_at_the_end_of_input_is_written(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A client that closes its end right after asking still gets its answers."""
    async with (
        open_house(tmp_path, [slow(EOF_GRACE_S / 2, "just in time")]) as house,
        attach(house.app, house) as peer,
    ):
        call = await peer.begin("tools/call", exec_("x"))
        listed = await peer.begin("tools/list")
        await _eof(peer)
        assert "result" in await peer.answer(listed)
        answer = await peer.answer(call)
        assert await peer.hear() is None

    assert answer["result"]["content"]


class Rude:
    """A wire whose client leaves in the middle, or reads nothing."""

    def __init__(self, messages: list[bytes], *, reads: bool) -> None:
        self.messages = messages
        self.reads = reads
        self.sent: list[Outgoing] = []
        self.gone = trio.Event()

    async def receive(self) -> list[bytes] | None:
        await trio.lowlevel.checkpoint()
        if self.messages:
            return [self.messages.pop(0)]
        await self.gone.wait()
        return None

    async def send(self, messages: list[Outgoing]) -> None:
        self.sent += messages
        await trio.lowlevel.checkpoint()
        if not self.reads:
            await trio.sleep_forever()
        if self.gone.is_set():
            raise trio.BrokenResourceError


def line(call_id: int, method: str, **params: Any) -> bytes:
    return orjson.dumps({"jsonrpc": "2.0", "id": call_id, "method": method, "params": params})


async def test_a_client_that_leaves_in_the_middle(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A broken pipe ends the session quietly, and its waiting jobs with it."""
    async with open_house(tmp_path, [HANG]) as house:
        wire = Rude([line(1, "tools/call", **exec_("x"))], reads=True)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve_session, wire, house.app, house.client)
            await trio.sleep(1)
            wire.gone.set()
        with trio.fail_after(30):
            await house.engine.supervisor.wait_empty()

        assert house.app.clients() == {}


async def test_a_client_that_reads_nothing_is_bounded(
    tmp_path: pathlib.Path, autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Progress is dropped and counted, answers are kept up to a limit; then it is let go."""
    monkeypatch.setattr("aimux.server._outbox.BUSY_MESSAGES", 5)
    monkeypatch.setattr("aimux.server._outbox.BUFFER_BYTES", 100_000)
    assert (BUSY_MESSAGES, BUFFER_BYTES) > (5, 100_000)
    says = [Say(record(answer=f"step {n}"), after_s=1) for n in range(1_000)]
    messages = [line(1, "tools/call", **exec_("x"), _meta={"progressToken": 1})]
    async with open_house(tmp_path, [Turn(says=says)]) as house:
        wire = Rude(messages, reads=False)
        sessions = spy(monkeypatch)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve_session, wire, house.app, house.client)
            await trio.sleep(50)
            session = sessions[0]
            statistics = session.statistics()
            assert statistics.running == 1
            assert statistics.dropped > 10
            assert statistics.buffered <= 5
            assert repr(session) == "<Session: tester, 1 running>"
            wire.messages += [line(n, "tools/list") for n in range(2, 60)]
            wire.gone.set()
        assert len(wire.messages) > 0
        with trio.fail_after(30):
            await house.engine.supervisor.wait_empty()


def spy(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Sessions as they begin."""
    from aimux.server import _session

    made: list[Any] = []
    real = _session.Session

    def make(**fields: Any) -> Any:
        made.append(real(**fields))
        return made[-1]

    monkeypatch.setattr(_session, "Session", make)
    return made


async def test_nothing_follows_a_torn_frame(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """A session that is cancelled in the middle of a write writes nothing more."""
    async with open_house(tmp_path) as house:
        wire = Rude([line(1, "tools/list"), line(2, "ping")], reads=False)
        with trio.move_on_after(1):
            await serve_session(wire, house.app, house.client)

        assert len(wire.sent) == 1


async def test_a_message_that_is_too_long_is_refused(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """It costs its sender an error, not the session."""
    async with open_house(tmp_path) as house, attach(house.app, house, max_bytes=1_000) as peer:
        await peer.open()
        await peer.begin("tools/call", exec_("x" * 2_000))
        message = await peer.hear()
        assert message is not None
        assert message["error"]["code"] == -32600 or message["error"]["code"] == -32700
        assert await peer.result("ping") == {}
