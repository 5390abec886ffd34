"""What becomes of what is said: recorded, merged, corrected, or refused."""

import pytest

from aimux.errors import InvalidArguments, NotFound, PeerFault, Refusal
from aimux.investigate import CheckedPlace, Confidence, Draft, Phase, Severity, add_clearance
from aimux.investigate._state import MAX_FINDINGS, MAX_PLACES

from ._values import BIRTH, FOUND, MISSING, add, added, clear, judged, make


def test_a_finding_is_kept_as_it_was_said() -> None:
    """With its iteration and a running number as its id."""
    state, one = added(make(), "locks are taken twice", severity="P1", area="beta", by="codex")
    state, two = added(judged(state)[0], "parsing copies files")

    assert (one.finding.id, two.finding.id) == ("F-0-1", "F-1-2")
    assert one.finding.description == "locks are taken twice"
    assert (one.finding.severity, one.finding.confidence) == (Severity.P1, Confidence.VERIFIED)
    assert (one.finding.area, one.finding.by, one.finding.claimed) == ("beta", "codex", None)
    assert [each.id for each in state.active] == ["F-0-1", "F-1-2"]


@pytest.mark.parametrize(
    ("places", "expected", "told"),
    [
        ((), "INFERRED", "no place"),
        ((MISSING,), "INFERRED", "a.py:999 does not verify (the file has 20 lines)"),
        ((MISSING, FOUND), "VERIFIED", ""),
    ],
)
def test_verified_needs_a_place_that_verifies(
    places: tuple[CheckedPlace, ...], expected: str, told: str
) -> None:
    """Else it is inferred, and that is told; what it said of itself is kept."""
    _, found = added(make(), places=places)

    assert found.finding.confidence == expected
    assert found.finding.claimed == (None if expected == "VERIFIED" else "VERIFIED")
    assert told in " ".join(found.told)


def test_a_lower_confidence_is_not_raised_by_a_place() -> None:
    """Nobody said that it is verified."""
    _, found = added(make(), confidence="INFERRED")

    assert found.finding.confidence is Confidence.INFERRED


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"severity": "P4"}, "severity"),
        ({"severity": "high"}, "severity"),
        ({"severity": ""}, "severity"),
        ({"confidence": "SURE"}, "confidence"),
        ({"confidence": "verified"}, "confidence"),
        ({"area": "omega"}, "coverage_area"),
        ({"source": "  "}, "source"),
        ({"description": ""}, "description"),
        ({"description": "x" * 2_001}, "description"),
        ({"source": "x" * 501}, "source"),
    ],
)
def test_what_is_out_of_range_is_refused(more: dict[str, str], path: str) -> None:
    """By its name, and nothing is recorded."""
    with pytest.raises(InvalidArguments) as refused:
        added(make(), **{"description": "x", **more})

    assert [each["path"] for each in refused.value.problems] == [path]


def test_the_same_in_other_words_is_the_finding_that_is_there() -> None:
    """It adds nothing, and that is told."""
    before = add(make(), "The cache never evicts entries", area="alpha")
    after, found = added(before, "Entries are never evicted by the cache", area="alpha")

    assert (found.merged, found.finding.id) == (True, "F-0-1")
    assert after is before


def test_a_repetition_brings_a_place_and_raises_what_was_inferred() -> None:
    """A place that is there already, or not there at all, changes nothing."""
    before = add(make(), "locks are taken twice", places=())
    kept, _ = added(before, "locks are taken twice", places=(MISSING,))
    after, found = added(before, "locks are taken twice")

    assert kept is before
    assert found.merged
    assert found.finding.is_verified
    assert after.findings[0].places == (FOUND,)
    assert after.findings[0].claimed is None


def test_a_repetition_does_not_tick_another_area() -> None:
    """One observation is one; where the first had no area it gets one."""
    before = add(make(), "locks are taken twice", area="alpha")
    after, found = added(before, "locks are taken twice", area="beta")
    late, _ = added(add(make(), "locks are taken twice"), "locks are taken twice", area="beta")

    assert after.findings[0].area == "alpha"
    assert "in beta itself" in found.told[0]
    assert late.findings[0].area == "beta"


