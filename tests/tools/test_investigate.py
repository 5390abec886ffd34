"""`investigate`: each action, what it refuses, and that what is next can be sent."""

import pathlib
from collections.abc import AsyncIterator
from typing import Any

import attrs
import pytest
import trio

from aimux.investigate import angle_arguments
from aimux.model import Role
from aimux.tools import TOOLS, InputRequired, Reach, ToolCall, _investigation_json
from aimux.tools.catalog import Tool

from ..engine.house import ROLES, Heard, House, answers, open_house
from .calls import Clock, ask, fault

SOURCE = "def total(orders):\n    return sum(price(each) for each in orders)\n"
WITH_ANALYZE = {**ROLES, "analyze": Role(name="analyze")}


@pytest.fixture
async def house(tmp_path: pathlib.Path, autojump_clock: Clock) -> AsyncIterator[House]:
    """An engine whose CLIs answer in prose, with one file where they work."""
    async with open_house(tmp_path, lambda _: answers(), roles=WITH_ANALYZE) as made:
        (made.work / "shop.py").write_text(SOURCE, encoding="utf-8")
        yield made


async def start(house: House, question: str = "Why is it slow?", **more: Any) -> str:
    body = await ask(house, "investigate", question=question, **more)
    return str(body["result"]["session_id"])


async def find(house: House, inv: str, description: str, **more: Any) -> Any:
    given = {"session_id": inv, "description": description, "source": "shop.py:2"} | more
    return (await ask(house, "investigate", action="finding", **given))["result"]


async def test_a_question_alone_begins_an_investigation(house: House) -> None:
    """With its areas, how to look at each, and `auto` as what is next."""
    body = await ask(house, "investigate", question="Why is it slow?", max_iterations=3)
    result = body["result"]

    assert result["session_id"].startswith("inv_")
    assert (result["topic"], result["domain"], result["max_iterations"]) == (
        "Why is it slow?",
        "performance",
        3,
    )
    assert result["domain_detection"]["matched"] == ["slow"]
    assert body["coverage_gaps"] == result["coverage_areas"] == list(result["methods"])
    assert body["state"] == "notebook_ready"
    assert {"you_are_here", "choose_your_path", "do_not", "gaps", "stop_conditions"} <= body.keys()
    assert "how_this_tool_works" in body
    assert body["guidance"]["next"][0]["arguments"]["action"] == "auto"


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("auto", "performance"),
        ("general", "generic"),
        ("Security", "security"),
        ("", "performance"),
    ],
)
async def test_a_domain_may_be_named_or_found(house: House, domain: str, expected: str) -> None:
    """Under the names that people use."""
    given = {"domain": domain} if domain else {}
    body = await ask(house, "investigate", topic="Why is it slow?", **given)

    assert body["result"]["domain"] == expected
    assert ("domain_detection" in body["result"]) == (domain in {"auto", ""})


async def test_an_unknown_domain_is_refused_with_the_known_ones(house: House) -> None:
    """And the nearest of them."""
    refused = await fault(house, "investigate", question="x", domain="securty")

    assert refused.code == "unknown_domain"
    assert refused.hint == "did you mean security?"
    assert "generic" in refused.data["domains"]


async def test_places_are_looked_up_where_it_works(house: House) -> None:
    """A quote, a line, a line that is not there; what a finding is worth follows."""
    inv = await start(house)
    quote = {"path": "shop.py", "line": 2, "quote": "return sum(price(each) for each in orders)"}
    quoted = await find(house, inv, "orders are summed", evidence=[quote], confidence="VERIFIED")
    lined = await find(house, inv, "prices are generated", confidence="VERIFIED")
    false = await find(house, inv, "a lock is held", source="shop.py:77", confidence="VERIFIED")
    out = await find(
        house,
        inv,
        "passwords are read",
        source="seen",
        evidence=[{"path": "../../etc/passwd", "line": 1}],
        confidence="VERIFIED",
    )

    assert [each["evidence"][0]["verified"] for each in (quoted, lined, false, out)] == [
        "quote",
        "line_exists",
        False,
        False,
    ]
    assert [each["confidence"] for each in (quoted, lined, false, out)] == [
        "VERIFIED",
        "VERIFIED",
        "INFERRED",
        "INFERRED",
    ]
    assert "shop.py:77 does not verify" in false["hint"]


