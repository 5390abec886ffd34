"""Where an investigation stands and what can be done next: the envelope of `investigate`.

`next` holds calls that are whole. What has to be found first is no call: the branch `self` names
the fields that are to be filled in.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from ._calls import LONG_POLL_S, Guidance, Json, call, guidance

Envelope = dict[str, object]

STOP: Final = (
    "convergence 1.00 over two iterations with something said, coverage of at least 80 %, verified "
    "findings, and no open conflict"
)
HOW: Final = (
    "A notebook with a judge: you (or auto, by running CLIs) look into each area and record what "
    "was found with its source; assess says what is missing and whether it has settled; report "
    "writes it down."
)
NO_BACKGROUND: Final = "do not wait for findings: only action=auto runs anybody"
NOT_DONE: Final = "do not take the start for an answer: nothing was looked at yet"
NOT_UNSEEN: Final = "do not record what nobody has seen: a place that is not there counts nothing"
_RUNS: Final[Mapping[str, str]] = {
    "queued": "delegate_running",
    "running": "delegate_running",
    "completed": "delegate_completed",
    "partial": "delegate_completed",
    "cancelled": "delegate_cancelled",
}  # every other end is a failure


def _call(action: str, when: str, **arguments: object) -> Envelope:
    return call("investigate", when, action=action, **arguments)


def _in_writing(facts: Json) -> Envelope:
    """The report, with the file it is kept in."""
    where = {"cwd": facts["cwd"]} if facts.get("cwd") else {}
    return _call("report", "you want it in writing", session_id=facts["session_id"], **where)


def guide_investigation(facts: Json) -> Envelope:
    """The envelope around a result: every key but `result` itself.

    `facts` are `action`, `session_id`, `iteration`, `findings`, `areas`, `unchecked`,
    `convergence`, `coverage`, and, where they are known, `cwd`, `verdict`, `next_area`, `method`,
    `report_state`, `gaps`, `job_id`, `job_status`, `think` (a call).
    """
    match facts["action"]:
        case "list" | "recall":
            return _looked_up(facts)
        case "report":
            return _reported(facts)
        case "auto":
            return _delegated(facts)
        case _:
            return _gathering(facts)


def _texts(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, Sequence) else []


def _envelope(
    facts: Json,
    state: str,
    following: Sequence[Envelope],
    *,
    paths: Mapping[str, Envelope],
    do_not: Sequence[str],
    evidence_gaps: Sequence[str] = (),
) -> Envelope:
    areas = _texts(facts.get("unchecked"))
    shown: Envelope = {
        "state": state,
        "you_are_here": _here(facts),
        "coverage_gaps": areas,
        "choose_your_path": dict(paths),
        "do_not": list(do_not),
    }
    if facts["action"] == "start":
        shown["how_this_tool_works"] = HOW
    if evidence_gaps:
        shown["evidence_gaps"] = list(evidence_gaps)
    shown["gaps"] = list(dict.fromkeys([*areas, *evidence_gaps]))
    shown["stop_conditions"] = STOP
    shown["guidance"] = {"state": state, "next": list(following), "do_not": list(do_not)}
    return shown


def _here(facts: Json) -> str:
    areas, unchecked = _texts(facts.get("areas")), _texts(facts.get("unchecked"))
    found = facts.get("findings", 0)
    said = (
        f"iteration {facts.get('iteration', 0)}, {found} finding{'' if found == 1 else 's'}, "
        f"{len(areas) - len(unchecked)} of {len(areas)} areas looked at"
    )
    convergence = facts.get("convergence")
    if isinstance(convergence, int | float):
        said += f", convergence {convergence:.2f}"
    if facts.get("verdict"):
        said += f": {facts['verdict']}"
    return said


def _self(facts: Json) -> Envelope:
    """What the caller does itself: look into the next area, and say what is there.

    The call that records it is an example, in words of nobody: `fill_in` are those that it needs.
    What can be sent before says where to look.
    """
    area = str(facts.get("next_area") or "")
    arguments: Envelope = {"action": "finding", "session_id": facts["session_id"]}
    arguments |= {"coverage_area": area} if area else {}
    example = {
        **arguments,
        "description": "<what is so, in one sentence>",
        "source": "<path/to/file.py:12, a command or a URL>",
        "severity": "P2",
        "confidence": "INFERRED",
    }
    return {
        "when": f"you can look yourself{f', next at {area}' if area else ''}",
        "how": str(facts.get("method") or "read and run the thing itself"),
        "next_call": _before_looking(facts),
        "fill_in": ["description", "source", "severity", "confidence"],
        "example": {"tool": "investigate", "arguments": example},
        "then": "note what was looked at in vain (action=note), then assess",
    }


def _before_looking(facts: Json) -> Envelope:
    """The call of the angle, else what is missing most, else what there is."""
    think = facts.get("think")
    if isinstance(think, dict):
        return {key: think[key] for key in ("tool", "arguments")}
    action = "status" if facts["action"] == "assess" else "assess"
    arguments = {"action": action, "session_id": facts["session_id"]}
    return {"tool": "investigate", "arguments": arguments}


def _auto(facts: Json) -> Envelope:
    return _call("auto", "CLIs shall look into the gaps", session_id=facts["session_id"])


def _gathering(facts: Json) -> Envelope:
    session_id, action = facts["session_id"], facts["action"]
    unchecked = _texts(facts.get("unchecked"))
    auto = _auto(facts)
    assess = _call("assess", "everything that was found is recorded", session_id=session_id)
    report = _in_writing(facts)
    status = _call("status", "you want to see what is recorded", session_id=session_id)
    think = facts.get("think")
    angle = [think] if isinstance(think, dict) else []
    may_stop = facts.get("verdict") in {"MAY_STOP", "COMPLETE"}
    paths: dict[str, Envelope] = {"self": _self(facts)}
    paths["delegate"] = {
        "when": "CLIs shall do the looking",
        "next_call": {key: auto[key] for key in ("tool", "arguments")},
        "then": "assess and report come with it",
    }
    paths["hybrid"] = {
        "when": "you look where you can, and leave the rest to CLIs",
        "next_call": {key: auto[key] for key in ("tool", "arguments")},
        "then": "they are asked only for what is still missing",
    }
    if may_stop:
        paths["self"] = {
            "when": "it has settled",
            "next_call": {key: report[key] for key in ("tool", "arguments")},
            "then": "read what to be sceptical of",
        }
        following = [report, *([auto] if unchecked else [status])]
    elif action == "start":
        following = [auto, *angle, status]
    elif action == "assess":
        following = [*angle, auto, report]
    else:
        following = [assess, auto, *([] if unchecked else [report])]
    do_not = [NO_BACKGROUND, NOT_DONE if action == "start" else NOT_UNSEEN]
    return _envelope(facts, "notebook_ready", following, paths=paths, do_not=do_not)


def _reported(facts: Json) -> Envelope:
    session_id, state = facts["session_id"], str(facts["report_state"])
    gaps = _texts(facts.get("gaps"))
    assess = _call("assess", "something was learned since", session_id=session_id)
    auto = _auto(facts)
    listing = _call("list", "you want to see the others of this project")
    following = {
        "report_ready": [listing, _call("status", "you want its findings", session_id=session_id)],
        "report_blocked": [auto, listing],
    }.get(state, [assess, auto])
    path: Envelope = {
        "when": "it is final" if state == "report_ready" else "gaps are to be closed",
        "next_call": {key: following[0][key] for key in ("tool", "arguments")},
        "then": "done" if state == "report_ready" else "assess, then make the report again",
    }
    if state == "report_blocked":
        path = _self(facts)
    do_not = [] if state == "report_ready" else ["do not take this report for a final one"]
    return _envelope(
        facts, state, following, paths={"self": path}, do_not=do_not, evidence_gaps=gaps
    )


def _delegated(facts: Json) -> Envelope:
    session_id, job_id, status = facts["session_id"], facts["job_id"], str(facts["job_status"])
    state = _RUNS.get(status, "delegate_failed")
    report = _in_writing(facts)
    following, do_not = _of_run(state, job_id, session_id, report)
    path: Envelope = {
        "when": f"the job is {status}",
        "next_call": {key: following[0][key] for key in ("tool", "arguments")},
        "then": {
            "delegate_running": "report",
            "delegate_completed": "read it, and doubt it",
        }.get(state, "what was found is kept"),
    }
    return _envelope(facts, state, following, paths={"delegate": path}, do_not=do_not)


def _of_run(
    state: str, job_id: object, session_id: object, report: Envelope
) -> tuple[list[Envelope], list[str]]:
    match state:
        case "delegate_running":
            where = {"job_id": job_id}
            return [
                call("status", "until it ends", **where, wait_seconds=LONG_POLL_S),
                call("sessions", "it shall stop", action="cancel", **where),
            ], ["do not start it again: this job is still at work"]
        case "delegate_completed":
            assess = _call("assess", "you want to know what is missing", session_id=session_id)
            return [report, assess], [NOT_UNSEEN]
    on = _call("auto", "it shall go on", session_id=session_id)
    return [on, report], ["do not take what is there for all there is"]


def guide_run(payload: Json, data: Json, *, cwd: str, question: str) -> Guidance:
    """Guidance for the job of a run, which leads back to its investigation.

    What ended before it said which one that is leads to those that there are.
    """
    job_id, inv = payload["job_id"], data.get("investigation_id")
    state = _RUNS.get(str(payload["status"]), "delegate_failed")
    report = _in_writing({"session_id": inv, "cwd": cwd})
    following, do_not = _of_run(state, job_id, inv, report)
    if not isinstance(inv, str) and state != "delegate_running":
        following = [
            _call("recall", "what was found until then is wanted", question=question),
            call("status", "it is to be seen what it did", job_id=job_id, events_after=0),
        ]
    return guidance(state, following, do_not)


def _looked_up(facts: Json) -> Envelope:
    """What was found is offered; where nothing was, where else to look, or to begin."""
    found = _texts(facts.get("session_ids"))
    question = facts.get("question")
    following = [_call("status", "you want its findings", session_id=each) for each in found[:1]]
    following += [_call("report", "you want all of it", session_id=each) for each in found[:1]]
    action, is_wide = str(facts["action"]), bool(facts.get("all_projects"))
    if not is_wide:
        same = {"question": question} if question else {}
        following.append(_call(action, "other projects too", **same, all_projects=True))
    if question and not found:
        following.append(_call("start", "it is to be found out", question=question))
    return {"guidance": guidance(action, following)}