def test_names_that_differ_make_another_finding() -> None:
    """However alike the rest is."""
    state = add(make(), "the handler retry_loop in orders swallows every error it meets")
    state, found = added(state, "the handler send_loop in orders swallows every error it meets")

    assert not found.merged
    assert len(state.findings) == 2


def test_the_same_with_another_severity_is_kept_as_a_repetition() -> None:
    """It is at odds with the first and says nothing new."""
    state = add(make(), "locks are taken twice", severity="P0")
    state, found = added(state, "locks are taken twice", severity="P3")

    assert (found.merged, found.finding.repeats) == (False, "F-0-1")
    assert len(state.active) == 2


def test_a_correction_takes_the_place_of_the_original() -> None:
    """Both are kept; the original is not active any more."""
    state = add(make(), "locks are taken twice")
    state, found = added(state, "only the writer takes its lock again", corrects="F-0-1")

    assert found.corrected is not None
    assert [each.id for each in state.active] == ["F-0-2"]
    assert (state.findings[0].corrected_by, state.corrections[0].by) == ("F-0-2", "F-0-2")


def test_a_repetition_that_corrects_another_finding_does_correct_it() -> None:
    """Nothing is added, but the correction is not lost."""
    state = add(add(make(), "locks are taken twice"), "sessions outlive their users")
    state, found = added(state, "locks are taken twice", corrects="F-0-2")

    assert (found.merged, len(state.findings)) == (True, 2)
    assert [each.id for each in state.active] == ["F-0-1"]


def test_a_finding_is_corrected_once() -> None:
    """Who corrects it again is told of what stands now."""
    state = add(add(make(), "first words here"), "second thoughts about it", corrects="F-0-1")

    with pytest.raises(PeerFault) as refused:
        added(state, "third version entirely", corrects="F-0-1")

    assert refused.value.code == "finding_already_corrected"
    assert "F-0-2" in (refused.value.hint or "")


@pytest.mark.parametrize("how", ["corrects", "contradicts"])
def test_an_unknown_finding_cannot_be_corrected(how: str) -> None:
    """The ones that are active are named."""
    with pytest.raises(NotFound) as refused:
        added(add(make()), "something else altogether", **{how: "F-9-9"})

    assert refused.value.code == "finding_not_found"
    assert "F-0-1" in (refused.value.hint or "")


def test_who_denies_a_finding_is_told_which() -> None:
    """By its words, or because its source says so."""
    state = add(make(), "The cache is the bottleneck")
    _, said = added(state, "The cache is not the bottleneck")
    _, named = added(state, "the disk is too slow", contradicts="F-0-1")

    assert (said.opposes, named.opposes) == (["F-0-1"], ["F-0-1"])
    assert not said.merged


def test_an_investigation_has_room_for_so_many() -> None:
    """Then it is full."""
    state = make()
    for number in range(MAX_FINDINGS):
        state = add(state, f"case{number} fails")

    with pytest.raises(Refusal, match="200 findings"):
        added(state, "one more of them")


def test_of_many_places_those_that_were_found_are_kept() -> None:
    """So many at most."""
    places = (*[MISSING] * 10, FOUND)
    _, found = added(make(), places=places)

    assert len(found.finding.places) == MAX_PLACES
    assert found.finding.places[0] == FOUND


def test_a_refusal_names_every_field_with_what_it_takes() -> None:
    """All at once, in the message too."""
    with pytest.raises(InvalidArguments) as refused:
        added(make(), " ", source="", severity="P9", confidence="SURE", area="omega")

    assert refused.value.problems == [
        {"path": "description", "value": "", "expected": "what was found"},
        {
            "path": "source",
            "value": "",
            "expected": "how it is known (file:line, command, URL)",
        },
        {"path": "severity", "value": "P9", "expected": "P0, P1, P2 or P3"},
        {
            "path": "confidence",
            "value": "SURE",
            "expected": "VERIFIED, INFERRED, STALE, BLOCKED or UNKNOWN",
        },
        {
            "path": "coverage_area",
            "value": "omega",
            "expected": "one of alpha, beta, gamma, delta, epsilon",
        },
    ]
    assert refused.value.message.startswith(
        "finding refused: description: expected what was found; source: expected how"
    )


