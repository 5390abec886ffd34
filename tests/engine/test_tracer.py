"""Jobs become spans, and children are told where they stand."""

import logging
import os
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import attrs
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from aimux.drivers import ProcessSpec
from aimux.engine import _tracer, recover
from aimux.engine._tracer import Tracer, has_extra, open_tracer
from aimux.engine.log import JobLog
from aimux.engine.log._entries import KEPT_ENTRIES
from aimux.model import (
    ChildStarted,
    Entry,
    HookSettings,
    Job,
    JobId,
    JobStarted,
    JobStatus,
    JobTrace,
    Mode,
    RouteRequest,
    TelemetrySettings,
    Text,
    TraceContext,
    Traces,
    TurnStarted,
    dump_bytes,
    load_bytes,
)
from aimux.rules.traces import Span, TracedJob, child_span_id, place_job, span_id
from aimux.testing import FakeStore, Say, Turn
from aimux.tools._metrics import metrics_text

from .house import BIRTH, answers, make_job, make_session, open_house, threads_on_the_loop

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
META = {"traceparent": PARENT, "tracestate": "v=1"}
ON = TelemetrySettings(traces=Traces.ON)
KEPT = JobTrace(above=TraceContext(trace_id=TRACE, span_id="b" * 16, flags=1), has_spans=True)


@attrs.define(eq=False)
class FakeExporter:
    """A collector that takes what it gets, or says why not."""

    why: str = ""
    fault: Exception | None = None
    jobs: list[TracedJob] = attrs.field(factory=list)
    is_closed: bool = False

    def export(self, jobs: Sequence[TracedJob]) -> str:
        if self.fault is not None:
            raise self.fault
        if not self.why:
            self.jobs += jobs
        return self.why

    def close(self) -> None:
        self.is_closed = True

    def spans(self, what: str, job_id: str = "") -> list[Span]:
        return [
            span
            for each in self.jobs
            for span in each.spans
            if span.attributes["aimux.span"] == what and job_id in ("", each.job.id)
        ]


def told(spec: ProcessSpec) -> dict[str, str]:
    """What a child was told of its trace."""
    return {name: spec.env[name] for name in ("TRACEPARENT", "TRACESTATE") if name in spec.env}


def turns(*texts: str) -> list[Turn]:
    """One turn for each answer."""
    return [answers(each) for each in texts]


@pytest.mark.requirement("traces:child")
async def test_nobody_is_told_anything_where_nobody_traces(
    tmp_path: Path, autojump_clock: object
) -> None:
    """Neither by a context that is malformed."""
    async with open_house(tmp_path, turns("one", "two")) as house:
        await house.run()
        client = attrs.evolve(house.client, trace={"traceparent": "garbage"})
        job = await house.run(client=client)
        text = metrics_text(house.engine, {})

    assert [told(spec) for spec in house.driver.specs] == [{}, {}]
    assert "aimux_traced_jobs_total" not in text
    assert job.trace is None


@pytest.mark.requirement("traces:child")
async def test_a_clients_context_reaches_the_child_without_the_extra(
    tmp_path: Path, autojump_clock: object
) -> None:
    """As it came: of its call, else of what started the client. The call's comes first."""
    other = f"00-{'c' * 32}-{'d' * 16}-00"
    async with open_house(tmp_path, turns("one", "two", "three")) as house:
        env = {**house.client.env, "TRACEPARENT": other}
        nested = attrs.evolve(house.client, env=env)
        await house.run(client=attrs.evolve(house.client, trace=META))
        await house.run(client=nested)
        job = await house.run(client=attrs.evolve(nested, trace=META))
        kept = await house.stored(job.id)

    both = {"TRACEPARENT": PARENT, "TRACESTATE": "v=1"}
    assert [told(spec) for spec in house.driver.specs] == [both, {"TRACEPARENT": other}, both]
    assert kept.trace == job.trace
    assert kept.trace is not None
    assert not kept.trace.has_spans


