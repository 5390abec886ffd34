"""What the work of a tool leads to besides what fits every job, and the finer states of it.

Questions are the caller's own and are repeated only whole; what seats said is never a prompt.
What leads on stands before what only looks back.
"""

from typing import Final

from ._calls import Call, Json, call, is_repeatable, part, rows, texts

Calls = list[Call]

TOPIC_CHARS: Final = 2_000  # of a debate's topic in a call that follows it
DEEPER: Final = {"quick": "standard", "standard": "deep"}  # modes of an audit
ENDED_WELL: Final = frozenset({"completed", "partial"})
# the argument that carries the caller's words, of tools that can be called with it alone
WORDS: Final = {"consensus": "prompt", "dialog": "prompt", "debate": "topic",
                "deepresearch": "topic"}  # fmt: skip


def after_seats(
    payload: Json, data: Json, tool: str, *, cwd: str, prompt: str, state: str
) -> tuple[str, Calls]:
    """The state of an ended job of `tool`, and the calls it leads to; none for tools without."""
    match tool:
        case "consensus":
            return _after_consensus(payload, data, cwd, prompt, state)
        case "debate" if payload["status"] in ENDED_WELL:
            return state, _after_debate(payload, data)
        case "audit":
            return state, _after_audit(payload, data)
        case "workflow":
            return state, _after_workflow(payload, data, prompt)
        case "deepresearch" if payload["status"] in ENDED_WELL:
            return _after_research(data, cwd, prompt, state)
        case "agents" if payload["status"] not in ENDED_WELL and is_repeatable(prompt):
            task = {"action": "run", "prompt": prompt} | ({"cwd": cwd} if cwd else {})
            return state, [call("agents", "the task is to be tried again", **task)]
        case "dialog" | "debate" | "deepresearch" if payload["status"] not in ENDED_WELL:
            return state, _again(tool, prompt, cwd)
        case _:
            return state, []


def _again(tool: str, words: str, cwd: str) -> Calls:
    """The same once more, by whoever is ready then; none if the words are too long."""
    if not is_repeatable(words):
        return []
    where = {"cwd": cwd} if cwd else {}
    same: dict[str, object] = {WORDS[tool]: words, **where}
    return [call(tool, "other CLIs are ready, and may choose themselves", **same)]


def _after_consensus(
    payload: Json, data: Json, cwd: str, prompt: str, state: str
) -> tuple[str, Calls]:
    heard = [
        str(each.get("asked") or each["cli"])
        for each in rows(data.get("seats"))
        if each.get("status") == "answered"
    ]
    question = data.get("question", prompt)
    again: dict[str, object] = {"prompt": question} | ({"cwd": cwd} if cwd else {})
    code = part(payload, "error").get("code")
    if payload["status"] not in ENDED_WELL:
        found = "no_quorum" if code == "no_quorum" else state
        return found, _again("consensus", str(question), cwd)
    if not is_repeatable(question) or len(heard) < 2:
        return state, _own_words(payload, data)
    again |= {"clis": heard}
    if code == "synthesis_lost":
        when = "a text that puts the answers together is still wanted"
        step = call("consensus", when, **again, synthesize=True)
        return "synthesis_lost", [step, *_own_words(payload, data)]
    if payload["status"] == "partial":
        when = "those who answered are enough, and an untroubled count is wanted"
        return state, [call("consensus", when, **again), *_own_words(payload, data)]
    following: Calls = []
    if len(rows(part(data, "tally").get("groups"))) > 1 and data.get("blinded"):
        when = "they may come closer once each has seen the others' reasons"
        following.append(call("consensus", when, **again, blinded=False))
    elif data.get("synthesis") is None:
        when = "one text that puts the answers together is wanted"
        following.append(call("consensus", when, **again, synthesize=True))
    return state, [*_own_words(payload, data), *following]


def _own_words(payload: Json, data: Json) -> Calls:
    """The turn of who stands against the most, else the first that was answered."""
    minority = [seat for each in rows(data.get("minority")) for seat in texts(each.get("seats"))]
    turns = {
        str(each["seat"]): each["turn"]
        for each in rows(payload.get("turns"))
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
    if not isinstance(topic, str):
        return []
    words = call("status", "the words of one side are wanted", job_id=payload["job_id"], turn=1)
    if payload["status"] != "completed":
        return [words]
    plan = f"Write a plan that follows from settling this: {topic[:TOPIC_CHARS]}"
    return [call("dialog", "it is settled, and to be carried out", prompt=plan), words]


def _after_audit(payload: Json, data: Json) -> Calls:
    scope = part(data, "scope")
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


def _after_workflow(payload: Json, data: Json, prompt: str) -> Calls:
    """The same steps again where one is missing; a look at each that failed, else at the last.

    Steps are kept as JSON: those that were too long are cut, and cannot be run from what is kept.
    """
    job_id, status = payload["job_id"], payload["status"]
    steps = [each for each in rows(data.get("steps")) if isinstance(each.get("job_id"), str)]
    failed = [each for each in steps if each.get("status") not in ENDED_WELL]
    looks = [
        call("status", f"it is to be seen what became of step {each['id']}", job_id=each["job_id"])
        for each in (failed or steps[-1:])
    ]
    is_short = status != "completed" and (status != "partial" or bool(data.get("resumable_from")))
    if not is_short or not prompt.endswith("}"):
        return looks
    when = "the cause is gone: what is done already is not run again"
    return [call("workflow", when, resume_from=job_id), *looks]


def _after_research(data: Json, cwd: str, prompt: str, state: str) -> tuple[str, Calls]:
    again: dict[str, object] = {"topic": prompt, "force": True} | ({"cwd": cwd} if cwd else {})
    known = is_repeatable(prompt)
    if data.get("cached") is True:
        fresh = call("deepresearch", "it is too old, and a new answer is wanted", **again)
        return "cached", [fresh] if known else []
    if data.get("provider") == "fallback":
        when = "there is a key in the client's environment now, and sources are wanted"
        state = "fallback" if state == "completed" else state
        return state, [call("deepresearch", when, **again)] if known else []
    check = call("investigate", "what it says is to be checked", question=prompt)
    return state, [check] if known else []
