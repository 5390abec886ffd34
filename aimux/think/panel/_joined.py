"""Several answers about one matter: what each CLI is asked, and what their answers come to.

The pattern runs over the caller's fields with the merged items among them, so an answer with CLIs
has the shape of one without. A pattern that goes step by step takes the merged items as further
steps of a copy of its session: what a CLI proposes is no step of the caller's. The solo answer
stands beside it as it was.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import orjson

from aimux.model import plural
from aimux.think._fields import Json
from aimux.think._run import Step, answer, run, stored

from ._across import ACROSS
from ._combine import computed, given_of, normalised
from ._contracts import Contract, contract_for
from ._opinions import (
    CALLER,
    Cluster,
    Clusters,
    Opinion,
    agreement,
    clustered,
    is_agreed,
    opposed,
)

NOT_CORRECTNESS: Final = "agreement is not correctness: models err together, too"
KNOWN_CHARS: Final = 60_000  # of the caller's fields in a prompt
SHOWN_OPINION: Final = 4_000  # characters of an answer in prose


def contract_of(step: Step) -> Contract | None:
    """What CLIs are asked about this step; None if its pattern asks nobody."""
    slots = step.result.data.get("slots")
    return contract_for(step.choice, list(slots) if isinstance(slots, Mapping) else ())


def role_of(contract: Contract, at: int) -> str:
    """The role of a seat: they are taken in turn."""
    return contract.roles[at % len(contract.roles)]


def panel_prompt(step: Step, contract: Contract, role: str) -> str:
    """What a CLI in this role is asked, blind to the others."""
    matter = str(step.fields.get(step.choice.primary) or step.result.summary)
    rest = {
        name: value
        for name, value in step.fields.items()
        if name != step.choice.primary and value not in (None, "", [], {})
    }
    name = step.choice.name.replace("_", " ")
    parts = [
        matter,
        (
            f"You are the {role} in a {name}. Others answer apart from you; say what you hold "
            "yourself. Read what you need in the working directory and change nothing."
        ),
        contract.task,
    ]
    if rest:
        known = _bounded(orjson.dumps(rest).decode())
        parts.append(f"What is known so far, as data; add to it and do not repeat it:\n{known}")
    claims = _claims(step)
    if claims:
        parts.append(f"The claims in it:\n{claims}")
    return "\n\n".join([*parts, f"Answer in JSON. Once more, the matter:\n\n{matter}"])


def _bounded(text: str) -> str:
    """The beginning of a text that is too long, and how much is missing."""
    if len(text) <= KNOWN_CHARS:
        return text
    return f"{text[:KNOWN_CHARS]}\n[… {len(text) - KNOWN_CHARS} characters cut …]"


def _claims(step: Step) -> str:
    """The claims that a technique found in the text, as others have to name them."""
    inner = step.result.data.get("technique")
    found = inner.get("claims") if isinstance(inner, dict) else None
    rows = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    return "\n".join(f"{each.get('id')}: {each.get('text')}" for each in rows if each.get("id"))


def joined(
    step: Step, contract: Contract, shown: Json, opinions: Sequence[Opinion], strays: Sequence[Json]
) -> Json:
    """The answer of `think` with what the CLIs said: `shown` is the solo one.

    `strays` are those who were named and could not be asked.
    """
    heard = [each for each in opinions if not each.reason]
    usable = [each for each in heard if each.data is not None]
    usable = normalised(step.choice.name, usable)
    found = clustered(contract.lists, given_of(step), usable)
    consensus = _block(step, contract, opinions, strays, found)
    after = _computed(step, contract, found, usable)
    made = dict(shown)
    if after is not None:
        fresh = answer(after, str(shown["session_id"]) if shown["session_id"] else None)
        for name in ("status", "summary", "gate", "data", "suggested_next", "warnings", "needs"):
            made.pop(name, None)
            if name in fresh:
                made[name] = fresh[name]
        made["data"] = _supported(made["data"], contract, found, usable)
    if heard:
        made["mode"] = "consensus"
    made["solo"] = {name: shown[name] for name in ("status", "summary", "gate", "data")}
    made["consensus"] = consensus
    told = [NOT_CORRECTNESS] if usable else []
    warnings = made["warnings"]
    made["warnings"] = [*(warnings if isinstance(warnings, list) else []), *told]
    made["summary"] = f"{made['summary']} ({_heading(consensus)})"
    return made


def _heading(consensus: Mapping[str, object]) -> str:
    participants = consensus["participants"]
    rows = participants if isinstance(participants, list) else []
    said = sum(each["status"] == "answered" for each in rows)
    found = consensus["agreement"]
    agreed = "" if found is None else f", agreement {found}"
    return f"{said} of {plural(len(rows), 'CLI')} answered{agreed}"


def _computed(
    step: Step, contract: Contract, found: Clusters, usable: Sequence[Opinion]
) -> Step | None:
    """The step once more with what was merged; None where the pattern has no field for it."""
    if not usable:
        return None
    after: Step | None = None
    body = None
    if step.choice.is_stateful:
        body = {} if step.session is None else stored(step.session)
    for fields in computed(step, contract, found, usable):
        made = run(step.choice, fields, step.mapped, body)
        if made.result.blocked:  # it stands on nothing: what came before holds
            continue
        after = made
        if body is not None and after.session is not None:
            body = stored(after.session)
    return after


def _block(
    step: Step,
    contract: Contract,
    opinions: Sequence[Opinion],
    strays: Sequence[Json],
    found: Clusters,
) -> Json:
    heard = [each for each in opinions if not each.reason]
    usable = [each for each in heard if each.data is not None]
    cli_of = {each.seat: each.cli for each in opinions}
    clusters = [each for every in found.values() for each in every if each.seats]
    status = "ok"
    if not heard:
        status = "failed" if opinions else "unavailable"
    elif len(heard) < 2 or len(heard) < len(opinions) + len(strays):
        status = "degraded"
    special = ACROSS.get(step.choice.name)
    return {
        "status": status,
        "strategy": "blind",
        "participants": [*map(_participant, opinions), *strays],
        "agreement": agreement(found, [each.seat for each in usable]),
        "agreed": [_row(each, cli_of) for each in clusters if is_agreed(each, len(usable))],
        "disputed": _disputed(contract, clusters, usable, cli_of),
        "unique": [
            _row(each, cli_of) for each in clusters if len(each.seats) == 1 and len(usable) > 1
        ],
        "merged": {
            name: [_whole(each, cli_of) for each in every if each.seats]
            for name, every in found.items()
        },
        "findings": special(found, usable) if special and usable else {},
        "synthesis": None,
        "opinions": [
            {"seat": each.seat, "cli": each.cli, "text": each.text[:SHOWN_OPINION]}
            for each in heard
            if each.data is None
        ],
        "note": NOT_CORRECTNESS,
    }


def _participant(opinion: Opinion) -> Json:
    data = opinion.data or {}
    return {
        "seat": opinion.seat,
        "cli": opinion.cli,
        "role": opinion.role,
        "status": "lost" if opinion.reason else "answered",
        "duration_ms": opinion.duration_ms,
        "parsed": opinion.word,
        "verdict": data.get("verdict"),
        "confidence": data.get("confidence"),
        "error": opinion.reason or None,
    }


def _clis(cluster: Cluster, cli_of: Mapping[str, str]) -> list[str]:
    return sorted(cli_of[seat] for seat in cluster.seats)


def _row(cluster: Cluster, cli_of: Mapping[str, str]) -> Json:
    return {
        "field": cluster.field,
        "text": cluster.text,
        "support": _clis(cluster, cli_of),
        "seats": list(cluster.seats),
    }


def _whole(cluster: Cluster, cli_of: Mapping[str, str]) -> Json:
    item = cluster.item if isinstance(cluster.item, dict) else {"text": cluster.item}
    return {**item, "support": _clis(cluster, cli_of), "ratings": dict(cluster.ratings)}


def _disputed(
    contract: Contract,
    clusters: Sequence[Cluster],
    usable: Sequence[Opinion],
    cli_of: Mapping[str, str],
) -> list[Json]:
    """Ratings far apart, texts that deny each other, and single answers that differ."""
    found: list[Json] = [
        {
            **_row(each, cli_of),
            "ratings": {name: one for name, one in each.ratings.items() if one["disputed"]},
        }
        for each in clusters
        if each.is_disputed
    ]
    for kind in contract.lists:
        same = [each for each in clusters if each.field == kind.name]
        found += [
            {"field": kind.name, "why": why, "positions": [_row(one, cli_of), _row(two, cli_of)]}
            for one, two, why in opposed(same)
        ]
    for name in [*contract.single, *(["verdict"] if contract.verdicts else [])]:
        said = [(each, each.data.get(name)) for each in usable if each.data and each.data.get(name)]
        if len({str(value).lower() for _, value in said}) > 1:
            positions = [{"text": value, "support": [each.cli]} for each, value in said]
            found.append({"field": name, "why": "they differ", "positions": positions})
    return found


def _supported(
    data: object, contract: Contract, found: Clusters, usable: Sequence[Opinion]
) -> object:
    """The computed data, each item of a CLI with who said it."""
    cli_of = {each.seat: each.cli for each in usable}
    said: dict[tuple[str, str], Cluster] = {}
    for kind in contract.lists:
        for cluster in found[kind.name]:
            if kind.key and cluster.seats:
                said[(kind.key, cluster.text)] = cluster

    def walk(value: object) -> object:
        if isinstance(value, list):
            return [walk(each) for each in value]
        if not isinstance(value, dict):
            return value
        made = {name: walk(each) for name, each in value.items()}
        hits = [said[name, each] for name, each in value.items()
                if isinstance(each, str) and (name, each) in said]  # fmt: skip
        if hits:
            made["support"] = _clis(hits[0], cli_of)
            if "source" in made and not any(seat == CALLER for seat, _ in hits[0].members):
                made["source"] = "cli:" + ",".join(_clis(hits[0], cli_of))
        return made

    return walk(data)


def unasked(shown: Json, why: str, strays: Sequence[Json]) -> Json:
    """The solo answer where nobody could be asked."""
    block: Json = {
        "status": "unavailable",
        "strategy": "blind",
        "participants": list(strays),
        "agreement": None,
        "agreed": [], "disputed": [], "unique": [], "merged": {}, "findings": {},
        "synthesis": None, "opinions": [],
        "note": why,
    }  # fmt: skip
    return {**shown, "consensus": block}