def test_what_is_told_of_a_place_and_a_repetition() -> None:
    """Word for word: whoever said it is to know what became of it."""
    gone = CheckedPlace(path="b.py", why="no such file")
    whole = added(make(), places=(gone,))[1].told
    lined = added(make(), places=(MISSING,))[1].told
    unplaced = added(make(), places=())[1].told
    state = add(make(), "locks are taken twice", severity="P0")
    graver = added(state, "locks are taken twice", severity="P3")[1].told
    same = added(state, "locks are taken twice", severity="P0")[1].told

    assert whole == ["b.py does not verify (no such file): taken as INFERRED"]
    assert lined == ["a.py:999 does not verify (the file has 20 lines): taken as INFERRED"]
    assert unplaced == ["no place (file:line, best with a quote) was named: taken as INFERRED"]
    assert graver == ["F-0-1 says the same as P0: correct one of them"]
    assert same == ["F-0-1 says the same: nothing was added"]


def test_what_is_refused_has_its_code_and_the_way_out() -> None:
    """An unknown finding by the name of the field, a corrected one, a full investigation."""
    state = add(make(), "locks are taken twice")
    corrected = add(state, "only the writer takes its lock again", corrects="F-0-1")
    with pytest.raises(NotFound) as unknown:
        added(state, contradicts="F-9-9")
    with pytest.raises(NotFound) as nothing:
        added(make(), corrects="F-9-9")
    with pytest.raises(PeerFault) as again:
        added(corrected, "no", corrects="F-0-1")
    full = make(findings=state.findings * MAX_FINDINGS)
    with pytest.raises(Refusal) as refused:
        added(full, "backups are never restored")

    assert (unknown.value.message, unknown.value.hint) == (
        "contradicts: no finding F-9-9",
        "active: F-0-1",
    )
    assert (nothing.value.message, nothing.value.hint) == (
        "corrects: no finding F-9-9",
        "nothing was found yet",
    )
    assert (again.value.code, again.value.hint) == (
        "finding_already_corrected",
        "correct F-0-2 if that is wrong too",
    )
    assert (refused.value.code, refused.value.retryable, refused.value.hint) == (
        "investigation_full",
        False,
        "make its report and start another one",
    )


def test_a_note_is_kept_as_it_was_said() -> None:
    """With who said it and where it looked; it opens what had settled."""
    said = Draft(
        description=" nothing ", source=" read a.py ", area="alpha", by="codex", places=(FOUND,)
    )
    state, note = add_clearance(make(phase=Phase.SETTLED), said, BIRTH)

    assert (note.id, note.area, note.description, note.source, note.by, note.iteration) == (
        "N-0-1",
        "alpha",
        "nothing",
        "read a.py",
        "codex",
        0,
    )
    assert note.places == (FOUND,)
    assert state.phase is Phase.OPEN


def test_a_repetition_that_corrects_says_what_it_corrected() -> None:
    """The answer has the original, as for any correction."""
    state = add(add(make(), "locks are taken twice"), "backups are never restored")
    _, found = added(state, "locks are taken twice", corrects="F-0-2")

    assert found.merged
    assert found.corrected is not None
    assert found.corrected.id == "F-0-2"


def test_a_note_needs_a_source_and_a_place_that_is_there() -> None:
    """Whoever names places must have been at one of them."""
    bad = Draft(description="nothing", source="a.py:999", area="alpha", places=(MISSING,))
    with pytest.raises(InvalidArguments, match="20 lines"):
        add_clearance(make(), bad, BIRTH)
    with pytest.raises(InvalidArguments, match="source"):
        clear(make(), "alpha", source=" ")
    with pytest.raises(InvalidArguments, match="coverage_area"):
        clear(make(), "omega")

    assert clear(make(), "alpha").clearances[0].id == "N-0-1"


def test_a_repeated_note_is_the_one_that_is_there() -> None:
    """It adds nothing."""
    state = clear(make(), "alpha")

    assert clear(state, "alpha") is state


def test_what_is_learned_opens_what_had_settled() -> None:
    """A repetition does not."""
    state = add(make(phase=Phase.COMPLETE), "locks are taken twice")
    settled = make(phase=Phase.SETTLED, findings=state.findings)

    assert state.phase is Phase.OPEN
    assert added(settled, "locks are taken twice")[0].phase is Phase.SETTLED
