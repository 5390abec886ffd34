"""What people read: short lines, nothing that is no text, and the analysis of a prompt."""

from aimux.think import answer, render
from aimux.think._analysis import analyse, complexity_of
from aimux.think._words import conflict, duplicates, sentences, stem

from .helpers import steps


def test_a_result_is_a_line_and_lists() -> None:
    """The summary first, what is open and what to mind at the end; facts stand in brackets."""
    fields = {
        "decision": "d\x1b[31m",
        "criteria": ["x", "y"],
        "options": [{"name": "A", "scores": {"x": 1, "y": 1, "z": 2}}, {"name": "B\nb"}],
    }
    lines = render(answer(steps("decision_framework", fields))).split("\n")
    seeds = render(answer(steps("decision_framework", {"decision": "Perl or Lisp?"})))

    assert lines[0].startswith("**decision_framework**: A leads with 1")
    assert "- scores for B b" in lines
    assert "Mind:" in lines
    assert all(line.isprintable() for line in lines)
    assert "- Perl (source prompt)" in seeds


def test_long_lists_and_texts_are_cut() -> None:
    """Twelve rows and 300 characters each."""
    nodes = [{"id": str(at), "thought": f"{at} " + "x" * 500} for at in range(40)]
    shown = render(answer(steps("tree_of_thought", {"problem": "p", "nodes": nodes, "beam": 40})))

    assert "- … 28 more" in shown
    assert max(map(len, shown.split("\n"))) <= 310


def test_what_a_text_says_by_its_words() -> None:
    """Names, terms, negations, questions, and what its domain usually has besides."""
    found = analyse('Login with tokens for "Big Shop" without passwords. Should we use OAuth?')

    assert found["entities"] == ["Big", "Big Shop", "Login", "OAuth", "Shop"]
    assert found["negations"] == ["passwords"]
    assert found["questions"] == ["Should we use OAuth?"]
    assert {"subject": "Login", "verb": "includes", "object": "tokens"} in found["relationships"]  # type: ignore[operator]
    gaps = [row["expected"] for row in found["gaps"]]  # type: ignore[attr-defined]
    assert "logout" in gaps
    assert not {"login", "tokens"} & set(gaps)


def test_complexity_counts_sentences_and_conjunctions() -> None:
    """A version number or an abbreviation ends no sentence."""
    assert complexity_of("Use v1.0, e.g. for tests. Then stop.") == "low"
    assert [complexity_of("Abc def. " * count) for count in (2, 3, 6, 11)] == [
        "low",
        "medium",
        "high",
        "epic",
    ]
    assert complexity_of("this and that or those but also these") == "high"


def test_words_with_one_stem_are_one_word() -> None:
    """Endings do not count; a denial and another number are conflicts, another subject is none."""
    assert len({stem(word) for word in ("migrating", "migration", "migrates", "migrate")}) == 1
    assert sentences("One. Two! Three? v2.0 e.g. this") == ["One", "Two", "Three", "v2.0 e.g. this"]
    assert conflict("tests take 5 minutes", "tests take 9 minutes")
    assert conflict("the disk is full", "the disk isn't full")
    assert not conflict("the disk is full", "the moon is not full of cheese")
    assert duplicates(["a b c d e", "x", "a b c d e"]) == [(0, 2)]
