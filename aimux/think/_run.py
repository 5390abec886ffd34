"""One step of thinking: fields put in their places, the pattern run, its session carried on."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import attrs
import orjson

from ._advisor import KEPT, advise
from ._analysis import analyse
from ._base import Blocked, Result
from ._complexity import THRESHOLD, recommended, score
from ._fields import Json, Schema, bind, dump, fields_of, renamed, schema_of
from ._registry import PATTERNS, Choice, code_of

MAX_STATE_BYTES: Final = 262_144  # of one session
MAX_CHARS: Final = 262_144  # of one call's fields
MAX_ITEMS: Final = 1_000  # of all lists of a call
MAX_LEVELS: Final = 16
HARNESS: Final = "harness"  # reasoning under watch, among the states of a session
ITEM_WEIGHT: Final = 200  # characters that take as long as an item compared with others

# other names of the field that carries the caller's text
PRIMARY_NAMES: Final = frozenset({
    "prompt", "question", "topic", "issue", "problem", "task", "decision", "artifact", "claim",
    "thought", "target", "statement",
})  # fmt: skip


@attrs.frozen(kw_only=True)
class Session:
    """What a session of thinking knows: a state for each pattern used in it, and its last words."""

    states: Mapping[str, Json] = attrs.field(factory=dict)
    summaries: Sequence[str] = ()
    switches: int = 0
    steps: int = 0


_NEW: Final = Session()


@attrs.frozen(kw_only=True)
class Overview:
    """A session as a list shows it: the patterns used in it, how many steps, its last words."""

    patterns: Sequence[str]
    steps: int
    summary: str


@attrs.frozen(kw_only=True)
class Step:
    """What a call came to. `session` is None if there is none, or if it stays as it was."""

    choice: Choice
    fields: Json
    result: Result
    mapped: Sequence[str] = ()
    advice: Json = attrs.field(factory=dict)
    session: Session | None = None

    @property
    def status(self) -> str:
        """`ok`, `needs_input` or `blocked`."""
        if self.result.blocked:
            return "blocked"
        return "needs_input" if self.result.missing else "ok"


def schema_for(choice: Choice) -> Schema:
    """The JSON Schema of a pattern's or technique's fields."""
    return schema_of(code_of(choice.name).input)


def placed(choice: Choice, given: Mapping[str, object], prompt: str) -> tuple[Json, list[str]]:
    """The fields of a call under our names, and what was mapped to what.

    The preset of an alias comes first, then the given fields, then `prompt` (or a field of another
    pattern that means the same) for the field that carries the text.
    """
    shape = code_of(choice.name).input
    mapped: list[str] = []
    fields = {**choice.preset, **renamed(shape, given, mapped)}
    known = fields_of(shape)
    primary = choice.primary
    others = [
        name
        for name in given
        if name in PRIMARY_NAMES and name not in known and isinstance(fields.get(name), str)
    ]
    if prompt and not fields.get(primary):
        fields[primary] = prompt
        mapped.append(f"prompt -> {primary}")
    for name in others:
        text = fields.pop(name)
        if not fields.get(primary):
            fields[primary] = text
            mapped.append(f"{name} -> {primary}")
        elif fields[primary] != text:
            fields[name] = text  # it has no place: the schema refuses it by name
    return fields, mapped


class Size(NamedTuple):
    """How much the fields of a call are: characters, list items and levels of nesting."""

    chars: int
    items: int
    levels: int

    @property
    def excess(self) -> str:
        """What of it is more than can be thought about at once; nothing if it fits."""
        if self.levels > MAX_LEVELS:
            return f"at most {MAX_LEVELS} levels of nesting"
        if self.chars > MAX_CHARS:
            return f"at most {MAX_CHARS} characters, not {self.chars}"
        return f"at most {MAX_ITEMS} list items, not {self.items}" if self.items > MAX_ITEMS else ""

    @property
    def weight(self) -> int:
        """How much work it is, in characters; a list item counts as many."""
        return self.chars + ITEM_WEIGHT * self.items


def size_of(fields: Mapping[str, object]) -> Size:
    """How much the fields of a call are; what is nested too deep is not counted."""
    chars = items = levels = 0
    level: list[object] = list(fields.values())
    chars += sum(map(len, fields))
    while level and levels <= MAX_LEVELS:
        levels += 1
        inner: list[object] = []
        for value in level:
            if isinstance(value, str):
                chars += len(value)
            elif isinstance(value, list):
                items += len(value)
                inner += value
            elif isinstance(value, dict):
                chars += sum(map(len, value))
                inner += value.values()
        level = inner
    return Size(chars, items, levels)


def run(choice: Choice, fields: Json, mapped: Sequence[str] = (), body: Json | None = None) -> Step:
    """One step over fields that fit the schema; `body` is the session as it was stored.

    A step that is blocked, or that has nothing to work with, leaves the session as it was.
    """
    before = bind(Session, body) if body else _NEW
    pattern = code_of(choice.name)
    given: object = bind(pattern.input, fields)
    if pattern.state is None:
        result = pattern.think(given)
    else:
        result = pattern.think(given, bind(pattern.state, before.states.get(choice.name, {})))
    step = Step(choice=choice, fields=fields, result=result, mapped=mapped)
    if result.missing and choice.name in before.states:  # nothing new: what there is so far
        seen = {**result.data, "session": before.states[choice.name]}
        step = attrs.evolve(step, result=attrs.evolve(result, data=seen))
    if body is None or result.blocked or (result.missing and result.state is None):
        return attrs.evolve(step, advice=_advice(before, step))
    return _carried_on(before, step)


def _carried_on(before: Session, step: Step) -> Step:
    states = dict(before.states)
    if step.result.state is not None:
        state = dump(step.result.state)
        assert isinstance(state, dict)
        states[step.choice.name] = state
    after = attrs.evolve(
        before,
        states=states,
        summaries=[*before.summaries, step.result.summary][-KEPT:],
        steps=before.steps + 1,
    )
    advice = _advice(after, step)
    if advice["action"] == "switch":
        after = attrs.evolve(after, switches=after.switches + 1)
    if is_full(stored(after)):
        full = Blocked(
            code="session_full",
            message=f"the session holds {MAX_STATE_BYTES // 1024} KiB: begin another",
        )
        return attrs.evolve(step, result=Result(blocked=full, summary=full.message), advice=advice)
    return attrs.evolve(step, advice=advice, session=after)


def _advice(session: Session, step: Step) -> Json:
    text = str(step.fields.get(step.choice.primary) or step.result.summary)
    said = {name: entry.description for name, entry in PATTERNS.items()}
    return advise(session.summaries, session.switches, step.choice.pattern.name, text, said)


def is_full(body: Json) -> bool:
    """Whether a session as it is kept is more than may be kept."""
    return len(orjson.dumps(body)) > MAX_STATE_BYTES


def stored(session: Session) -> Json:
    """A session as it is kept."""
    return {  # states are JSON already
        "states": dict(session.states),
        "summaries": list(session.summaries),
        "switches": session.switches,
        "steps": session.steps,
    }


def overview(body: Json) -> Overview:
    """What a session as it is kept is about; of reasoning under watch, its task."""
    session = bind(Session, body)
    watch = session.states.get(HARNESS, {})
    last = session.summaries[-1] if session.summaries else str(watch.get("task", ""))
    return Overview(patterns=list(session.states), steps=session.steps, summary=last)


def answer(step: Step, session_id: str | None = None, threshold: int = THRESHOLD) -> Json:
    """What `think` answers with in `data`."""
    choice, result = step.choice, step.result
    bias = choice.pattern.bias
    total = score(step.fields, bias, threshold)
    mode, reason = recommended(step.fields, bias, int(str(total["total"])), threshold)
    shown: Json = {
        "pattern": choice.pattern.name,
        "technique": choice.technique.name if choice.technique else None,
        "session_id": session_id,
        "step": step.session.steps if step.session else None,
        "status": step.status,
        "mode": "solo",
        "recommended_mode": {"mode": mode, "reason": reason},
        "summary": result.summary,
        "gate": _gate(step),
        "advisor": step.advice,
        "complexity": total,
        "data": dump(result.data),
        "text_analysis": analyse(" ".join(_texts(step.fields))),
        "suggested_next": _following(step),
        "consensus": None,
        "warnings": list(result.warnings),
        "metadata": {"mapped_fields": list(step.mapped)},
    }
    if step.status != "ok":
        shown["needs"] = _needs(step)
    return shown


def _gate(step: Step) -> Json:
    missing = [*step.result.missing, *step.result.gate]
    if step.result.blocked:
        missing = [step.result.blocked.message]
    return {
        "status": "incomplete" if missing else "complete",
        "reason": "; ".join(missing) if missing else "nothing is left to do",
        "missing": missing,
    }


def _texts(fields: Mapping[str, object]) -> list[str]:
    return [each for each in fields.values() if isinstance(each, str)]


def _following(step: Step) -> Json | None:
    following = step.result.following
    if following is None:
        return None
    return {
        "pattern": following.pattern,
        "reason": following.reason,
        "arguments": {"pattern": following.pattern, "input": dump(dict(following.fields))},
    }


def _needs(step: Step) -> Json:
    """The fields that are missing with what they take, and everything else the pattern takes."""
    properties = schema_for(step.choice)["properties"]
    assert isinstance(properties, dict)
    wanted = [name for name in step.result.missing if name in properties]
    return {
        "fields": {name: properties[name] for name in wanted},
        "optional": {
            name: each.get("description", "")
            for name, each in properties.items()
            if name not in wanted
        },
    }
