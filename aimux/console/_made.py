"""Commands made of the catalogue: each tool whose calls are jobs gets one, in its schema's words.

The first parameter of the schema is the argument, the others are options under their own names and
the tool's other names for them. A new tool in the catalogue is a new command without a line here.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs
import click
import orjson

from aimux.tools.catalog import TOOLS, Tool

from ._client import Json, McpClient
from ._output import say, say_json, table
from ._screen import (
    Finite,
    Whole,
    exit_code,
    leave_running,
    part_of,
    read_stdin,
    rows_of,
    say_error,
    with_server,
)
from ._seats import say_end, watch


@attrs.frozen
class Preset:
    """A command that is a tool with some of its parameters set."""

    tool: str
    title: str
    fixed: Json  # always said
    usual: Json  # said unless told otherwise


PRESETS: Final[Mapping[str, Preset]] = {
    "pair": Preset(
        "exec", "Have one CLI write and another review", {"pair": True}, {"role": "coding"}
    ),
}
OWN: Final = frozenset({"exec", "deepresearch"})  # `run` and `research` are written for them
OURS: Final = frozenset({"wait_seconds", "max_chars"})  # how a command itself waits and reads
NAMES: Final = frozenset({"clis", "jury"})  # lists of what has no comma in it
HERE: Final = "Directory to work in; this one if not given."
SHORT: Final = {"cwd": ("-C", "--directory"), "cli": ("-c",), "clis": ("-c",), "role": ("-r",)}


def made_commands() -> list[str]:
    """Their names, in the order of the catalogue."""
    names = [tool.name for tool in TOOLS.values() if _makes_jobs(tool) and tool.name not in OWN]
    for name, preset in PRESETS.items():
        if preset.fixed.keys() <= _properties(TOOLS[preset.tool]).keys():
            names.append(name)
    return names


def made_command(name: str) -> click.Command | None:
    """The command of that name; None if there is none."""
    if name not in made_commands():
        return None
    preset = PRESETS.get(name) or Preset(name, TOOLS[name].title, {}, {})
    return _command(name, TOOLS[preset.tool], preset)


def _makes_jobs(tool: Tool) -> bool:
    names = _properties(tool).keys()
    return {"async", "wait_seconds"} <= names and "action" not in names


def _properties(tool: Tool) -> Mapping[str, Json]:
    found = tool.input_schema["properties"]
    assert isinstance(found, dict)
    return found


# ----------------------------------------------------------------------------------- its parameters


def _command(name: str, tool: Tool, preset: Preset) -> click.Command:
    properties = _properties(tool)
    fixed, usual = preset.fixed, preset.usual
    first, *others = (each for each in properties if each not in fixed)
    params: list[click.Parameter] = [_argument(first, properties[first], tool)]
    params += [_option(each, properties[each], tool.aliases) for each in others if each not in OURS]
    params += [
        click.Option(["quiet", "-q", "--quiet"], is_flag=True, help="No progress on stderr."),
        click.Option(["as_json", "--json"], is_flag=True, help="Print JSON instead of text."),
    ]
    said = properties[first].get("description", "")
    taken = (
        ""
        if _is_path(first, properties[first])
        else " It is taken as it stands, - reads it from stdin."
    )
    about = [f"{preset.title}.", _by_question(tool.description)]
    if fixed:  # then it is these parameters that the command is about
        about[1:] = [_sentence(properties[each]) for each in fixed]
    return click.Command(
        name,
        params=params,
        callback=functools.partial(_run, tool, fixed, usual, first),
        help="\n\n".join([*about, f"{first.upper()}: {_at_a_shell(str(said))}.{taken}"]),
        short_help=about[0],
        epilog="Exit codes: 0 the job completed, 1 it did not or only in part, 2 it could not be "
        "asked for, 130 interrupted.",
    )


def _argument(name: str, schema: Json, tool: Tool) -> click.Argument:
    required = tool.input_schema["required"]
    is_required = isinstance(required, list) and name in required
    kind = _path() if _is_path(name, schema) else click.STRING
    return click.Argument([name], required=is_required, type=kind)


def _option(name: str, schema: Json, aliases: Mapping[str, str]) -> click.Option:
    """The option for one parameter; other names of a choice may have other values: not taken."""
    others = [each for each, meant in aliases.items() if meant == name and "enum" not in schema]
    longs = [f"--{each.replace('_', '-')}" for each in (name, *others)]
    words = [name, *SHORT.get(name, ()), *dict.fromkeys(longs)]
    told = HERE if name == "cwd" else _sentence(schema, f"--no-{name.replace('_', '-')}")
    match schema.get("type"):
        case "boolean" if name in {"async", "dry_run"}:
            return click.Option(words, is_flag=True, default=None, help=told)
        case "boolean":
            both = [f"{long}/--no-{long.removeprefix('--')}" for long in dict.fromkeys(longs)]
            return click.Option([name, *both], default=None, help=told)
        case "integer":
            return click.Option(words, type=_count(schema), metavar="N", help=told)
        case "number":
            return click.Option(words, type=_seconds(schema), metavar="SECONDS", help=told)
        case "array":
            how = "Commas between, or repeated." if name in NAMES else "May be repeated."
            return click.Option(words, multiple=True, help=f"{told} {how}")
        case "string" if isinstance(schema.get("enum"), list):
            return click.Option(words, type=click.Choice(_texts(schema["enum"])), help=told)
        case "string":
            return click.Option(words, type=_path() if _is_path(name, schema) else None, help=told)
        case "object":
            return click.Option(words, metavar="JSON", help=told)
        case _:
            return click.Option(words, metavar="TEXT|JSON", help=told)


def _sentence(schema: Json, off: str = "") -> str:
    """A description as a sentence; `off` is what a flag is called whose value is false."""
    said = _at_a_shell(str(schema.get("description", "")))
    if schema.get("type") == "boolean":
        said = re.sub(r"^false\b", off, said)
    is_name = re.match(r"--|cli[,:]", said) is not None
    return f"{said if is_name else said[:1].upper() + said[1:]}."


def _at_a_shell(said: str) -> str:
    """A description where paths go by the directory that the shell is in."""
    return said.replace("; default as cwd of exec", "; this one if not given").replace(
        "absolute path", "path"
    )


def _by_question(description: str) -> str:
    """A tool's description with what each word in capitals answers in a paragraph of its own."""
    return re.sub(r"\s(?=(?:WHEN|WHY|HOW|NOT|CHOOSE) )", "\n\n", description)


