"""Speeches: what counts as a quote, as a concession, and what a judge gets to see."""

import pytest
from hypothesis import given, strategies as st

from aimux.model import Evidence, Verified
from aimux.rules.talk import Speech, Struck, is_quoted, judge_copy, phases_of, read_speech

SAID = "A write on another **host** leaves the total\nstale, says `orders.py`. We don\u2019t mind."


@pytest.mark.parametrize(
    ("quote", "expected"),
    [
        ("A write on another host leaves the total stale", True),
        ('"a WRITE on  another host leaves"', True),
        ("says orders.py. We don't mind", True),
        ("A write on another … the total stale", True),
        ("the total stale ... A write on another", False),
        ("A write on another host loses the total", False),
        ("A write", False),
        ("", False),
        ("...", False),
    ],
)
def test_a_quote_stands_in_what_was_said(quote: str, expected: bool) -> None:
    """White space, case, marks and omissions aside; a few letters are found by chance."""
    assert is_quoted(quote, ["Something else.", SAID]) is expected


@given(st.text(), st.integers(0, 50), st.integers(12, 80))
def test_what_is_copied_is_found_or_too_short(text: str, start: int, size: int) -> None:
    """A copied piece never is struck for the way it is folded."""
    piece = text[start : start + size]
    words = " ".join(piece.split(" ")[1:-1])

    if "." * 3 not in words and "…" not in words and len("".join(words.split())) > 40:
        assert is_quoted(words, [text])


@pytest.mark.parametrize(
    ("turns", "expected"),
    [(0, 1), (2, 1), (3, 1), (4, 2), (6, 3), (7, 3), (10, 5)],
)
def test_both_sides_have_the_same_turns(turns: int, expected: int) -> None:
    """An odd turn goes to nobody; an opening there always is."""
    phases = phases_of(turns)

    assert len(phases) == expected
    assert phases[0] == "opening"
    assert phases[-1] == ("closing" if expected > 2 else ["opening", "rebuttal"][expected - 1])


def spoken(text: str, **more: object) -> Speech:
    """A rebuttal in JSON against `SAID`."""
    return read_speech("pro", "rebuttal", 3, {"text": text, **more}, "", [SAID])


def checked(speech: Speech, *false: int) -> Speech:
    """The speech with its places found, but for those of these numbers."""
    return speech.with_evidence(
        [
            Evidence(
                path=place.path,
                line=place.line,
                quote=place.quote,
                verified=Verified.NO if number in false else Verified.QUOTE,
                why="not there" if number in false else "",
            )
            for number, place in enumerate(speech.places)
        ]
    )


def test_only_what_is_not_there_is_struck() -> None:
    """Of two sentences that name one line, the one whose quote is not there."""
    text = "See a.py:1 `total = sum(orders)`. And a.py:1 `for each in orders`. Both are slow."
    copy, struck = judge_copy(checked(spoken(text), 1))

    assert copy == "See a.py:1 `total = sum(orders)`. [struck: not found] Both are slow."
    assert struck == [Struck(seat="pro", text="And a.py:1 `for each in orders`.", why="not there")]


def test_a_list_keeps_its_form() -> None:
    """An item that is struck stays an item."""
    copy, _ = judge_copy(checked(spoken("Why:\n\n- it is slow\n- a.py:9 says so\n\nDone."), 0))

    assert copy == "Why:\n\n- it is slow\n- [struck: not found]\n\nDone."


def test_a_fence_goes_with_its_quote() -> None:
    """And with the line that says where it is from."""
    text = "It stands in a.py:4:\n\n```python\ntotal = sum(orders.values())\n```\n\nIt is slow."
    speech = spoken(text)
    copy, struck = judge_copy(checked(speech, *range(len(speech.places))))

    assert "sum(orders" not in copy
    assert copy.endswith("It is slow.")
    assert struck


def test_an_attack_on_what_nobody_said_goes_with_its_reply() -> None:
    """Told once, although the text has it too."""
    invented = "Caches are always wrong, whatever you do."
    attacks = [
        {"quote": invented, "reply": "They are not at all."},
        {"quote": "leaves the total stale", "reply": "Not for long."},
    ]
    speech = checked(spoken(f'They say: "{invented}" Well.', attacks=attacks))
    copy, struck = judge_copy(speech)

    assert "They are not at all." not in copy
    assert invented not in copy
    assert "> leaves the total stale\n\nNot for long." in copy
    assert [each.text for each in struck] == [invented]


def test_listed_evidence_is_shown_where_it_was_found() -> None:
    """What was not is struck with the reason."""
    cited = [{"path": "a.py", "line": 1, "quote": "one"}, {"path": "b.py"}]
    copy, struck = judge_copy(checked(spoken("It is slow.", evidence=cited), 1))

    assert copy == "It is slow.\n\nEvidence: a.py:1 one"
    assert struck == [Struck(seat="pro", text="b.py:?", why="not there")]


def test_a_concession_keeps_its_own_evidence() -> None:
    """Places are listed first, conceded next, told last."""
    conceded = [{"fact": "The cron table reads it once.", "evidence": [{"path": "cron"}]}]
    speech = spoken("See a.py:1.", evidence=[{"path": "b.py"}], concessions=conceded)

    assert [place.path for place in speech.places] == ["b.py", "cron", "a.py"]
    assert [each.path for each in checked(speech).concessions[0].evidence] == ["cron"]


@pytest.mark.parametrize("fact", ["", "You are right.", "Fine, I agree."])
def test_a_courtesy_is_no_concession(fact: str) -> None:
    """It names no fact."""
    speech = spoken("So.", concessions=[{"fact": fact}, "nothing"])

    assert speech.concessions == []
    assert speech.vague == 1


def test_prose_attacks_what_it_quotes() -> None:
    """Lines behind `>` that follow each other are one quote; an opening attacks nobody."""
    text = "No.\n\n> A write on another\n> host leaves the total\n\nNot so.\n> something else here"
    rebuttal = read_speech("con", "rebuttal", 4, None, text, [SAID])
    opening = read_speech("con", "opening", 2, None, text)

    assert [each.is_found for each in rebuttal.attacks] == [True, False]
    assert rebuttal.is_prose
    assert opening.attacks == []
    assert rebuttal.body == rebuttal.text
