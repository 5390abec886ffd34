"""The engine's own settings while it runs: looked at again, by whom and how often."""

import pathlib

import attrs
import pytest
import trio
import trio.testing

from aimux.config import ClientContext, Snapshot
from aimux.engine._own_settings import RELOAD_EVERY_S
from aimux.errors import Refusal
from aimux.model import BreakerSettings, Problem, ServerSettings, Severity

from .house import answers, fails, open_house

Clock = trio.testing.MockClock


async def _later() -> None:
    await trio.sleep(RELOAD_EVERY_S)


async def test_a_saved_limit_counts_in_the_next_call(
    tmp_path: pathlib.Path, autojump_clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """One that is answered at once, from what is kept of a finished job, is answered first."""
    caplog.set_level("INFO", "aimux.engine")
    async with open_house(tmp_path, [answers("0123456789")]) as house:
        job = await house.run()
        whole = await house.ask("status", job_id=job.id)
        again = await house.ask("status", job_id=job.id)
        house.configure(max_chars=4)
        soon = await house.ask("status", job_id=job.id)
        await _later()
        first = await house.ask("status", job_id=job.id)
        await trio.testing.wait_all_tasks_blocked()
        cut = await house.ask("status", job_id=job.id)

    assert whole["content"] == again["content"] == soon["content"] == "0123456789"
    assert first["content"] == "0123456789"
    assert cut["truncated"]
    assert len(cut["content"]) <= 4
    assert [record.message for record in caplog.records] == ["configuration changed"]


async def test_looks_are_rare(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """However many ask: one in `RELOAD_EVERY_S`, and it finds what was saved before."""
    async with open_house(tmp_path) as house:
        looks: list[ClientContext] = []
        load = house.loader.load

        def count(client: ClientContext) -> Snapshot:
            looks.append(client)
            return load(client)

        house.loader.load = count  # type: ignore[method-assign]
        await house.engine.own.reload()
        assert not looks
        for _ in range(3):
            await _later()
            assert house.engine.own.is_reload_due()
            async with trio.open_nursery() as nursery:
                for _ in range(20):
                    nursery.start_soon(house.engine.own.reload)
            assert not house.engine.own.is_reload_due()

    assert len(looks) == 3
    assert {each.cwd for each in looks} == {house.work}


async def test_a_refused_change_is_logged_once_and_changes_nothing(
    tmp_path: pathlib.Path, autojump_clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """The old limits stay, whoever looks how often."""
    async with open_house(tmp_path) as house:
        before = house.loader.snapshot
        fault = Problem(severity=Severity.ERROR, where="default.yaml:1", message="not YAML")
        house.loader.snapshot = attrs.evolve(before, problems=[fault], accepted=before)
        for _ in range(3):
            await _later()
            await house.engine.own.reload()

        assert house.engine.own.settings == before.settings
        (record,) = caplog.records
        assert record.message == "changed configuration refused"
        assert record.__dict__["problems"] == ["not YAML @ default.yaml:1"]


async def test_the_breaker_goes_by_its_new_rule(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Failures that were counted before stay counted."""
    breaker = BreakerSettings(failure_threshold=2, cooldown_seconds=900)
    turn = fails("no such thing")
    async with open_house(tmp_path, lambda _: turn, breaker=breaker, installed=["alpha"]) as house:
        for _ in range(2):
            await house.run()
        assert house.engine.guard.view("alpha").retry_after_s > 800
        before = house.loader.snapshot
        shorter = attrs.evolve(
            before.settings, circuit_breaker=attrs.evolve(breaker, cooldown_seconds=20)
        )
        house.loader.snapshot = attrs.evolve(before, settings=shorter)
        await _later()
        await house.engine.own.reload()

        assert house.engine.guard.view("alpha").retry_after_s < 20


async def test_a_new_rate_holds_for_clients_that_are_known(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A client that has used up its burst need not wait for the old rate."""
    slow = ServerSettings(rate_limit_rps=0.001, rate_limit_burst=1)
    async with open_house(tmp_path, lambda _: answers(), server=slow) as house:
        await house.ask("exec", prompt="one")
        with pytest.raises(Refusal, match="exec calls a second"):
            await house.ask("exec", prompt="two")
        house.configure(rate_limit_rps=0)
        await _later()
        allowed = await house.ask("exec", prompt="three")

    assert allowed["status"] == "completed"
