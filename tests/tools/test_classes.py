"""The classes of calls: the file, what is compiled of it, and what becomes of a call."""

import pathlib

import pytest

from aimux.errors import AimuxError, SetupFault
from aimux.files.shipped import shipped
from aimux.files.yaml import YamlFault
from aimux.guidance import ToolClass, actions_of
from aimux.model import Role
from aimux.tools import TOOLS
from aimux.tools._classes import FILE, check_classes
from aimux.tools.catalog import CLASSES, listed

from ..engine.house import ROLES, open_house
from ..packaging.make_classes import MODULE, compiled, source
from .calls import HANG, Clock, check

TEXT = (shipped("profiles") / FILE).read_text(encoding="utf-8")


def test_what_is_compiled_is_what_the_file_says() -> None:
    """If not: python -m tests.packaging.make_classes."""
    assert MODULE.read_text(encoding="utf-8") == compiled(source())


def test_every_action_of_the_live_tools_has_a_class() -> None:
    """Those that are listed, by their own schemas; two words only, and none is unknown."""
    live = {str(tool["name"]): actions_of(tool["inputSchema"]) for tool in listed()}  # type: ignore[arg-type]

    assert {tool: list(rows) for tool, rows in CLASSES.items()} == live
    assert {each for rows in CLASSES.values() for each in rows.values()} == set(ToolClass)


def test_the_list_of_tools_tells_the_classes() -> None:
    """Each action's in `_meta`, and as a hint whether a call may take long at all."""
    for tool in listed():
        rows = CLASSES[str(tool["name"])]
        assert tool["_meta"] == {"aimux/classes": rows}
        is_long = ToolClass.ASYNC_MANDATORY in rows.values()
        assert tool["annotations"]["longRunningHint"] is is_long  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TEXT.replace("    kill: sync_ok\n", ""), "tools.sessions.kill: has no row"),
        (TEXT.replace("    kill: sync_ok", "    kill: unknown"), "is 'unknown'"),
        (TEXT.replace("    kill: sync_ok\n", "    kill: sync_ok\n    slay: sync_ok\n"), "slay"),
        (TEXT + "  nobody:\n    run: sync_ok\n", "tools.nobody: there is no such tool"),
        (TEXT.replace("    gc: sync_ok", "    gc: async_mandatory"), "says something else"),
    ],
)
def test_a_file_that_is_not_what_is_compiled_is_not_served_by(
    tmp_path: pathlib.Path, text: str, said: str
) -> None:
    """Missing, unknown, stale and changed rows."""
    (tmp_path / FILE).write_text(text, encoding="utf-8")

    with pytest.raises(SetupFault, match=said):
        check_classes(tmp_path)


def test_a_row_that_is_there_twice_is_refused(tmp_path: pathlib.Path) -> None:
    """By the place of the second one; a comment or another line end changes nothing."""
    (tmp_path / FILE).write_text(TEXT + "  status:\n    run: sync_ok\n", encoding="utf-8")
    with pytest.raises(YamlFault):
        check_classes(tmp_path)
    (tmp_path / FILE).write_bytes(TEXT.replace("\n", "\r\n").encode() + b"# more\r\n")
    check_classes(tmp_path)
    with pytest.raises(SetupFault, match="cannot be read"):
        check_classes(tmp_path / "nowhere")


LONG: dict[str, dict[str, object]] = {
    "exec.run": {"prompt": "x"},
    "sessions.retry": {"action": "retry"},
    "consensus.run": {"prompt": "x"},
    "audit.run": {"clis": ["alpha"]},
    "dialog.run": {"prompt": "x"},
    "debate.run": {"topic": "x"},
    "workflow.run": {"steps": [{"tool": "exec", "arguments": {"prompt": "x"}}]},
    "think.consensus": {"prompt": "x", "pattern": "critical_thinking", "clis": ["alpha"]},
    "think.auto": {
        "prompt": "an irreversible migration of production data",
        "pattern": "critical_thinking",
        "mode": "auto",
    },
    "investigate.auto": {"action": "auto", "question": "why?"},
    "deepresearch.run": {"topic": "x"},
    "agents.run": {"action": "run", "prompt": "x"},
    "background.run": {"prompt": "x"},
}
MANDATORY = {
    f"{tool}.{action}"
    for tool, rows in CLASSES.items()
    for action, value in rows.items()
    if value == "async_mandatory"
}


def test_each_action_that_makes_a_job_is_tried() -> None:
    """All but the pair, which needs a repository: tests/e2e/test_pair.py hands one over."""
    assert LONG.keys() == MANDATORY - {"exec.pair"}


@pytest.mark.parametrize("row", LONG)
async def test_a_call_that_waits_for_a_job_is_handed_over(
    row: str, tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """No later than the patience of its client, with the job's id and the call to send next."""
    tool, action = row.split(".")
    roles = {**ROLES, **{name: Role(name=name) for name in ("analyze", "research", "codereview")}}
    async with open_house(tmp_path, lambda _: HANG, roles=roles) as house:
        arguments = {**LONG[row]}
        if "cwd" in TOOLS[tool].input_schema["properties"]:  # type: ignore[operator]
            arguments["cwd"] = str(house.work)
        if action == "retry":
            first = await house.start()
            first.cancel("over")
            await first.done.wait()
            arguments["job_id"] = first.id
        before = autojump_clock.current_time()
        body = await house.ask(tool, **arguments)
        waited_s = autojump_clock.current_time() - before
        check(tool, body)

    job_id = body["job_id"]
    assert body["status"] in {"queued", "running"}
    assert waited_s <= house.engine.own.settings.server.sync_wait_seconds
    assert {"tool": "status", "arguments": {"job_id": job_id, "wait_seconds": 45}}.items() <= (
        body["guidance"]["next"][0].items()
    )


async def test_only_what_makes_a_job_counts_against_the_rate(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A second run in the same moment is refused; any number of looks and plans are not."""
    async with open_house(tmp_path, lambda _: HANG) as house:
        house.configure(rate_limit_rps=1.0, rate_limit_burst=1)
        settings = house.loader.snapshot.settings
        house.engine.own.apply(settings)
        for _ in range(3):
            await house.ask("exec", prompt="x", dry_run=True)
            await house.ask("agents", action="list", cwd=str(house.work))
        await house.ask("exec", prompt="x", **{"async": True})
        with pytest.raises(AimuxError, match="more than 1 exec calls"):
            await house.ask("exec", prompt="x", **{"async": True})
