"""What `aimux://schemas/{tool}` publishes is what tools answer."""

import json
import pathlib

import jsonschema
import pytest

from aimux.errors import NotFound
from aimux.tools import TOOLS
from aimux.tools.schemas import output_schema

from ..answers import answers_in, hold
from ..engine.house import answers, fails, open_house
from .calls import HANG, Clock, ask, fault

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"


def open_objects(schema: object, path: str = "") -> list[str]:
    """Where a schema has an object of ours that may hold anything else."""
    found = []
    if isinstance(schema, dict):
        if "properties" in schema and schema.get("additionalProperties") is not False:
            found.append(path)
        for name, each in schema.items():
            found += open_objects(each, f"{path}.{name}")
    elif isinstance(schema, list):
        for at, each in enumerate(schema):
            found += open_objects(each, f"{path}[{at}]")
    return found


@pytest.mark.parametrize("tool", TOOLS)
def test_what_is_ours_is_closed(tool: str) -> None:
    """Every object with named fields is closed, but errors: they have the facts of their code."""
    schema = output_schema(tool)
    jsonschema.Draft202012Validator.check_schema(schema)

    assert [
        path for path in open_objects(schema) if not path.endswith(("error", "error.anyOf[0]"))
    ] == []


def test_no_answer_that_is_not_ours_passes() -> None:
    """A field more, one less, a word that there is not: each is told with its place."""
    whole = {
        "status": "failed",
        "content": "",
        "error": {
            "code": "c", "class": "peer", "message": "m", "retryable": False, "hint": None,
        },
        "guidance": {"state": "failed", "next": [], "do_not": []},
    }  # fmt: skip
    for tool in TOOLS:
        hold(tool, whole)
        with pytest.raises(AssertionError, match=f"^{tool}: "):
            hold(tool, {**whole, "surplus": 1})
    for wrong in (
        {**whole, "status": "done"},
        {**whole, "guidance": {"state": "failed", "next": [{"tool": "nobody"}], "do_not": []}},
        {name: each for name, each in whole.items() if name != "guidance"},
    ):
        with pytest.raises(AssertionError, match=r"^consensus: "):
            hold("consensus", wrong)


@pytest.mark.parametrize(
    "path", sorted(GOLDEN.glob("[st]*r*/*.txt")), ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_golden_answers_hold_their_schemas(path: pathlib.Path) -> None:
    """Every answer in a reviewed transcript."""
    for tool, body in answers_in(path.read_text(encoding="utf-8")):
        hold(tool, body)


async def test_schemas_are_resources(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """Each tool's is listed, completed and read: what it takes is what the list of tools says."""
    async with open_house(tmp_path) as house:
        resources = (await house.app.ready()).resources
        listed = {str(each["uri"]) for each in await resources.listed()}
        completed = await resources.complete(house.client, "aimux://schemas/{tool}", "de")
        for tool in TOOLS:
            uri = f"aimux://schemas/{tool}"
            shown = json.loads(str((await resources.read(house.client, uri))["text"]))
            assert uri in listed
            assert shown["inputSchema"] == TOOLS[tool].input_schema
            assert shown["outputSchema"] == output_schema(tool)
        with pytest.raises(NotFound):
            await resources.read(house.client, "aimux://schemas/nobody")

    assert completed == ["debate", "deepresearch"]


async def test_every_state_of_a_job_holds(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """Of a job of one turn, whatever becomes of it, and of looking at it."""
    turns = [
        answers("fine"),
        fails("context overflow", said="half"),
        fails("log in first"),
        HANG,
        HANG,
    ]
    seen = set()
    async with open_house(tmp_path, turns) as house:
        for arguments in ({}, {"cli": "alpha"}, {"cli": "beta"}):
            seen.add((await ask(house, "exec", prompt="x", **arguments))["status"])
        seen.add((await ask(house, "exec", prompt="x", timeout_seconds=2))["status"])
        running = await ask(house, "exec", prompt="x", wait_seconds=1)
        seen.add(running["status"])
        await ask(house, "status", job_id=running["job_id"], events_after=0)
        await ask(house, "status", job_id=running["job_id"], turn=1)
        await ask(house, "sessions", action="cancel", job_id=running["job_id"])
        seen.add((await ask(house, "status", job_id=running["job_id"]))["status"])
        seen.add((await ask(house, "exec", prompt="x", dry_run=True))["status"])
        await fault(house, "exec", prompt="x", cli="nobody")

    assert seen >= {"completed", "failed", "timed_out", "running", "cancelled", "planned"}