def _is_path(name: str, schema: Json) -> bool:
    return name == "cwd" or "absolute path" in str(schema.get("description", ""))


def _path() -> click.Path:
    return click.Path(exists=True, file_okay=False, resolve_path=True)


def _count(schema: Json) -> Whole:
    least, most = schema.get("minimum"), schema.get("maximum")
    return Whole(least if isinstance(least, int) else None, most if isinstance(most, int) else None)


def _seconds(schema: Json) -> Finite:
    least = schema.get("minimum")
    return Finite(least if isinstance(least, int | float) else 0)


def _texts(values: object) -> list[str]:
    return [str(each) for each in values] if isinstance(values, list) else []


def arguments_of(tool: Tool, given: Mapping[str, object]) -> Json:
    """What the tool is called with: what was given, each in the type that its schema wants.

    Raises:
        click.UsageError: a value is not JSON where it must be.
    """
    properties = _properties(tool)
    found: Json = {}
    for name, value in given.items():
        if value is None or value == ():
            continue
        schema = properties[name]
        match schema.get("type"):
            case "array" if isinstance(value, Sequence):
                found[name] = _listed(name, [str(each) for each in value])
            case "object":
                found[name] = _parsed(name, str(value))
            case None:
                found[name] = _guessed(str(value))
            case _:
                found[name] = value
    return found


def _listed(name: str, values: Sequence[str]) -> list[str]:
    if name not in NAMES:
        return list(values)
    return [part.strip() for each in values for part in each.split(",") if part.strip()]


def _parsed(name: str, text: str) -> object:
    try:
        return orjson.loads(Path(text[1:]).read_bytes() if text.startswith("@") else text)
    except (OSError, orjson.JSONDecodeError) as error:
        raise click.UsageError(f"--{name} is JSON, or @FILE with JSON in it: {error}") from error


def _guessed(text: str) -> object:
    """A text; a list or an object where it is JSON."""
    if not text.lstrip().startswith(("[", "{")):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


# ------------------------------------------------------------------------------------- what it does


def _run(
    tool: Tool,
    fixed: Json,
    usual: Json,
    first: str,
    /,
    *,
    quiet: bool,
    as_json: bool,
    **given: object,
) -> None:
    if given[first] == "-":
        given[first] = read_stdin()
    if isinstance(given[first], str) and not str(given[first]).strip():
        raise click.UsageError(f"the {first} is empty")
    arguments = {**usual, **arguments_of(tool, given), **fixed}

    async def work(client: McpClient) -> int:
        if arguments.get("dry_run"):
            return _say_plan(await client.call(tool.name, arguments), as_json=as_json)
        if arguments.pop("async", False):
            return await leave_running(client, tool.name, arguments, as_json=as_json)
        body = await watch(client, tool.name, arguments, is_quiet=quiet)
        if as_json:
            say_json(body)
        else:
            say_end(body, is_quiet=quiet)
        return exit_code(body)

    with_server(work)


def _say_plan(body: Json, *, as_json: bool) -> int:
    if as_json:
        say_json(body)
        return 0
    say(str(body.get("content") or ""))
    seats = rows_of(part_of(body, "plan"), "seats")
    if seats:
        columns = ("seat", "cli", "model", "mode")
        table(columns, [[each.get(column) for column in columns] for each in seats])
    say_error(body)
    return 0
