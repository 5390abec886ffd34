"""Which findings are one, which come first, and how many there are of each."""

import pytest
from hypothesis import given, strategies as st

from aimux.model import Evidence, Finding, FindingSeverity, FindingState, Priority
from aimux.rules.audit import counts, merge, prioritise, priority_of

CRITICAL, HIGH, MEDIUM, LOW, INFO = FindingSeverity
CONFIRMED, REFUTED, UNREFUTED, UNVERIFIED, SUPPRESSED = FindingState


def finding(**more: object) -> Finding:
    """A finding with as little as it can do with."""
    values: dict[str, object] = {
        "rule": "python/eval",
        "family": "code-injection",
        "category": "security",
        "severity": HIGH,
        "path": "a.py",
        "line": 3,
        "end_line": 3,
        "title": "A text is run as code",
        "scanners": ("rules",),
    }
    return Finding(**{**values, **more})  # type: ignore[arg-type]  # a test's shorthand


def test_findings_of_one_family_that_share_a_line_are_one_and_keep_their_scanners() -> None:
    """Once each, in the order in which they came."""
    places = [Evidence(path="a.py", line=line) for line in (3, 4)]
    (one,) = merge(
        [
            finding(end_line=5, evidence=(places[0],)),
            finding(line=4, end_line=8, scanners=("codex", "rules"), evidence=tuple(places)),
            finding(line=8, end_line=9, scanners=("claude",), validators=("gemini",)),
        ]
    )

    assert one.scanners == ("rules", "codex", "claude")
    assert one.validators == ("gemini",)
    assert one.evidence == tuple(places)
    assert one.line == 3


@pytest.mark.parametrize(
    "other",
    [
        finding(path="b.py"),
        finding(line=4, end_line=4),
        finding(family="sql-injection"),
        finding(family="", category="errors"),
        finding(state=SUPPRESSED, reason="a constant"),
    ],
    ids=["path", "line", "family", "category", "suppressed"],
)
def test_other_findings_stay_apart(other: Finding) -> None:
    """What a comment suppresses does not hide what somebody else says."""
    assert len(merge([finding(), other])) == 2
    assert len(merge([other, finding()])) == 2


def test_where_nobody_named_a_family_the_category_is_it() -> None:
    """A model's finding and a rule's are one."""
    (one,) = merge([finding(family="", scanners=("codex",)), finding()])

    assert set(one.scanners) == {"codex", "rules"}


def test_the_surest_of_them_stands_then_the_gravest_then_the_certain_one() -> None:
    """It tells state, severity and text; certainty of any is kept."""
    confirmed = finding(state=CONFIRMED, severity=LOW, title="confirmed", scanners=("codex",))
    (one,) = merge([finding(is_certain=True), finding(state=REFUTED, severity=CRITICAL), confirmed])
    (two,) = merge([finding(severity=LOW), finding(severity=CRITICAL, title="worse")])
    (three,) = merge([finding(), finding(title="sure", is_certain=True)])

    assert (one.title, one.state, one.is_certain) == ("confirmed", CONFIRMED, True)
    assert two.title == "worse"
    assert three.title == "sure"


def test_an_id_stands_while_the_code_around_it_moves() -> None:
    """It is made of path, family and quote; the second of the same is numbered."""
    first, second = merge(
        [finding(quote="eval( x)"), finding(line=9, end_line=9, quote="eval( x)")]
    )
    (moved,) = merge([finding(line=30, end_line=30, quote="eval(  x)")])
    (other,) = merge([finding(quote="eval(y)")])
    (bare,) = merge([finding(line=7, end_line=7)])

    assert moved.id == first.id
    assert second.id == f"{first.id}-2"
    assert len({first.id, other.id, bare.id}) == 3


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 4), st.sampled_from("ab")), max_size=12)
)
def test_merging_loses_nobody_and_does_nothing_the_second_time(
    drawn: list[tuple[int, int, str]],
) -> None:
    """Whatever overlaps with what."""
    found = [
        finding(line=line, end_line=line + more, family=family, scanners=(str(number),))
        for number, (line, more, family) in enumerate(drawn)
    ]
    once = merge(found)

    assert {name for each in once for name in each.scanners} == {str(n) for n in range(len(drawn))}
    assert len({each.id for each in once}) == len(once)


TABLE = [
    (CONFIRMED, CRITICAL, 1, False, Priority.P0),
    (CONFIRMED, CRITICAL, 2, True, Priority.P0),
    (CONFIRMED, HIGH, 1, False, Priority.P1),
    (UNREFUTED, CRITICAL, 2, False, Priority.P1),
    (UNREFUTED, CRITICAL, 1, False, Priority.P2),
    (UNREFUTED, HIGH, 2, False, Priority.P2),
    (UNREFUTED, HIGH, 1, False, Priority.P2),
    (CONFIRMED, MEDIUM, 1, False, Priority.P2),
    (UNREFUTED, LOW, 1, True, Priority.P2),
    (CONFIRMED, LOW, 1, True, Priority.P2),
    (UNREFUTED, MEDIUM, 3, False, Priority.P3),
    (CONFIRMED, LOW, 1, False, Priority.P3),
    (UNREFUTED, INFO, 1, False, Priority.P3),
    (REFUTED, CRITICAL, 2, True, None),
    (UNVERIFIED, CRITICAL, 2, True, None),
    (SUPPRESSED, CRITICAL, 2, True, None),
]


@pytest.mark.parametrize(("state", "severity", "finders", "is_certain", "priority"), TABLE)
def test_priority_is_by_state_severity_finders_and_certainty(
    state: FindingState,
    severity: FindingSeverity,
    finders: int,
    is_certain: bool,
    priority: Priority | None,
) -> None:
    """What was refuted, not verified or suppressed has none."""
    one = finding(
        state=state,
        severity=severity,
        is_certain=is_certain,
        scanners=tuple(str(number) for number in range(finders)),
    )

    assert priority_of(one) is priority


def test_what_comes_first_is_listed_first_and_what_is_apart_last() -> None:
    """Then the gravest, then by place."""
    some = [
        finding(state=SUPPRESSED, severity=CRITICAL, title="suppressed"),
        finding(state=REFUTED, severity=LOW, title="refuted"),
        finding(severity=LOW, title="low"),
        finding(severity=MEDIUM, title="medium b", path="b.py"),
        finding(severity=MEDIUM, title="medium a"),
        finding(state=CONFIRMED, severity=CRITICAL, title="grave"),
    ]
    listed = prioritise(some)

    assert [each.title for each in listed] == [
        "grave", "medium a", "medium b", "low", "refuted", "suppressed",
    ]  # fmt: skip
    assert counts(listed) == {
        "P0": 1, "P1": 0, "P2": 0, "P3": 3, "refuted": 1, "unverified": 0, "suppressed": 1,
    }  # fmt: skip