async def test_several_findings_come_at_once_or_not_at_all(house: House) -> None:
    """One that is refused says which, and none is recorded."""
    inv = await start(house)
    good = {"description": "orders are summed", "source": "shop.py:2", "severity": "P1"}
    other = {"finding": "prices are generated", "source": "shop.py:2"}
    body = await ask(house, "investigate", action="finding", session_id=inv, findings=[good, other])
    bad = await fault(
        house,
        "investigate",
        action="finding",
        session_id=inv,
        findings=[{**good, "description": "new one"}, {**good, "severity": "P7"}],
    )
    odd = await fault(
        house, "investigate", action="finding", session_id=inv, findings=[{"sevrity": "P1"}]
    )
    both = await fault(
        house, "investigate", action="finding", session_id=inv, findings=[good], description="x"
    )
    status = await ask(house, "investigate", session_id=inv)

    assert [each["finding_id"] for each in body["result"]["findings"]] == ["F-0-1", "F-0-2"]
    assert "findings[1]" in bad.message
    assert "none was recorded" in bad.message
    assert odd.data["problems"][0]["suggestion"] == "severity"
    assert "description or findings" in both.message
    assert status["result"]["findings_count"] == 2


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"action": "start"}, "invalid_arguments"),
        ({"action": "start", "question": "   "}, "invalid_arguments"),
        ({"action": "start", "question": "x" * 4_001}, "invalid_arguments"),
        ({"action": "recall"}, "invalid_arguments"),
        ({"action": "auto"}, "invalid_arguments"),
        ({"action": "finding", "description": "x", "source": "y"}, "invalid_arguments"),
        ({"action": "assess"}, "invalid_arguments"),
        ({"action": "report"}, "invalid_arguments"),
        ({"action": "status"}, "invalid_arguments"),
        ({"action": "assess", "session_id": "inv_9"}, "investigation_not_found"),
        ({"action": "report", "session_id": "inv_9"}, "investigation_not_found"),
        ({"action": "auto", "session_id": "inv_9"}, "investigation_not_found"),
        ({"action": "start", "question": "x", "cwd": "/nowhere/at/all"}, "cwd_invalid"),
        ({"action": "dance"}, "invalid_arguments"),
        ({"action": "finding", "session_id": "inv_9", "severity": "P9"}, "invalid_arguments"),
    ],
)
async def test_what_an_action_lacks_is_named(
    house: House, given: dict[str, Any], code: str
) -> None:
    """As an answer, not as a fault of the protocol."""
    assert (await fault(house, "investigate", **given)).code == code


async def test_an_assessment_says_what_is_missing_and_how_to_get_it(house: House) -> None:
    """Nothing is added by it."""
    inv = await start(house)
    await find(house, inv, "orders are summed", coverage_area="cpu_hotspots", confidence="VERIFIED")
    body = await ask(house, "investigate", action="assess", session_id=inv)
    result = body["result"]
    again = (await ask(house, "investigate", action="assess", session_id=inv))["result"]
    status = await ask(house, "investigate", action="status", session_id=inv)

    assert (result["iteration"], result["recommendation"]) == (0, "CONTINUE")
    assert (result["convergence_score"], result["coverage_score"]) == (0.5, 0.125)
    assert result["priority_next"] == "memory_allocation"
    assert result["held_back_by"]
    assert again["idle"] is True
    assert status["result"]["findings_count"] == 1
    assert len(body["guidance"]["next"]) >= 2
    own = body["choose_your_path"]["self"]
    assert own["example"]["arguments"]["coverage_area"] == "memory_allocation"
    assert own["example"]["arguments"].keys() > set(own["fill_in"])


async def test_what_one_does_oneself_can_be_sent_as_it_stands(house: House) -> None:
    """After every step: no words are made up for the caller, and none are missing."""
    begun = await ask(house, "investigate", question="why is it slow?", domain="performance")
    inv = begun["result"]["session_id"]
    steps: list[dict[str, Any]] = [
        {"action": "note", "coverage_area": "io_bottlenecks", "description": "n", "source": "top"},
        {"action": "assess"},
        {"action": "status"},
        {"action": "report"},
    ]
    bodies = [begun, *[await ask(house, "investigate", session_id=inv, **each) for each in steps]]
    paths = [each["choose_your_path"]["self"]["next_call"] for each in bodies]
    sent = [await ask(house, each["tool"], **each["arguments"]) for each in paths]

    assert [each.get("error") for each in bodies + sent] == [None] * 10


