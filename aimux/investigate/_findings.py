"""What is said becomes a finding: checked, compared with what is known, never made up.

Nothing enters an investigation that its caller or a CLI did not say. A claim without a place that
was found is inferred, whatever it says of itself; the same claim in other words is the finding that
is there already, and takes nothing but what it brings of new places, corrections and areas.
"""

import datetime
from collections.abc import Sequence
from typing import Final

import attrs

from aimux.errors import InvalidArguments, NotFound, PeerFault, Refusal

from ._state import (
    MAX_CLEARANCES,
    MAX_FINDINGS,
    MAX_PLACES,
    MAX_QUOTE_CHARS,
    MAX_SOURCE_CHARS,
    MAX_TEXT_CHARS,
    CheckedPlace,
    Clearance,
    Confidence,
    Correction,
    Finding,
    Investigation,
    Move,
    Severity,
    moved,
)
from ._words import contradicts, likeness, says_the_same

DEFAULT_SEVERITY: Final = "P2"
DEFAULT_CONFIDENCE: Final = "INFERRED"


@attrs.frozen(kw_only=True)
class Draft:
    """A finding as it is said, its places checked. Words are still text: they may be wrong."""

    description: str
    source: str
    severity: str = DEFAULT_SEVERITY
    confidence: str = DEFAULT_CONFIDENCE
    area: str = ""
    by: str = ""
    corrects: str = ""
    contradicts: str = ""
    places: Sequence[CheckedPlace] = ()


@attrs.frozen(kw_only=True)
class Added:
    """What became of a draft.

    `merged` says that the finding was there already. `opposes` are active findings that it denies.
    """

    finding: Finding
    merged: bool = False
    corrected: Finding | None = None
    opposes: Sequence[str] = ()
    told: Sequence[str] = ()


def add_finding(
    state: Investigation, draft: Draft, at: datetime.datetime
) -> tuple[Investigation, Added]:
    """The investigation with one more finding, and what became of it.

    Raises:
        InvalidArguments: a severity, confidence or area out of range, an empty or too long text.
        NotFound: the finding to correct or to contradict is not there.
        PeerFault: it was corrected before.
        Refusal: the investigation is full.
    """
    problems = _problems(state, draft)
    if problems:
        said = "; ".join(f"{each['path']}: expected {each['expected']}" for each in problems)
        raise InvalidArguments(f"finding refused: {said}", problems=problems)
    original = _original(state, draft)
    _known(state, draft.contradicts, "contradicts")
    told: list[str] = []
    confidence = _confidence(draft, told)
    same = _same(state, draft, original)
    if same is not None and same.severity == draft.severity:
        return _merged(state, draft, same, original, confidence, told, at)
    if len(state.findings) >= MAX_FINDINGS:
        raise _full(f"{MAX_FINDINGS} findings")
    claimed = Confidence(draft.confidence)
    finding = Finding(
        id=f"F-{state.iteration}-{len(state.findings) + 1}",
        severity=Severity(draft.severity),
        confidence=confidence,
        claimed=claimed if claimed is not confidence else None,
        description=draft.description.strip(),
        source=draft.source.strip(),
        by=draft.by,
        area=draft.area,
        iteration=state.iteration,
        places=_kept(draft.places),
        contradicts=draft.contradicts,
        repeats=same.id if same is not None else "",
    )
    if same is not None:
        told.append(f"{same.id} says the same as {same.severity}: correct one of them")
    opposed = [
        each.id
        for each in state.active
        if each.id not in {draft.corrects, finding.repeats}
        and (each.id == draft.contradicts or contradicts(each.description, finding.description))
    ]
    after = _with_correction(state, draft.corrects, finding.id)
    after = attrs.evolve(after, findings=(*after.findings, finding))
    return moved(after, Move.LEARNED, at), Added(
        finding=finding, corrected=original, opposes=opposed, told=told
    )


def add_clearance(
    state: Investigation, draft: Draft, at: datetime.datetime
) -> tuple[Investigation, Clearance]:
    """The investigation with one more place where somebody looked and found nothing.

    Raises:
        InvalidArguments: no source, an unknown area, a text too long, or no place that it names
            is there.
        Refusal: the investigation is full.
    """
    problems = _problems(state, attrs.evolve(draft, severity="P3", confidence="INFERRED"))
    if draft.places and not any(place.verified for place in draft.places):
        why = draft.places[0].why or "nothing is there"
        problems.append(
            {"path": "source", "value": draft.source, "expected": f"a place that is there ({why})"}
        )
    if problems:
        said = "; ".join(f"{each['path']}: expected {each['expected']}" for each in problems)
        raise InvalidArguments(f"note refused: {said}", problems=problems)
    text = draft.description.strip()
    where = (draft.area, draft.source.strip())
    for each in state.clearances:
        if (each.area, each.source) == where and says_the_same(each.description, text):
            return state, each
    if len(state.clearances) >= MAX_CLEARANCES:
        raise _full(f"{MAX_CLEARANCES} notes")
    clearance = Clearance(
        id=f"N-{state.iteration}-{len(state.clearances) + 1}",
        area=draft.area,
        description=text,
        source=draft.source.strip(),
        by=draft.by,
        iteration=state.iteration,
        places=_kept(draft.places),
    )
    after = attrs.evolve(state, clearances=(*state.clearances, clearance))
    return moved(after, Move.LEARNED, at), clearance


# ------------------------------------------------------------------------------- what is compared


