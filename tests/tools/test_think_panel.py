"""Whether `think` asks CLIs: what the call wants, what it gets, and what contradicts itself."""

import pathlib
from collections.abc import Mapping

import attrs
import pytest

from aimux.errors import PeerFault
from aimux.think import choose
from aimux.tools._think_mode import decide, requested_mode

from ..engine.house import SERVER, open_house
from .calls import HANG, Clock, ask


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, "solo"),
        ({"mode": "solo"}, "solo"),
        ({"consensus": False}, "solo"),
        ({"consensus": True}, "consensus"),
        ({"clis": ["codex"]}, "consensus"),
        ({"mode": "auto"}, "auto"),
        ({"mode": "auto", "clis": ["codex"], "async": True}, "auto"),
        ({"consensus": True, "mode": "consensus", "dry_run": True}, "consensus"),
        ({"async": False, "dry_run": False, "max_chars": 100}, "solo"),
    ],
)
def test_what_a_call_wants(given: Mapping[str, object], wanted: str) -> None:
    """Naming CLIs is wanting them asked; `auto` leaves it open."""
    assert requested_mode(given) == wanted


@pytest.mark.parametrize(
    "given",
    [
        {"consensus": True, "mode": "solo"},
        {"consensus": False, "mode": "consensus"},
        {"consensus": True, "mode": "auto"},
        {"consensus": False, "clis": ["codex"]},
        {"mode": "solo", "clis": ["codex"]},
        {"async": True},
        {"dry_run": True},
        {"wait_seconds": 0},
        {"timeout_seconds": 5},
        {"max_tokens": 5},
        {"cwd": "/srv"},
        {"consensus": True, "async": True, "wait_seconds": 5},
    ],
)
def test_what_contradicts_itself_is_refused(given: Mapping[str, object]) -> None:
    """A call that asks nobody has no job to be limited; one that returns at once does not wait."""
    with pytest.raises(PeerFault) as caught:
        requested_mode(given)

    assert caught.value.code == "contradictory_arguments"


def test_auto_goes_by_the_threshold() -> None:
    """The same decision asks at 20 and not at 40; the reason has both figures."""
    choice = choose("decision_framework")
    fields: dict[str, object] = {"decision": "which database", "options": ["a", "b", "c", "d"]}
    low, high = (decide("auto", choice, fields, limit) for limit in (20, 40))

    assert (low.mode, low.reason) == ("consensus", "complexity 24 of 20")
    assert (high.mode, high.reason) == ("solo", "complexity 24 of 40")


def test_a_technique_that_asks_nobody_is_refused_or_left_alone() -> None:
    """Asked for by name it is a fault, by auto it is solo with that reason."""
    fields: dict[str, object] = {"problem": "migrate the production database"}
    with pytest.raises(PeerFault, match="asks no CLIs"):
        decide("consensus", choose("tot"), fields, 60)
    found = decide("auto", choose("tot"), fields, 60)

    assert found.mode == "solo"


async def test_a_refused_job_leaves_the_solo_answer(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """No place for a job: partial, with the seeds, the reason and the step that was taken."""
    server = attrs.evolve(SERVER, max_concurrent_jobs=1, max_queued_jobs=0)
    async with open_house(tmp_path, lambda _: HANG, server=server) as house:
        await ask(house, "exec", prompt="p", cli="alpha", **{"async": True})
        body = await ask(
            house, "think", pattern="debugging_approach", prompt="timeouts", clis=["alpha", "beta"]
        )

    assert (body["status"], body["job_id"]) == ("partial", None)
    assert body["error"]["code"] == "too_many_jobs"
    assert body["session_id"].startswith("thk_")
    assert body["data"]["consensus"]["status"] == "unavailable"
    assert body["data"]["summary"].startswith("0 findings")


async def test_a_job_that_runs_on_is_handed_over_with_the_solo_answer(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """What there is without CLIs is told meanwhile; the job can be cancelled as any."""
    async with open_house(tmp_path, lambda _: HANG) as house:
        given = {"pattern": "premortem", "prompt": "move billing", "clis": ["alpha", "beta"]}
        body = await ask(house, "think", **given, wait_seconds=0.1)
        running = await ask(house, "status", job_id=body["job_id"])
        await ask(house, "sessions", action="cancel", job_id=body["job_id"])
        job = await ask(house, "status", job_id=body["job_id"])

    assert (body["status"], body["data"]["mode"]) == ("running", "solo")
    assert body["data"]["data"]["technique"]["seeds"]
    assert (running["status"], running["data"]) == ("running", body["data"])
    assert (job["status"], job["data"]) == ("cancelled", body["data"])


async def test_a_blocked_step_and_no_matter_ask_nobody(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A prediction without a hypothesis is refused; a call without a word is told what it needs."""
    async with open_house(tmp_path, lambda _: HANG) as house:
        blocked = await ask(
            house, "think", pattern="scientific_method", clis=["alpha"],
            entry_type="prediction", entry_text="it falls",
        )  # fmt: skip
        empty = await ask(house, "think", pattern="premortem", consensus=True)

    assert (blocked["status"], blocked["job_id"]) == ("failed", None)
    assert (empty["data"]["status"], empty["job_id"]) == ("needs_input", None)