async def test_a_note_clears_an_area(house: House) -> None:
    """With a source; the same one again is told."""
    inv = await start(house)
    given = {
        "action": "note", "session_id": inv, "coverage_area": "caching",
        "description": "nothing is cached", "source": "read shop.py:1",
    }  # fmt: skip
    body = await ask(house, "investigate", **given)
    again = await ask(house, "investigate", **given)

    assert body["result"]["note_id"] == "N-0-1"
    assert "caching" not in body["coverage_gaps"]
    assert again["result"]["duplicate_of"] == "N-0-1"


async def test_a_report_is_saved_below_the_directory_that_is_named(house: House) -> None:
    """Not without one; not when blocked; forced, it says so."""
    inv = await start(house)
    blocked = await ask(house, "investigate", action="report", session_id=inv, cwd=str(house.work))
    await find(house, inv, "orders are summed")
    plain = await ask(house, "investigate", action="report", session_id=inv)
    saved = await ask(
        house, "investigate", action="report", session_id=inv, cwd=str(house.work), force=True
    )
    path = pathlib.Path(saved["result"]["saved_to"])
    text = path.read_text(encoding="utf-8")  # noqa: ASYNC240  # no thread on this clock

    assert (blocked["state"], blocked["result"]["report"]) == ("report_blocked", "")
    assert "nothing to write" in blocked["result"]["save_error"]
    assert plain["state"] == "report_preliminary"
    assert "saved_to" not in plain["result"]
    assert saved["state"] == "report_incomplete_forced"
    assert path.parent == house.work / ".agent" / "reports"
    assert text == saved["result"]["report"]
    assert len(list(path.parent.iterdir())) == 1
    assert saved["evidence_gaps"]