def _same(state: Investigation, draft: Draft, original: Finding | None) -> Finding | None:
    """The active finding that says what the draft says, the most alike one."""
    alike = [
        each
        for each in state.active
        if each is not original and says_the_same(each.description, draft.description)
    ]
    equal = [each for each in alike if each.severity == draft.severity]
    return max(
        equal or alike,
        key=lambda each: likeness(each.description, draft.description),
        default=None,
    )


def _merged(
    state: Investigation,
    draft: Draft,
    same: Finding,
    original: Finding | None,
    confidence: Confidence,
    told: list[str],
    at: datetime.datetime,
) -> tuple[Investigation, Added]:
    """The draft says nothing new, but may bring a place, an area or a correction."""
    known = {(place.path, place.line) for place in same.places}
    fresh = [
        each
        for each in _kept(draft.places)
        if each.verified and (each.path, each.line) not in known
    ]
    finding = same
    if fresh:
        places = (*same.places, *fresh)[:MAX_PLACES]
        is_raised = confidence is Confidence.VERIFIED and not same.is_verified
        finding = attrs.evolve(
            same,
            places=places,
            confidence=confidence if is_raised else same.confidence,
            claimed=None if is_raised else same.claimed,
        )
    if draft.area and draft.area != same.area:
        if not same.area:
            finding = attrs.evolve(finding, area=draft.area)
        else:
            told.append(
                f"{same.id} says this for {same.area}: say what is found in {draft.area} itself"
            )
    told.append(f"{same.id} says the same: nothing was added")
    added = Added(finding=finding, merged=True, corrected=original, told=told)
    if finding == same and original is None:
        return state, added
    findings = tuple(finding if each is same else each for each in state.findings)
    after = attrs.evolve(state, findings=findings)
    return moved(_with_correction(after, draft.corrects, same.id), Move.LEARNED, at), added


def _with_correction(state: Investigation, original: str, by: str) -> Investigation:
    if not original:
        return state
    correction = Correction(original=original, by=by, iteration=state.iteration)
    return attrs.evolve(
        state,
        findings=tuple(
            attrs.evolve(each, corrected_by=by) if each.id == original else each
            for each in state.findings
        ),
        corrections=(*state.corrections, correction),
    )


# -------------------------------------------------------------------------------- what is checked


def _confidence(draft: Draft, told: list[str]) -> Confidence:
    """What a claim is worth: VERIFIED only with a place that was found."""
    claimed = Confidence(draft.confidence)
    if claimed is not Confidence.VERIFIED or any(place.verified for place in draft.places):
        return claimed
    if draft.places:
        first = draft.places[0]
        line = f":{first.line}" if first.line is not None else ""
        told.append(f"{first.path}{line} does not verify ({first.why}): taken as INFERRED")
    else:
        told.append("no place (file:line, best with a quote) was named: taken as INFERRED")
    return Confidence.INFERRED


def _problems(state: Investigation, draft: Draft) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []

    def expect(path: str, value: str, expected: str, *, fits: bool) -> None:
        if not fits:
            found.append({"path": path, "value": value[:80], "expected": expected})

    text, source = draft.description.strip(), draft.source.strip()
    expect("description", text, "what was found", fits=bool(text))
    expect(
        "description",
        text,
        f"at most {MAX_TEXT_CHARS} characters",
        fits=len(text) <= MAX_TEXT_CHARS,
    )
    expect("source", source, "how it is known (file:line, command, URL)", fits=bool(source))
    expect(
        "source",
        source,
        f"at most {MAX_SOURCE_CHARS} characters",
        fits=len(source) <= MAX_SOURCE_CHARS,
    )
    severities, confidences = [*Severity], [*Confidence]
    expect("severity", draft.severity, "P0, P1, P2 or P3", fits=draft.severity in severities)
    expect(
        "confidence",
        draft.confidence,
        " or ".join((", ".join(confidences[:-1]), confidences[-1])),
        fits=draft.confidence in confidences,
    )
    expect(
        "coverage_area",
        draft.area,
        f"one of {', '.join(state.areas)}",
        fits=not draft.area or draft.area in state.areas,
    )
    return found


def _original(state: Investigation, draft: Draft) -> Finding | None:
    original = _known(state, draft.corrects, "corrects")
    if original is not None and original.corrected_by:
        raise PeerFault(
            f"{original.id} was corrected by {original.corrected_by}",
            code="finding_already_corrected",
            hint=f"correct {_latest(state, original).id} if that is wrong too",
        )
    return original


def _latest(state: Investigation, finding: Finding) -> Finding:
    """The end of a chain of corrections."""
    seen = {finding.id}
    while finding.corrected_by and finding.corrected_by not in seen:
        seen.add(finding.corrected_by)
        following = state.find(finding.corrected_by)
        if following is None:
            break
        finding = following
    return finding


def _known(state: Investigation, finding_id: str, path: str) -> Finding | None:
    if not finding_id:
        return None
    found = state.find(finding_id)
    if found is None:
        active = ", ".join(each.id for each in state.active[-8:])
        raise NotFound(
            f"{path}: no finding {finding_id[:80]}",
            code="finding_not_found",
            hint=f"active: {active}" if active else "nothing was found yet",
        )
    return found


def _kept(places: Sequence[CheckedPlace]) -> tuple[CheckedPlace, ...]:
    """The places that are kept: those that were found come first."""
    ranked = sorted(places, key=lambda place: not place.verified)[:MAX_PLACES]
    return tuple(
        attrs.evolve(place, quote=place.quote[:MAX_QUOTE_CHARS], why=place.why[:MAX_QUOTE_CHARS])
        for place in ranked
    )


def _full(what: str) -> Refusal:
    return Refusal(
        f"the investigation has {what}",
        code="investigation_full",
        hint="make its report and start another one",
        retryable=False,
    )