@pytest.mark.requirement("traces:child")
@pytest.mark.requirement("traces:spans")
async def test_spans_below_the_client_and_children_below_their_spans(
    tmp_path: Path, autojump_clock: object
) -> None:
    """What the child was told is the span that was made of it."""
    exporter = FakeExporter()
    async with open_house(tmp_path, lambda _: answers("one"), exporter=exporter) as house:
        job = await house.run(client=attrs.evolve(house.client, trace=META))
        await wait_all_tasks_blocked()
        text = metrics_text(house.engine, {})
        health = await house.ask("sessions", action="health")

    (child,) = exporter.spans("child")
    assert told(house.driver.specs[0]) == {
        "TRACEPARENT": f"00-{TRACE}-{child.span_id}-01",
        "TRACESTATE": "v=1",
    }
    (whole,) = exporter.spans("job")
    assert whole.parent_id == "b7ad6b7169203331"
    assert whole.span_id == span_id(job.id)
    assert whole.attributes["aimux.status"] == "completed"
    assert exporter.is_closed
    assert 'aimux_traced_jobs_total{outcome="exported"} 1' in text
    assert health["traces"] == {
        "is_on": True,
        "sampler": "parentbased_always_on",
        "problem": None,
        "remedy": None,
        "jobs": {"exported": 1, "failed": 0, "dropped": 0, "waiting": 0},
    }


@pytest.mark.requirement("traces:spans")
async def test_another_attempt_is_another_child_in_the_trace(
    tmp_path: Path, autojump_clock: object
) -> None:
    """Each told its own span; the one that failed is an error."""
    quota = Turn(says=[Say(b'{"type": "error", "message": "out of quota"}\n')], exit_code=1)
    exporter = FakeExporter()
    played = [quota, *turns("one")]
    async with open_house(tmp_path, played, exporter=exporter) as house:
        job = await house.run()
        await wait_all_tasks_blocked()

    assert job.status is JobStatus.COMPLETED
    assert [told(spec)["TRACEPARENT"].split("-")[2] for spec in house.driver.specs] == [
        child_span_id(job.id, 1, 1),
        child_span_id(job.id, 1, 2),
    ]
    assert {span.span_id for span in exporter.spans("child")} == {
        child_span_id(job.id, 1, 1),
        child_span_id(job.id, 1, 2),
    }
    assert [bool(span.error) for span in exporter.spans("attempt")] in (
        [True, False],
        [False, True],
    )


@pytest.mark.requirement("traces:child")
async def test_a_hook_stands_below_the_turn_it_is_asked_about(
    tmp_path: Path, autojump_clock: object
) -> None:
    """Not below its child, which may never come; the span of the turn is there in any case."""
    exporter = FakeExporter()

    def played(spec: ProcessSpec) -> Turn:
        return Turn(says=[Say(b'{"action": "block"}')]) if spec.argv[0] == "hook" else answers()

    hooks = {"h": HookSettings(command=["hook"])}
    async with open_house(tmp_path, played, exporter=exporter, hooks=hooks) as house:
        await house.run()
        await wait_all_tasks_blocked()
        given = told(house.driver.specs[0])

    assert given["TRACEPARENT"].split("-")[2] == exporter.spans("turn")[0].span_id


@pytest.mark.requirement("traces:sampled")
async def test_a_trace_that_is_not_kept_is_passed_on_and_not_sent(
    tmp_path: Path, autojump_clock: object
) -> None:
    """By the client's own flag, or by the sampler of the environment."""
    exporter = FakeExporter()
    unkept = {"traceparent": PARENT[:-2] + "00"}
    async with open_house(
        tmp_path,
        turns("one", "two", "three"),
        exporter=exporter,
    ) as house:
        first = await house.run(client=attrs.evolve(house.client, trace=unkept))
        house.engine.tracer.standing = attrs.evolve(
            house.engine.tracer.standing, sampling=_tracer.Sampling(sampler="always_off")
        )
        second = await house.run()
        house.engine.tracer.standing = attrs.evolve(
            house.engine.tracer.standing, sampling=_tracer.Sampling()
        )
        third = await house.run()
        await wait_all_tasks_blocked()

    flags = [told(spec)["TRACEPARENT"][-2:] for spec in house.driver.specs]
    assert flags == ["00", "00", "01"]
    assert told(house.driver.specs[0])["TRACEPARENT"].split("-")[2] == child_span_id(first.id, 1, 1)
    assert second.trace is not None
    assert [each.job.id for each in exporter.jobs] == [third.id]


@pytest.mark.requirement("traces:spans")
async def test_a_cancelled_job_and_its_step_are_sent_too(
    tmp_path: Path, autojump_clock: object
) -> None:
    """The step below the job, with the reason as the error."""
    exporter = FakeExporter()
    hanging = [Turn(hangs=True), Turn(hangs=True)]
    async with open_house(tmp_path, hanging, exporter=exporter) as house:
        parent = await house.start()
        step = await house.start(parent=parent, keeps_session=False)
        await wait_all_tasks_blocked()
        parent.cancel("enough")
        await parent.done.wait()
        await step.done.wait()
        await wait_all_tasks_blocked()

    above, below = exporter.spans("job", parent.id)[0], exporter.spans("job", step.id)[0]
    assert below.parent_id == above.span_id
    assert above.error == below.error == "cancelled"
    assert parent.job.trace is not None
    assert step.job.trace is not None
    assert parent.job.trace.above.trace_id == step.job.trace.above.trace_id
    assert {span.error for span in exporter.spans("attempt")} == {"cancelled"}


