"""Steps of a workflow as calls: where they are written, whether they fit, and how they are made."""

import contextlib
import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs
import trio

from aimux.config import Snapshot
from aimux.engine import Engine
from aimux.errors import InternalFault, InvalidArguments, NotFound
from aimux.files.tree import TreeReader
from aimux.files.yaml import YamlFault, YamlReader, parse
from aimux.model import Noted
from aimux.rules import compile_schema, did_you_mean, problems, shallow, told_problem
from aimux.rules.workflow import StepEnd
from aimux.strategies.seats import Call

from ._calls import InputRequired, Reach, ToolCall
from ._context import ToolContext
from ._whole_log import whole_log
from .catalog import TOOLS

# one inside another might never end; nobody would wait for what runs in the background
NOT_A_STEP: Final = frozenset({"workflow", "background"})
SUFFIXES: Final = frozenset({".yaml", ".yml"})
FILE, EXAMPLE = "file:", "example:"
ASKING: Final = frozenset({"clis", "consensus", "mode"})  # with one of these think may make a job
WRITING: Final = frozenset({"write", "danger"})


class QuietCaller:
    """Nobody to tell: what a step does stands in its job's log."""

    wants_progress: Final = True  # it waits as long as its workflow does
    reach: Final = Reach.NOBODY
    roots_reach: Final = Reach.NOBODY

    def progress(self, message: str) -> None:
        """Tell nobody."""

    def log(self, level: str, data: object) -> None:
        """Tell nobody."""

    async def roots(self) -> object:
        """Nothing: a step is told where to work. Cancelling it leaves nothing."""
        await trio.lowlevel.checkpoint()
        return None

    async def ask(self, method: str, params: Mapping[str, object]) -> Mapping[str, object] | None:
        """Nobody answers. Cancelling it leaves nothing."""
        del method, params
        await trio.lowlevel.checkpoint()
        return None


def name_of(steps: object) -> str:
    """What a workflow is called that was given no name: as its file or example is."""
    if isinstance(steps, str) and steps.startswith((FILE, EXAMPLE)):
        return Path(steps.partition(":")[2]).stem or "workflow"
    return "workflow"


def step_tools() -> list[str]:
    """The tools that a step may call."""
    return [name for name in TOOLS if name not in NOT_A_STEP]


def calls_of(context: ToolContext, call: ToolCall, job_id: str, cwd: str) -> Call:
    """Makes the calls of a job's steps, for the client of its own call, in its directory."""

    async def make(tool: str, arguments: Mapping[str, object]) -> Mapping[str, object]:
        given = dict(arguments)
        if _works_somewhere(tool, given) and not {"cwd", "session_id"} & given.keys():
            given["cwd"] = cwd
        step = ToolCall(
            name=tool, arguments=given, client=call.client, caller=QuietCaller(), parent_id=job_id
        )
        payload = await context.run_tool(step)
        if isinstance(payload, InputRequired):
            raise InternalFault(f"{tool} asks a step for something")
        return payload.body

    return make


def check_step(tool: str, known: Mapping[str, object], open_names: Collection[str]) -> list[str]:
    """What is wrong with the arguments of a step that are known before it runs."""
    entry = TOOLS[tool]
    named = {entry.aliases.get(name, name): value for name, value in known.items()}
    opened = {entry.aliases.get(name, name) for name in open_names}
    schema = dict(entry.input_schema)
    required = schema.get("required")
    if isinstance(required, Sequence):
        schema["required"] = [name for name in required if name not in opened]
    found: list[str] = []
    if not schema.get("additionalProperties"):  # think takes the fields of its pattern
        found = [f"{name}: {tool} has no such argument" for name in opened - _properties(tool)]
    if not compile_schema(schema)(named):
        found += [told_problem(each) for each in problems(schema, shallow(named))]
    return found


def read_steps(text: str, cwd: str, snapshot: Snapshot) -> tuple[object, bool]:
    """The steps that a text is or names, and whether they are somebody else's: from a file.

    It reads files: call it in a thread.

    Raises:
        InvalidArguments: it is no list of steps, or there is no such file in `cwd`.
        NotFound: no such example.
    """
    if text.startswith(FILE):
        found = TreeReader(cwd).read_lines(text.removeprefix(FILE))
        if isinstance(found, str):
            raise _refused(text, f"a file in {cwd}: {found}")
        return _parsed("\n".join(found.lines), found.path), True
    if text.startswith(EXAMPLE):
        name = text.removeprefix(EXAMPLE)
        return _example(name, snapshot), False
    return _parsed(text, "steps"), False


