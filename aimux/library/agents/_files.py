"""One file of an agent, as whoever made it writes it: front matter and instructions.

Hosts agree on Markdown with `name` and `description`, and on little else: tools are a list, a text
with commas or a map of switches; a model may be one that only this host knows; descriptions hold
colons that no YAML parser takes. Codex writes TOML. What cannot be used is left out, never guessed.
"""

import pathlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from aimux.files.reading import TooLarge, is_within, read_regular
from aimux.files.yaml import MAX_YAML_BYTES, Budget, Document, YamlFault, YamlReader
from aimux.model import EFFORTS, Agent, Mode, Source
from aimux.rules import harmless

OURS: Final = "aimux"
ID: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
MAX_DESCRIPTION: Final = 1_000  # characters; longer ones are cut
MAX_TEXT: Final = 100_000  # characters of instructions; a CLI reads them with every prompt
MAX_LISTED: Final = 50
MAX_TURNS: Final = 20
# tools of any host that change files or run what may
_WRITING: Final = re.compile(
    r"write|edit|patch|bash|shell|execute|run|terminal|command|\*|^all$", re.IGNORECASE
)
_KEY: Final = re.compile(r"(?P<key>[A-Za-z][\w-]*):(?:[ \t]+(?P<value>.*))?$")
_ITEM: Final = re.compile(r"[ \t]*-[ \t]+(?P<item>.+)")
_SANDBOX: Final = {"read-only": Mode.READ, "workspace-write": Mode.WRITE}
_NO_MODEL: Final = frozenset({"inherit", "default", "auto"})


class NotAnAgent(ValueError):
    """A file makes no agent; the message says why."""


@attrs.frozen(kw_only=True)
class AgentPlace:
    """A directory with agents of one host in one layer; `cli` is the host's own, if it is ours.

    What lies in a place with `within` must lie in that directory, links followed.
    """

    source: Source
    host: str
    cli: str
    directory: pathlib.Path
    within: pathlib.Path | None = None


def read_agent(
    file: pathlib.Path, place: AgentPlace, reader: YamlReader, budget: Budget | None
) -> tuple[Agent, Sequence[str]]:
    """The agent in a file, and what of it could not be used.

    Raises:
        NotAnAgent: it has no description or no instructions, or is too long.
        YamlFault: it cannot be read.
    """
    front, text = _parts(file, place, reader, budget)
    faults: list[str] = []
    stem = file.name.removesuffix(file.suffix).removesuffix(".agent")
    name = _line(front.get("name"))
    id_ = _id(name) or _id(stem)
    if not id_:
        raise NotAnAgent(f"neither its name nor {file.name} makes a name of letters and digits")
    description = _line(front.get("description"))
    if not description:
        raise NotAnAgent("no description, so nobody can choose it")
    if not text:
        raise NotAnAgent("no instructions below its front matter")
    if len(text) > MAX_TEXT:
        raise NotAnAgent(f"{len(text)} characters of instructions, the limit is {MAX_TEXT}")
    tools = _listed(front.get("tools"))
    is_ours = place.host == OURS
    model = _line(front.get("model"))
    cli = _line(front.get("cli"))[:80] or (place.cli if model else "")
    if model.casefold() in _NO_MODEL or not cli:  # nobody knows whose name it is
        if is_ours and model and not cli:
            faults.append(f"model {model[:80]} without the cli it is of: it is left out")
        model = ""
    agent = Agent(
        id=id_,
        name=name or id_,
        description=description[:MAX_DESCRIPTION],
        when=_line(front.get("when"))[:MAX_DESCRIPTION],
        domain=_line(front.get("domain"))[:80],
        keywords=_listed(front.get("keywords", front.get("tags"))),
        role=_line(front.get("role"))[:80],
        cli=cli if model or front.get("cli") else "",
        model=model[:200],
        effort=_effort(front, faults, is_ours=is_ours),
        mode=_mode(front, tools, faults, is_ours=is_ours),
        tools=tools,
        # elsewhere it counts the steps of a host's own loop
        max_turns=_turns(front, faults) if is_ours else None,
        timeout_s=_timeout_s(front, faults),
        text=text,
        host=place.host,
        origin=str(file),
        source=place.source,
    )
    return agent, faults


# ------------------------------------------------------------------------------ front matter


def _parts(
    file: pathlib.Path, place: AgentPlace, reader: YamlReader, budget: Budget | None
) -> tuple[Mapping[str, object], str]:
    if file.suffix == ".toml":
        return _toml(file, place, budget)
    try:
        document = reader.read(file, has_front=True, within=place.within, budget=budget)
    except YamlFault as fault:
        if fault.line < 2 or place.host == OURS:  # only a fault inside the front matter has a line
            raise
        document = _plain(file)
    if not isinstance(document.data, dict):
        raise NotAnAgent("no front matter with a description")
    return document.data, document.body.strip()


