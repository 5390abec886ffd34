"""What follows a job of several seats: a closer look at who differs, or the question once more.

Questions are the caller's own and are repeated only whole; what seats said is never a prompt.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from ._calls import call

Json = Mapping[str, object]
Calls = list[dict[str, object]]

MAX_CHARS: Final = 4_000  # of a question that is repeated in a call
TOPIC_CHARS: Final = 2_000  # of a debate's topic in a call that follows it
DEEPER: Final = {"quick": "standard", "standard": "deep"}  # modes of an audit


def after_seats(payload: Json, data: Json, tool: str, cwd: str) -> Calls:
    """Calls that a result of `tool` leads to; none for tools without seats."""
    match tool:
        case "consensus":
            return _after_consensus(payload, data, cwd)
        case "debate":
            return _after_debate(payload, data)
        case "audit":
            return _after_audit(payload, data)
        case "workflow":
            return _after_workflow(data)
        case _:
            return []


def _after_consensus(payload: Json, data: Json, cwd: str) -> Calls:
    seats = _rows(data.get("seats"))
    heard = [
        str(each.get("asked") or each["cli"]) for each in seats if each.get("status") == "answered"
    ]
    question = data.get("question")
    again: dict[str, object] = {"prompt": question} | ({"cwd": cwd} if cwd else {})
    is_short = isinstance(question, str) and len(question) <= MAX_CHARS
    if payload["status"] == "failed":
        step = call("consensus", "other CLIs are ready, and may choose themselves", **again)
        return [step] if is_short else []
    following: Calls = []
    if not is_short or len(heard) < 2:
        return _own_words(payload, data)
    again |= {"clis": heard}
    error = payload.get("error")
    if isinstance(error, Mapping) and error.get("code") == "synthesis_lost":
        when = "a text that puts the answers together is still wanted"
        return [*_own_words(payload, data), call("consensus", when, **again, synthesize=True)]
    if payload["status"] == "partial":
        when = "those who answered are enough, and an untroubled count is wanted"
        following.append(call("consensus", when, **again))
    elif len(_rows(_part(data, "tally").get("groups"))) > 1 and data.get("blinded"):
        when = "they may come closer once each has seen the others' reasons"
        following.append(call("consensus", when, **again, blinded=False))
    elif data.get("synthesis") is None:
        when = "one text that puts the answers together is wanted"
        following.append(call("consensus", when, **again, synthesize=True))
    return [*_own_words(payload, data), *following]


def _own_words(payload: Json, data: Json) -> Calls:
    """The turn of who stands against the most, else the first that was answered."""
    minority = [seat for each in _rows(data.get("minority")) for seat in _texts(each.get("seats"))]
    turns = {
        str(each["seat"]): each["turn"]
        for each in _rows(payload.get("turns"))
        if each.get("status") == "completed"
    }
    differing = next((seat for seat in minority if seat in turns), None)
    if differing is not None:
        when = "the words of who does not hold what most hold are wanted"
        return [call("status", when, job_id=payload["job_id"], turn=turns[differing])]
    first = next(iter(turns.values()), None)
    if first is None:
        return []
    when = "the words of one member are wanted"
    return [call("status", when, job_id=payload["job_id"], turn=first)]


def _after_debate(payload: Json, data: Json) -> Calls:
    """A plan, or a look at what was said.

    The plan is asked for in the caller's own words: what a judge recommends is no prompt.
    """
    topic = data.get("topic")
    if payload["status"] != "completed" or not isinstance(topic, str):
        return []
    plan = f"Write a plan that follows from settling this: {topic[:TOPIC_CHARS]}"
    return [
        call("dialog", "it is settled, and to be carried out", prompt=plan),
        call("status", "the words of one side are wanted", job_id=payload["job_id"], turn=1),
    ]


def _after_audit(payload: Json, data: Json) -> Calls:
    scope = _part(data, "scope")
    path = scope.get("path")
    if not isinstance(path, str) or not path:
        return []
    same = {"path": path} | {
        name: scope[name] for name in ("focus", "changed_since") if isinstance(scope.get(name), str)
    }
    mode = str(scope.get("mode"))
    if payload["status"] != "completed":
        return [call("audit", "what failed is to be tried again", **same, mode=mode)]
    if mode in DEEPER:
        return [call("audit", "what was found is to be tried harder", **same, mode=DEEPER[mode])]
    return []


def _after_workflow(data: Json) -> Calls:
    """A look at the job of each step that failed, else of the last one."""
    steps = [each for each in _rows(data.get("steps")) if isinstance(each.get("job_id"), str)]
    failed = [each for each in steps if each.get("status") == "failed"]
    return [
        call("status", f"it is to be seen what became of step {each['id']}", job_id=each["job_id"])
        for each in (failed or steps[-1:])
    ]


def _rows(value: object) -> list[Json]:
    found = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
    return [each for each in found if isinstance(each, Mapping)]


def _texts(value: object) -> list[str]:
    found = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
    return [str(each) for each in found]


def _part(data: Json, key: str) -> Json:
    found = data.get(key)
    return found if isinstance(found, Mapping) else {}