def without_writing(raw: object) -> object:
    """Steps of a file for a caller who has not let them write: none of them does.

    Raises:
        InvalidArguments: one says that it writes.
    """
    if not isinstance(raw, list):
        return raw
    kept: list[object] = []
    for at, step in enumerate(raw):
        if not isinstance(step, Mapping):
            kept.append(step)
            continue
        name = "params" if "params" in step else "arguments"
        given = step.get(name, {})
        tool = str(step.get("tool", ""))
        if isinstance(given, Mapping) and tool in TOOLS and _may_write(tool):
            mode = str(given.get("mode", "read"))
            if mode != "read" or given.get("read_only") is False:
                raise _refused(
                    f"steps[{at}].arguments.mode: {mode}", "read, or mode=write in the call itself"
                )
            step = {**step, name: {**given, "mode": "read"}}
        kept.append(step)
    return kept


async def ends_of(engine: Engine, job_id: str) -> dict[str, StepEnd]:
    """How the steps of an earlier run ended, those that can be reused whole.

    Cancelling it changes nothing: it only reads.

    Raises:
        NotFound: no such job.
    """
    job, _handle = await engine.jobs.get(job_id)
    found: dict[str, StepEnd] = {}
    for entry in await whole_log(engine, job):
        record = entry.event.data.get("step") if isinstance(entry.event, Noted) else None
        if isinstance(record, Mapping):
            end = StepEnd(**{str(name): value for name, value in record.items()})
            found[end.id] = end
    whole: dict[str, StepEnd] = {}
    for name, end in found.items():
        if end.is_whole:
            whole[name] = end
        elif end.job_id and not end.is_many:
            step, _handle = await engine.jobs.get(end.job_id)
            if step.outcome is not None:
                outcome = step.outcome
                whole[name] = attrs.evolve(end, content=outcome.content, data=outcome.data)
    return whole


def _works_somewhere(tool: str, given: Mapping[str, object]) -> bool:
    """Whether a call takes a directory: `think` only where it asks CLIs."""
    is_alone = tool == "think" and ASKING.isdisjoint(given)
    return "cwd" in _properties(tool) and not is_alone


def _properties(tool: str) -> set[str]:
    properties = TOOLS[tool].input_schema.get("properties")
    return set(properties) if isinstance(properties, Mapping) else set()


def _may_write(tool: str) -> bool:
    properties = TOOLS[tool].input_schema.get("properties")
    mode = properties.get("mode") if isinstance(properties, Mapping) else None
    known = mode.get("enum", ()) if isinstance(mode, Mapping) else ()
    return not WRITING.isdisjoint(known)


def _parsed(text: str, path: str) -> object:
    try:
        found = json.loads(text)
    except ValueError:
        try:
            found = parse(text, path=path).data
        except YamlFault as fault:
            where = f"line {fault.line}: " if fault.line else ""
            raise _refused(text, f"JSON or YAML: {where}{fault.what}") from fault
    return steps_in(found)


def steps_in(data: object) -> object:
    """The steps of what a file says: the list itself, or what stands under `steps`."""
    return data.get("steps") if isinstance(data, dict) else data


def workflow_files(roots: Sequence[Path]) -> dict[str, Path]:
    """The workflows below `roots` by name; a later directory wins, one that is closed has none."""
    known: dict[str, Path] = {}
    for root in roots:
        with contextlib.suppress(OSError):
            known |= {path.stem: path for path in files_in(root)}
    return known


def files_in(root: Path) -> list[Path]:
    """The files of a directory of workflows; none if there is none.

    Raises:
        OSError: it is closed to us.
    """
    try:
        found = sorted(root.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [path for path in found if path.suffix in SUFFIXES]


def _example(name: str, snapshot: Snapshot) -> object:
    known = workflow_files(snapshot.paths.workflow_roots)
    if name not in known:
        raise NotFound(
            f"unknown example {name!r}: there are {', '.join(sorted(known)) or 'none'}",
            code="workflow_unknown",
            hint=did_you_mean(name, known),
            data={"known": sorted(known)},
        )
    try:
        return steps_in(YamlReader().read(known[name]).data)
    except YamlFault as fault:
        where = f"{fault.path}:{fault.line}" if fault.line else fault.path
        raise _refused(f"{EXAMPLE}{name}", f"YAML in {where}: {fault.what}") from fault


def _refused(value: str, expected: str) -> InvalidArguments:
    shown = value if len(value) <= 80 else value[:80] + "…"
    return InvalidArguments(
        f"workflow: steps: expected {expected}",
        problems=[{"path": "steps", "value": shown, "expected": expected}],
    )