def _toml(
    file: pathlib.Path, place: AgentPlace, budget: Budget | None
) -> tuple[Mapping[str, object], str]:
    if place.within is not None and not is_within(file, place.within):
        raise NotAnAgent(f"leads out of {place.within}, so it is not read")
    try:
        data = read_regular(file, MAX_YAML_BYTES * 2)
        if budget is not None:
            budget.read_bytes -= len(data)
            if budget.read_bytes < 0:
                raise NotAnAgent("not read: with the files before it too much")
        front = tomllib.loads(data.decode())
    except (
        OSError,
        TooLarge,
        UnicodeDecodeError,
        tomllib.TOMLDecodeError,
        RecursionError,
    ) as error:
        raise NotAnAgent(f"cannot be read as TOML: {error}") from error
    text = front.get("developer_instructions", front.get("instructions"))
    return front, text.strip() if isinstance(text, str) else ""


def _plain(file: pathlib.Path) -> Document:
    """Front matter line by line: what a host takes and a YAML parser does not."""
    try:
        lines = read_regular(file, MAX_YAML_BYTES * 16).decode("utf-8-sig").splitlines()
    except (OSError, TooLarge, UnicodeDecodeError) as error:
        raise NotAnAgent(f"cannot be read: {error}") from error
    end = next(at for at, line in enumerate(lines[1:], 1) if line.rstrip() == "---")
    front: dict[str, object] = {}
    key = ""
    for line in lines[1:end]:
        found, item = _KEY.match(line), _ITEM.match(line)
        known = front.get(key)
        if found is not None:
            key = found["key"]
            front[key] = _unquoted(found["value"] or "")
        elif item is not None and key and known in ("", None):
            front[key] = [_unquoted(item["item"])]
        elif item is not None and isinstance(known, list):
            known.append(_unquoted(item["item"]))
        elif isinstance(known, str):
            front[key] = f"{known} {line.strip()}".strip()
    return Document(path=str(file), data=front, body="\n".join(lines[end + 1 :]))


def _unquoted(text: str) -> str:
    text = text.strip()
    if text in {">", "|", ">-", "|-"}:
        return ""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


# ------------------------------------------------------------------------------ its keys


def _id(name: str) -> str:
    slug = re.sub(r"[^a-z0-9._]+", "-", name.casefold()).strip("-._")[:64]
    return slug if ID.fullmatch(slug) else ""


def _line(value: object) -> str:
    """A text as one line without what a terminal would act on; empty for anything else."""
    if not isinstance(value, str):
        return ""
    return harmless(" ".join(value.replace("\\n", " ").split()), is_line=True)


def _listed(value: object) -> list[str]:
    """Words of a list, of a text with commas, or the names that a map switches on."""
    if isinstance(value, str):
        value = value.split(",")
    if isinstance(value, Mapping):
        value = [name for name, is_on in value.items() if is_on is True]
    if not isinstance(value, Sequence):
        return []
    words = [_line(each)[:120] for each in value]
    return [word for word in words if word][:MAX_LISTED]


def _effort(front: Mapping[str, object], faults: list[str], *, is_ours: bool) -> str:
    for key in ("effort", "reasoning_effort", "model_reasoning_effort", "reasoningEffort"):
        word = _line(front.get(key))
        if word in EFFORTS:
            return word
        if word and is_ours:
            faults.append(f"{key} {word} is not one of {', '.join(EFFORTS)}")
    return ""


def _mode(
    front: Mapping[str, object], tools: Sequence[str], faults: list[str], *, is_ours: bool
) -> Mode | None:
    """What it says it needs. Tools that only read make it one that reads."""
    word = _line(front.get("mode"))
    mode = _SANDBOX.get(_line(front.get("sandbox_mode")))
    if word in (Mode.READ, Mode.WRITE):
        mode = Mode(word)
    elif word and is_ours:
        faults.append(f"mode {word} is not one of read, write: read is taken")
        return Mode.READ
    if tools and not any(map(_WRITING.search, tools)):
        return Mode.READ
    return mode


def _turns(front: Mapping[str, object], faults: list[str]) -> int | None:
    value = front.get("max_turns")
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_TURNS:
        return value
    faults.append(f"max_turns {_line(str(value))[:20]} is not a number from 1 to {MAX_TURNS}")
    return None


def _timeout_s(front: Mapping[str, object], faults: list[str]) -> float | None:
    for key, factor in (("timeout", 1.0), ("timeout_seconds", 1.0), ("timeout_mins", 60.0)):
        value = front.get(key)
        if value is None:
            continue
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e6:
            return value * factor
        faults.append(f"{key} is not a number of seconds over 0")
    return None
