"""`think`: fields in and beside `input`, faults, sessions, reasoning under watch."""

import json
import pathlib
from typing import Any

import pytest

from aimux.errors import InvalidArguments, NotFound
from aimux.think import PATTERNS, TECHNIQUES
from aimux.tools._calls import ToolCall
from aimux.tools._think import HEAVY, answer_nowait
from aimux.tools.catalog import TOOLS

from ..engine.house import Heard, House, answers, open_house
from .calls import Clock, ask, fault

ROWS = [{"name": "A", "scores": {"x": 2}}, {"name": "B", "scores": {"x": 1}}]


async def think(house: House, **arguments: Any) -> dict[str, Any]:
    """The answer of a call, its schemas held."""
    return await ask(house, "think", **arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"decision": "d", "criteria": ["x"], "options": ROWS},
        {"prompt": "d", "input": {"criteria": ["x"], "options": ROWS}},
        {"prompt": "d", "input": json.dumps({"criteria": ["x"], "options": ROWS})},
        {"question": "d", "criteria": json.dumps(["x"]), "options": json.dumps(ROWS)},
        {"prompt": "d", "criteria": ["x"], "options": ROWS, "normalize": "false"},
        {"prompt": "d", "criteria": ["x"], "options": ROWS, "normalize": None},
        {"input": {"decision": "other", "criteria": ["x"], "options": ROWS}, "decision": "d"},
    ],
)
async def test_fields_are_taken_however_they_come(
    tmp_path: pathlib.Path, autojump_clock: Clock, arguments: dict[str, Any]
) -> None:
    """Beside the pattern, in `input`, as JSON text, under another name; what is beside wins."""
    async with open_house(tmp_path, lambda _: answers()) as house:
        body = await think(house, pattern="decision_framework", **arguments)

    assert (body["status"], body["job_id"], body["session_id"]) == ("completed", None, None)
    assert body["data"]["data"]["winner"] == "A"
    assert body["data"]["data"]["unnamedOptions"] == ["A", "B"]
    assert body["content"].startswith("**decision_framework**: A leads")


async def test_every_fault_of_the_fields_is_named_at_once(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """With what is expected and the nearest name; nothing is ignored, options of later too."""
    async with open_house(tmp_path, lambda _: answers()) as house:
        wrong = await fault(house, "think", pattern="swot", oportunities=[], threats=3)
        pattern = await fault(house, "think", pattern="nonsense")
        deep: Any = []
        for _ in range(20):
            deep = [deep]
        shapes = await fault(house, "think", pattern="premortem", problem="p", assumptions=deep)
        much = await fault(house, "think", pattern="think", thought="x" * 300_000)
        many = await fault(house, "think", pattern="swot", threats=["x"] * 1_001)
        start = await fault(house, "think", action="start", task="t")

    assert isinstance(wrong, InvalidArguments)
    assert {each["path"] for each in wrong.problems} == {"oportunities", "threats"}
    assert wrong.problems[0]["suggestion"] == "opportunities"
    assert wrong.hint == "think(pattern=swot) alone says which fields it takes"
    assert isinstance(pattern, NotFound)
    assert "levels" in shapes.message
    assert "characters" in much.message
    assert "1001" in many.message
    assert "context_summary" in start.message


async def test_light_calls_need_no_wait_and_heavy_ones_a_thread(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A session, an action or much to compare waits; the answers are the same."""
    async with open_house(tmp_path, lambda _: answers()) as house:
        context = (await house.app.ready()).context

        def at_once(**arguments: Any) -> bool:
            call = ToolCall(name="think", arguments=arguments, client=house.client, caller=Heard())
            return answer_nowait(context, call) is not None

        assert at_once(pattern="think", thought="a")
        assert not at_once(pattern="think", thought="a", session_id="thk_1")
        assert not at_once(pattern="sequential", thought="a")
        assert not at_once(action="start", task="a")
        assert not at_once(pattern="think", thought="a " * HEAVY)
        heavy = await think(house, pattern="think", thought="a " * HEAVY)

    assert heavy["data"]["data"]["suggestedPattern"] == "sequential_thinking"


async def test_a_session_goes_on_by_its_id_and_guidance_leads_there(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """The id comes back each time; every call of guidance.next can be sent as it stands."""
    async with open_house(tmp_path, lambda _: answers()) as house:
        first = await think(house, pattern="argument map", topic="tabs", argument_type="claim",
                            argument_text="tabs are better")  # fmt: skip
        other = await think(house, pattern="argument_map", topic="spaces")
        more = await think(house, pattern="argument_map", session_id=first["session_id"],
                           argument_type="evidence", argument_text="a study",
                           supports_claim_id="A-1")  # fmt: skip
        for step in more["guidance"]["next"]:
            followed = await think(house, **step["arguments"])
            assert followed["status"] == "completed"
        with pytest.raises(NotFound):
            await house.call("think", pattern="toulmin", topic="x", session_id="thk_nothing")
        blocked = await think(house, pattern="toulmin", session_id=first["session_id"],
                              argument_type="evidence", argument_text="e",
                              supports_claim_id="A-9")  # fmt: skip

    assert first["session_id"].startswith("thk_")
    assert other["session_id"] != first["session_id"]
    assert (more["session_id"], more["data"]["step"]) == (first["session_id"], 2)
    assert more["data"]["data"]["unsupportedClaims"] == []
    assert (blocked["status"], blocked["error"]["code"]) == ("failed", "unknown_argument")
    assert blocked["error"]["hint"] == "there are: A-1, A-2"
    assert blocked["guidance"]["state"] == "blocked"


async def test_reasoning_under_watch_from_start_to_end(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A prompt fills the field of the action; a move with input is run; the answer is accepted."""
    async with open_house(tmp_path, lambda _: answers()) as house:
        begun = await think(house, action="start", prompt="which car", context_summary="two cars")
        session_id = begun["session_id"]
        for step in begun["guidance"]["next"]:
            assert (await think(house, **step["arguments"]))["status"] == "completed"
        lost = await think(house, action="step", chosen_move="swot", prompt="x")
        step = await think(
            house,
            action="step",
            session_id=session_id,
            pattern="decision",
            prompt="A by two to one",
            move_input={"decision": "d", "criteria": ["x"], "options": ROWS},
            evidence=[{"summary": "test drive", "verification_status": "verified"}],
        )
        ended = await think(
            house, action="finalize", session_id=session_id, prompt="A", force_finalize=True
        )

    assert lost["error"]["code"] == "unknown_session"
    assert step["data"]["data"]["observation"].startswith("A leads")
    assert step["data"]["data"]["computed"]["winner"] == "A"
    assert ended["data"]["data"]["accepted"] is True
    assert ended["data"]["gate"]["status"] == "complete"


def test_the_list_names_every_pattern_and_what_keeps_a_session() -> None:
    """What a client reads is what there is."""
    said = json.dumps(TOOLS["think"].input_schema)
    for name in PATTERNS:
        star = "*" if PATTERNS[name].is_stateful else ""
        assert f"{name}{star}(" in said
    for name, technique in TECHNIQUES.items():
        assert f"{name}{'*' if technique.is_stateful else ''}(" in said