async def test_a_plan_names_the_variables_a_child_would_get(
    tmp_path: Path, autojump_clock: object
) -> None:
    """What is shown is what would be run."""
    async with open_house(tmp_path, exporter=FakeExporter()) as house:
        prepared = await house.engine.prepare(house.request(mode=Mode.WRITE))

    plan = prepared.plans[0]
    assert not isinstance(plan, Exception)
    assert "TRACEPARENT" in plan.env


@pytest.mark.requirement("traces:restart")
async def test_a_dead_servers_job_gets_its_spans_from_the_next(
    tmp_path: Path, autojump_clock: object
) -> None:
    """In the trace it was begun in, closed as an error; another one is not sent twice."""
    store = FakeStore()
    lines = [JobStarted(), TurnStarted(turn=1, cli="alpha"), ChildStarted(pid=1, started=1.0)]
    entries = [
        Entry(seq=seq, offset_s=float(seq), at=BIRTH, turn=min(seq - 1, 1), event=event)
        for seq, event in enumerate(lines, 1)
    ]
    await store.create(make_job(1, owner="dead", trace=KEPT), make_session(1), entries)
    await store.create(make_job(2, owner="dead"), make_session(2))
    aborted = await recover(store, "me")
    exporter = FakeExporter()
    async with open_house(tmp_path, exporter=exporter, store=store) as house:
        await house.engine.tracer.jobs_aborted([*aborted, JobId("job_gone")])
        await wait_all_tasks_blocked()

    assert aborted == ["job_1", "job_2"]
    assert [each.job.id for each in exporter.jobs] == ["job_1"]
    assert exporter.jobs[0].job.trace == KEPT
    spans = exporter.jobs[0].spans
    assert [span.attributes["aimux.span"] for span in spans] == ["job", "turn", "attempt", "child"]
    assert {span.error for span in spans} == {"aborted"}
    assert exporter.spans("child")[0].span_id == child_span_id("job_1", 1, 1)


async def test_nobody_looks_for_dead_jobs_where_nothing_is_traced(
    tmp_path: Path, autojump_clock: object
) -> None:
    """The store is not asked."""
    async with open_house(tmp_path) as house:
        await house.engine.tracer.jobs_aborted([JobId("job_gone")])

        assert house.engine.tracer.statistics().waiting == 0


async def test_a_log_that_is_too_long_for_memory_is_read_from_the_store(
    autojump_clock: object,
) -> None:
    """Of it, what spans are made of."""
    store, exporter = FakeStore(), FakeExporter()
    job = make_job(1, trace=KEPT)
    joblog = JobLog(job, born=trio.current_time())
    await store.create(job, make_session(1), ())
    joblog.add(JobStarted())
    turn = joblog.open_turn()
    turn.add(TurnStarted(turn=1, cli="alpha"))
    for number in range(KEPT_ENTRIES + 10):
        turn.add(Text(text=f"{number}"))
        turn.flush()
    entries = joblog.entries.unstored()
    await store.append(job.id, entries)
    joblog.stored(entries[-1].seq)
    with threads_on_the_loop():
        async with opened(store, exporter) as tracer:
            tracer.job_ended(job, joblog)
            tracer.job_ended(make_job(7, trace=KEPT))
            await wait_all_tasks_blocked()

    assert joblog.entries.first_seq > 1
    assert [span.attributes["aimux.span"] for span in exporter.jobs[0].spans] == [
        *("job", "turn", "attempt"),
    ]
    assert (tracer.exported, tracer.failed) == (1, 1)


@pytest.mark.requirement("traces:bounded")
async def test_what_has_no_room_is_dropped_and_counted(
    caplog: pytest.LogCaptureFixture, autojump_clock: object
) -> None:
    """Nothing waits; the first one is told of, then ever fewer."""
    send, receive = trio.open_memory_channel[_tracer._Ended](1)
    tracer = Tracer(send, FakeStore(), ON, {}, is_installed=lambda: True)
    with send:
        for number in range(5):
            tracer.job_ended(make_job(number, trace=KEPT))
    tracer.job_ended(make_job(5, trace=KEPT))  # after the end
    receive.close()

    assert tracer.dropped == 5
    said = [record for record in caplog.records if record.message == "traces dropped"]
    assert [record.__dict__["jobs"] for record in said] == [1, 2, 4]
    assert repr(tracer) == "<Tracer: on, 0 exported, 5 dropped>"


