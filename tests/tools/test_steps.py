"""Steps of a workflow that start no CLI."""

import pathlib

from ..engine.house import answers, open_house
from .calls import Clock, ask


async def test_a_step_thinks_on_what_another_came_to(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Fields of its pattern may hold expressions, and it is given no directory."""
    steps = [
        {"id": "first", "tool": "think", "arguments": {"pattern": "think", "thought": "a bug"}},
        {
            "id": "second",
            "tool": "think",
            "arguments": {
                "pattern": "{{first.data.data.suggestedPattern}}",
                "issue": "so: {{first.data.pattern}}-1",
            },
            "needs": ["first"],
        },
    ]
    async with open_house(tmp_path, lambda _: answers()) as house:
        body = await ask(house, "workflow", steps=steps)

    assert body["status"] == "completed", body["error"]
    first, second = (each["output"]["data"] for each in body["data"]["steps"])
    assert (first["pattern"], second["pattern"]) == ("think", "debugging_approach")
    assert second["text_analysis"]["entities"] == ["think-1"]