async def test_a_report_never_goes_through_a_link(house: House, tmp_path: pathlib.Path) -> None:
    """It is told, and the report is in the answer all the same."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (house.work / ".agent").symlink_to(elsewhere)
    inv = await start(house)
    await find(house, inv, "orders are summed")
    body = await ask(house, "investigate", action="report", session_id=inv, cwd=str(house.work))

    assert body["result"]["saved_to"] is None
    assert "link" in body["result"]["save_error"]
    assert "orders are summed" in body["result"]["report"]
    assert list(elsewhere.iterdir()) == []


async def test_lists_and_recall_keep_to_the_project(house: House, tmp_path: pathlib.Path) -> None:
    """Unless all projects are asked for; a directory in a repository is part of it."""
    (house.work / ".git").mkdir()
    inside, other = house.work / "deep" / "er", tmp_path / "other"
    inside.mkdir(parents=True)
    other.mkdir()
    mine = await start(house, "Why do evictions stall?", cwd=str(inside))
    theirs = await start(house, "Why do evictions leak?", cwd=str(other))

    async def ids(action: str, **more: Any) -> list[str]:
        body = await ask(house, "investigate", action=action, **more)
        rows = body["result"].get("matches") or body["result"].get("active_investigations") or []
        return [each["session_id"] for each in rows]

    assert await ids("list") == [mine]
    assert set(await ids("list", all_projects=True)) == {mine, theirs}
    assert await ids("recall", question="eviction") == [mine]
    assert set(await ids("recall", question="eviction", all_projects=True)) == {mine, theirs}
    assert await ids("recall", question="eviction", cwd=str(other)) == [theirs]
    assert await ids("recall", question="giraffes", all_projects=True) == []
    assert await ids("list", all_projects=True, limit=1) == [theirs]


async def test_a_run_whose_clis_find_nothing_fails_and_says_so(house: House) -> None:
    """Prose is no finding; the investigation stays, and may be run again."""
    inv = await start(house)
    body = await ask(house, "investigate", action="auto", session_id=inv, cli="alpha")
    status = await ask(house, "investigate", session_id=inv)

    assert (body["state"], body["status"]) == ("delegate_failed", "failed")
    assert body["result"]["data"]["stop_reason"] == "no_answer"
    assert body["result"]["session_id"] == inv
    assert status["result"]["findings_count"] == 0
    assert body["guidance"]["next"][0]["arguments"]["action"] == "auto"


async def test_a_run_in_the_background_is_told_with_its_job(house: House) -> None:
    """The next call waits for it."""
    body = await ask(house, "investigate", question="Why?", action="auto", **{"async": True})
    step = body["guidance"]["next"][0]
    job = await ask(house, step["tool"], **step["arguments"])

    assert body["state"] == "delegate_running"
    assert step["arguments"]["job_id"] == body["job_id"] == job["job_id"]
    assert job["status"] == "failed"
    assert job["data"]["investigation_id"] == body["result"]["session_id"]
    assert job["guidance"]["next"][0]["arguments"]["session_id"] == body["result"]["session_id"]


async def test_one_run_at_a_time_looks_into_an_investigation(house: House) -> None:
    """A second is refused with the job that is at work; once that has ended it may be run again."""
    wait: dict[str, Any] = {"action": "auto", "async": True}
    first = await ask(house, "investigate", question="Why?", **wait)
    inv = first["result"]["session_id"]
    other = await ask(house, "investigate", question="Why else?", **wait)
    refused = await fault(house, "investigate", session_id=inv, **wait)
    recorded = await find(house, inv, "It is slow")
    await ask(house, "status", job_id=first["job_id"], wait_seconds=60)
    again = await ask(house, "investigate", session_id=inv, **wait)

    assert refused.code == "session_busy"
    assert refused.data == {"job_id": first["job_id"]}
    assert inv in refused.message
    assert other["state"] == again["state"] == "delegate_running"
    assert recorded["finding_id"]


async def test_clients_that_record_at_once_lose_nothing(house: House) -> None:
    """Each finding is there, with an id of its own."""
    inv = await start(house)
    async with trio.open_nursery() as clients:
        for number in range(8):

            async def say(number: int = number) -> None:
                await find(house, inv, f"case{number} is slow")

            clients.start_soon(say)
    status = await ask(house, "investigate", session_id=inv)

    assert len({each["finding_id"] for each in status["result"]["findings"]}) == 8


async def test_a_client_with_roots_is_asked_for_them(house: House) -> None:
    """Where it matters which project it is: not for what a session knows."""
    caller = Heard(roots_by=Reach.BY_RESULT)

    async def call(**given: Any) -> object:
        made = ToolCall(name="investigate", arguments=given, client=house.client, caller=caller)
        return await house.app.call(made)

    inv = await start(house)
    asked = [await call(question="x"), await call(action="list")]
    known = await call(action="status", session_id=inv)

    assert all(isinstance(each, InputRequired) for each in asked)
    assert not isinstance(known, InputRequired)


async def test_the_angle_is_offered_once_there_is_a_tool_for_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a call of its own, with the question in it; without the tool it is only named."""
    inv = await start(house)
    without = dict(TOOLS)
    without.pop("think", None)
    monkeypatch.setattr(_investigation_json, "TOOLS", without)
    bare = (await ask(house, "investigate", action="assess", session_id=inv))["result"]
    stub: Tool = attrs.evolve(TOOLS["exec"], name="think")
    monkeypatch.setattr(_investigation_json, "TOOLS", {**without, "think": stub})
    body = await house.ask("investigate", action="assess", session_id=inv)

    assert (bare["suggested_angle"], bare["suggested_think_call"]) == ("profiler-driven", None)
    assert body["result"]["suggested_think_call"] == {
        "tool": "think",
        "arguments": {"pattern": "recursive_thinking", "prompt": "Why is it slow?"},
    }
    assert body["guidance"]["next"][0]["tool"] == "think"


@pytest.mark.skipif("think" not in TOOLS, reason="there is no tool to think with")
async def test_every_angle_of_every_domain_can_be_sent_as_it_stands(house: House) -> None:
    """The pattern takes it, with any question in it."""
    library = await house.engine.config.domains(house.client)
    question = 'Why, oh "why", is it slow?'
    for domain in library.domains.values():
        for angle in domain.angles:
            payload = await house.call("think", **angle_arguments(angle, question))

            assert not payload.is_error, (domain.name, angle.name)