@pytest.mark.requirement("traces:bounded")
async def test_a_collector_that_is_away_is_told_of_once(
    caplog: pytest.LogCaptureFixture, autojump_clock: object
) -> None:
    """And once when it is back; an error of the SDK's is a failure like any other."""
    caplog.set_level(logging.INFO, "aimux.traces")
    exporter = FakeExporter(why="refused")
    store = FakeStore()
    with threads_on_the_loop():
        async with opened(store, exporter) as tracer:
            for number, (why, fault) in enumerate(
                [("refused", None), ("refused", None), ("", ValueError("odd")), ("", None)]
            ):
                exporter.why, exporter.fault = why, fault
                tracer.job_ended(make_job(number, trace=KEPT), _ended_log())
                await wait_all_tasks_blocked()

    said = [(each.message, each.__dict__.get("error")) for each in caplog.records]
    assert said == [
        ("traces not sent", "refused"),
        ("traces not sent", "ValueError: odd"),
        ("traces are sent again", None),
    ]
    assert (tracer.exported, tracer.failed) == (1, 3)


@pytest.mark.slow
@pytest.mark.requirement("traces:bounded")
async def test_a_collector_that_hangs_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs end at once meanwhile, and leaving takes no longer than it may."""
    monkeypatch.setattr(_tracer, "LAST_SPANS_S", 0.05)
    hold, let_go = os.pipe()

    class Hanging(FakeExporter):
        def export(self, jobs: Sequence[TracedJob]) -> str:
            os.read(hold, 1)
            return super().export(jobs)

    exporter = Hanging()
    try:
        with trio.fail_after(30):
            async with opened(FakeStore(), exporter) as tracer:
                for number in range(3):
                    tracer.job_ended(make_job(number, trace=KEPT), _ended_log())
                    await trio.sleep(0.01)
    finally:
        os.write(let_go, b"xxx")
        os.close(let_go)

    assert exporter.jobs == [] or len(exporter.jobs) == 1  # the thread is let go only now
    assert tracer.exported == 0
    assert exporter.is_closed


@pytest.mark.requirement("traces:extra")
async def test_without_the_extra_it_is_said_how_to_get_it(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, autojump_clock: object
) -> None:
    """Once, at the start and after a change; nothing fails."""
    monkeypatch.setattr(_tracer, "EXTRA", ("opentelemetry_that_is_not.sdk",))
    assert not has_extra()
    async with open_tracer(ON, {}, FakeStore()) as tracer:
        tracer.apply(ON)
        tracer.job_ended(make_job(1, trace=KEPT), _ended_log())

        assert tracer.sampling is None
        assert tracer.statistics().waiting == 0
    (line,) = caplog.records
    assert line.message == "traces are not made as wanted"
    assert line.__dict__["problem"] == "no traces: the otel extra is not installed"
    assert "pip install 'aimux-mcp[otel]'" in line.__dict__["remedy"]


@pytest.mark.requirement("traces:setting")
async def test_a_changed_setting_holds_from_the_next_job_on(
    tmp_path: Path, autojump_clock: object
) -> None:
    """Off, and on again, without a restart."""
    exporter = FakeExporter()
    async with open_house(tmp_path, turns("one", "two"), exporter=exporter) as house:
        settings = house.engine.own.settings
        house.engine.own.apply(
            attrs.evolve(settings, telemetry=TelemetrySettings(traces=Traces.OFF))
        )
        off = await house.run()
        house.engine.own.apply(settings)
        on = await house.run(route=RouteRequest(cli="beta"))
        await wait_all_tasks_blocked()

    assert off.trace is None
    assert [each.job.id for each in exporter.jobs] == [on.id]


def test_a_trace_survives_the_store() -> None:
    """So a job's row is read by the next server as it was written."""
    job = make_job(1, trace=place_job("job_1", KEPT.above, None))

    assert load_bytes(Job, dump_bytes(job)) == job


def opened(store: FakeStore, exporter: FakeExporter) -> AbstractAsyncContextManager[Tracer]:
    return open_tracer(ON, {}, store, open_exporter=lambda: exporter, is_installed=lambda: True)


def _ended_log() -> JobLog:
    return JobLog(make_job(1, trace=KEPT), born=0.0)
