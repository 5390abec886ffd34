"""Figures of a server at work: as a resource, and for a scraper."""

import json
import pathlib

from prometheus_client.parser import text_string_to_metric_families

from aimux.drivers import ProcessSpec
from aimux.model import BreakerSettings
from aimux.testing import Say, Turn
from aimux.tools import open_app

from ..engine.house import answers, fails, open_house
from .calls import HANG, Clock, ask

YES = answers(json.dumps({"position": "Yes.", "answer": "yes"}))


async def test_both_say_the_same_of_what_has_run(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Turns of strategies too; jobs that have ended, those that run, a breaker that opened."""
    left = [answers("fine"), fails("what?"), YES, YES, HANG]

    def turns(spec: ProcessSpec) -> Turn:
        is_probe = spec.argv[-1] == "--version"
        return Turn(says=[Say(b"alpha 1.2.3")]) if is_probe else left.pop(0)

    breaker = BreakerSettings(failure_threshold=1)
    async with open_house(tmp_path, turns, breaker=breaker) as house:
        await house.ask("exec", prompt="x", cli="alpha")
        await house.ask("exec", prompt="x", cli="beta")
        await house.ask("consensus", prompt="x", clis=["alpha", "gamma"])
        await house.ask("exec", prompt="x", cli="alpha", wait_seconds=1)
        resources = (await house.app.ready()).resources
        told = json.loads(str((await resources.read(house.client, "aimux://metrics"))["text"]))
        with house.app.attached(house.client):
            text = house.app.metrics()
        health = await ask(house, "sessions", action="health")

    assert text is not None
    values = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert told["per_cli"]["alpha"]["completed"] == 2
    assert values["aimux_turn_duration_seconds_count", "alpha"] == 2
    assert told["jobs"] == {"consensus": {"completed": 1}, "exec": {"completed": 1, "failed": 1}}
    assert values["aimux_jobs_ended_total", "consensus", "completed"] == 1
    assert told["breaker_openings"] == {"beta": 1}
    assert values["aimux_breaker_state", "beta", "open"] == 1
    assert values["aimux_breaker_state", "beta", "closed"] == 0
    assert values["aimux_jobs", "running"] == health["jobs"]["running"] == 1
    assert values["aimux_turns", "running"] == health["turns"]["running"] == 1
    assert values["aimux_clients", "stdio"] == 1
    assert (health["status"], health["reasons"]) == ("degraded", ["breakers: beta is open"])


async def test_looking_at_figures_opens_no_engine(autojump_clock: Clock) -> None:
    """Before the first call there is nothing to scrape."""

    def never() -> object:
        raise AssertionError("it was opened")

    async with open_app(never) as app:  # type: ignore[arg-type]
        assert app.metrics() is None
