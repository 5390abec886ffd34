"""Objections, weighed by hand: P0 is 8, P1 is 4, P2 is 2, P3 is 1."""

from typing import Any

import pytest

from aimux.think._base import Following

from ..helpers import Json, data, steps

MOVE = {
    "issue": "We should move because it is cheap. Cats purr. It must be quick.",
    "assumptions": ["rents rise", "rents rise"],
    "objections": [
        {"text": "it costs a year", "targets": "C-1", "severity": "P1", "status": "answered",
         "answer": "half", "kind": "cost"},
        {"text": "nobody asked", "severity": "P0"},
        {"text": "rents fall", "targets": "C-3", "severity": "P3", "status": "answered"},
        {"text": "speed is no need", "targets": "C-2", "status": "conceded", "kind": "opposite"},
        {"text": "nobody asked", "targets": "C-1", "severity": "P2"},
    ],
}  # fmt: skip
KINDS = ("opposite", "cost", "disconfirming", "other_cause")


def shown(name: str, text: str, targets: str = "", severity: str = "P2", **more: Any) -> Json:
    bare = {"answer": "", "kind": None, "status": "open"}
    return {"id": name, "text": text, "targets": targets, "severity": severity, **bare, **more}


def test_a_case_is_told_with_what_is_open() -> None:
    """An answer of no words leaves an objection open; 4 of 17 is answered."""
    result = steps("devils_advocate", MOVE).result
    block: Any = result.data["technique"]
    slots = [(each["claim"], each["kind"]) for each in block.pop("counter_slots")]

    assert block == {
        "claims": [
            {"id": "C-1", "text": "We should move because it is cheap", "isAssumption": False,
             "objections": ["O-1", "O-5"]},
            {"id": "C-2", "text": "It must be quick", "isAssumption": False,
             "objections": ["O-4"]},
            {"id": "C-3", "text": "rents rise", "isAssumption": True, "objections": ["O-3"]},
        ],
        "objections": [
            shown("O-1", "it costs a year", "C-1", "P1", status="answered", answer="half",
                  kind="cost"),
            shown("O-2", "nobody asked", "", "P0"),
            shown("O-3", "rents fall", "C-3", "P3"),
            shown("O-4", "speed is no need", "C-2", status="conceded", kind="opposite"),
            shown("O-5", "nobody asked", "C-1"),
        ],
        "open": ["O-2", "O-3", "O-5"],
        "unaimed": ["O-2"],
        "unopposed": [],
        "repeated": [["O-2", "O-5"]],
        "detectedBiases": [],
        "robustness": 0.2353,
        "verdict": "contested",
    }  # fmt: skip
    assert slots == [
        *[("C-1", each) for each in KINDS if each != "cost"],
        *[("C-2", each) for each in KINDS if each != "opposite"],
        *[("C-3", each) for each in KINDS],
    ]
    assert result.summary == "contested: 5 objections to 3 claims, 3 open"
    assert result.warnings == ["O-3 is called answered, without an answer: it stays open"]
    assert result.gate == ["an answer to O-2: nobody asked"]
    assert result.missing == []
    assert result.following == Following(
        pattern="structured_argumentation",
        reason="map what stands",
        fields={
            "topic": MOVE["issue"],
            "arguments": [
                {"type": "claim", "text": "We should move because it is cheap"},
                {"type": "claim", "text": "It must be quick"},
                {"type": "claim", "text": "rents rise"},
            ],
        },
    )


@pytest.mark.parametrize(
    ("objections", "verdict", "robustness"),
    [
        ([], "insufficient_input", None),
        ([("P0", "open", "")], "contested", 0.0),
        ([("P1", "open", "")], "contested", 0.0),
        ([("P2", "open", ""), ("P3", "open", "")], "survived", 0.0),
        ([("P0", "answered", "so")], "survived", 1.0),
        ([("P0", "answered", "")], "contested", 0.0),
        ([("P0", "conceded", ""), ("P1", "open", "")], "withdrawn", 0.0),
        ([("P1", "conceded", "")], "survived", 0.0),
        ([("P0", "answered", "so"), ("P1", "open", "")], "contested", 0.6667),
    ],
)
def test_only_grave_objections_decide(
    objections: list[tuple[str, str, str]], verdict: str, robustness: float | None
) -> None:
    """P0 and P1 that are open contest a case; a P0 that was conceded takes it back."""
    given = [
        {"text": f"reason {at}", "severity": severity, "status": status, "answer": answer}
        for at, (severity, status, answer) in enumerate(objections)
    ]
    found = data("devils_advocate", issue="We must move", objections=given)

    assert (found["verdict"], found["robustness"]) == (verdict, robustness)


def test_a_case_grows_by_steps() -> None:
    """Claims are added once, an objection with a known id is replaced, others are numbered."""
    before = {"issue": "i", "claims": ["a", "b"], "objections": [{"text": "no", "id": "mine"}]}
    after = {
        "claims": ["b", "c"],
        "objections": [{"text": "never", "id": "O-1"}, {"text": "maybe", "id": "O-2"}],
    }
    result = steps("devils_advocate", before, after).result
    block: Any = result.data["technique"]

    assert [each["text"] for each in block["claims"]] == ["a", "b", "c"]
    assert [(each["id"], each["text"]) for each in block["objections"]] == [
        ("O-1", "never"),
        ("O-2", "maybe"),
    ]
    assert block["unopposed"] == ["C-1", "C-2", "C-3"]
    assert result.following is not None
    assert result.following.fields["topic"] == "i"


def test_an_issue_without_a_claim_is_one() -> None:
    """And it is looked through for biases, whole."""
    found = data("devils_advocate", issue="Obviously fast", claims=["everyone uses it"])
    alone = data("devils_advocate", issue="Cats purr. Dogs bark.")

    assert [each["bias"] for each in found["detectedBiases"]]
    assert [each["text"] for each in alone["claims"]] == ["Cats purr. Dogs bark."]
    assert alone["robustness"] is None


def test_nothing_to_oppose_is_asked_for() -> None:
    """Then for objections."""
    nothing = steps("devils_advocate", {}).result
    bare = steps("devils_advocate", {"issue": "i"}).result

    assert (nothing.missing, nothing.data) == (["issue"], {})
    assert bare.missing == ["objections"]
    assert bare.summary == "insufficient_input: 0 objections to 1 claim, 0 open"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"claims": [f"c {at}" for at in range(500)]}, None),
        ({"claims": [f"c {at}" for at in range(500)], "assumptions": ["a"]}, "session_full"),
        ({"claims": ["c"], "objections": [{"text": "o"}] * 500}, None),
        ({"claims": ["c"], "objections": [{"text": "o"}] * 501}, "session_full"),
        ({"claims": ["c"], "objections": [{"text": "o", "targets": "C-2"}]}, "unknown_claim"),
    ],
)
def test_a_case_has_its_limits(given: Json, code: str | None) -> None:
    """Of claims with assumptions, of objections; each aims at a claim that is there."""
    found = steps("devils_advocate", given).result.blocked

    assert (found.code if found else None) == code
    if code == "unknown_claim":
        assert found is not None
        assert found.fields == {"known": ["C-1"]}
