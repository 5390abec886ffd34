"""The form of an answer: the caller's style, else the role's, else none."""

import pathlib

import attrs
import pytest

from aimux.errors import InvalidArguments
from aimux.library import Prompt
from aimux.model import Role
from aimux.tools import Payload

from ..engine.house import House, answers, open_house
from .calls import Clock

STYLES = {
    "styles/concise": Prompt(id="styles/concise", text="Be short."),
    "styles/json": Prompt(id="styles/json", text="Only JSON."),
}
ROLES = {
    "default": Role(name="default"),
    "brief": Role(name="brief", text="You sum up.", style="concise"),
    "machine": Role(name="machine", style="json"),
}


def with_styles(house: House) -> None:
    """The house knows two styles."""
    house.loader.snapshot = attrs.evolve(house.loader.snapshot, prompts=STYLES)


def sent(house: House) -> list[str]:
    """What the CLI was told, turn by turn."""
    return [
        (spec.stdin or b"").decode() for spec in house.driver.specs if "--version" not in spec.argv
    ]


@pytest.mark.requirement("skills:styles")
async def test_the_callers_style_wins_over_the_roles(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """And a call without either says nothing of form."""
    turns = [answers(), answers(), answers('{"a": 1}')]
    async with open_house(tmp_path, turns, roles=ROLES) as house:
        with_styles(house)
        await house.ask("exec", prompt="sum up", role="brief")
        await house.ask("exec", prompt="sum up")
        body = await house.ask("exec", prompt="sum up", role="brief", style="json")
        first, second, third = sent(house)

    assert first == "You sum up.\n\nsum up\n\nBe short."
    assert second == "sum up"
    assert "Only JSON." in third
    assert "Be short." not in third
    assert body["data"] == {"a": 1}


@pytest.mark.requirement("skills:styles")
async def test_a_job_in_the_background_has_a_style(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """As any other turn; one that is not known is refused."""
    async with open_house(tmp_path, lambda _: answers(), roles=ROLES) as house:
        with_styles(house)
        body = await house.ask("background", prompt="sum up", cli="alpha", style="concise")
        handle = house.engine.supervisor.find(body["job_id"])
        assert handle is not None
        await handle.done.wait()
        with pytest.raises(InvalidArguments, match="there is no style 'consise'"):
            await house.ask("background", prompt="sum up", style="consise")

        assert sent(house) == ["sum up\n\nBe short."]


@pytest.mark.requirement("skills:styles")
async def test_an_answer_of_style_json_is_checked(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """It is asked for once more; one that never is JSON is partial. A role may want it too."""
    turns = [answers("well, no"), answers("[1]"), answers("no"), answers("never")]
    async with open_house(tmp_path, turns, roles=ROLES) as house:
        with_styles(house)
        mended = await house.ask("exec", prompt="list", role="machine")
        failed = await house.ask("exec", prompt="list", style="json")

    assert (mended["status"], mended["data"]) == ("completed", [1])
    assert (failed["status"], failed["content"]) == ("partial", "never")


async def test_an_unknown_style_is_refused_with_the_known_ones(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Before anything runs."""
    async with open_house(tmp_path, roles=ROLES) as house:
        with_styles(house)
        with pytest.raises(InvalidArguments, match="concise, json, did you mean concise") as fault:
            await house.ask("exec", prompt="x", style="concice")
        plan = await house.call("exec", prompt="x", style="concise", dry_run=True)

    assert fault.value.problems[0]["path"] == "style"
    assert isinstance(plan, Payload)
    assert house.driver.specs == [] or sent(house) == []
