"""Directives and the small review, seen from outside."""

import json

from ._theatre import Case, Theatre

BAD = """\
import os
import sys


def load(path, cache=[], list=None):
    try:
        with open(path) as file:
            text = file.read()
    except:
        return None
    if text == None:  # TODO say why
        return eval(text)
    return sys.intern(text)
"""


async def say(theatre: Theatre, *prompts: str) -> list[str]:
    results = await theatre.all(Case(words=("crush", "run", "-q", "--", one)) for one in prompts)
    assert {done.code for done in results} == {0}
    return [done.text.removesuffix("\n") for done in results]


async def test_directives_answer(theatre: Theatre) -> None:
    """Each alone and two together."""
    said, as_json, parts, both, plain = await say(
        theatre,
        "[[say 1234]]",
        'x [[json {"a": [[1]], "b": "]]"}]] y',
        "[[parts A|B|C]]",
        "[[say 3]] [[recall]]",
        "tell me " + "m" * 300,
    )

    assert (len(said), said[-1]) == (1234, ".")
    assert json.loads(as_json) == {"a": [[1]], "b": "]]"}
    assert parts == "A\n\nB\n\nC"
    assert both.endswith(".\n[]")
    assert plain == f"Crush (emulated) received: tell me {'m' * 192} (turn 1)"


async def test_review_reports_what_is_there(theatre: Theatre) -> None:
    """Of a named file, with lines; a clean one has no finding."""
    (theatre.project / "bad.py").write_text(BAD, encoding="utf-8")
    (theatre.project / "good.py").write_text(
        "def twice(number: int) -> int:\n    return 2 * number\n",
        encoding="utf-8",
    )
    bad, good, absent = await say(
        theatre, "Review bad.py please", "please review good.py", "review nothing.py"
    )
    found = {line.partition(": ")[0] for line in bad.split("\n")[1:]}

    assert found == {f"- bad.py:{line}" for line in (1, 5, 7, 9, 11, 12)}
    assert "bad.py:5: mutable default argument" in bad
    assert "bad.py:5: parameter 'list' hides the builtin" in bad
    assert good == "Reviewed good.py: no finding."
    assert absent.startswith("Crush (emulated) received: review nothing.py")


async def test_fenced_code_is_reviewed_without_being_run(theatre: Theatre) -> None:
    """Also when it does not parse."""
    broken, other = await say(
        theatre,
        "what about\n```python\ndef f(:\n    pass\n```\n",
        "and\n```js\n// TODO later\n```\n",
    )

    assert "snippet1:1: syntax error" in broken
    assert "snippet1:1: TODO left in the code" in other


async def test_schema_is_answered_with_an_instance(theatre: Theatre) -> None:
    """Where a CLI takes a JSON Schema, the answer obeys it."""
    schema = {
        "type": "object",
        "properties": {
            "verdict": {"enum": ["yes", "no"]},
            "score": {"type": "integer", "minimum": 3},
            "notes": {"type": "array", "items": {"type": "string"}, "minItems": 2},
            "free": {"type": "string"},
        },
        "required": ["verdict", "score", "notes"],
    }
    (theatre.project / "schema.json").write_text(json.dumps(schema), encoding="utf-8")
    codex, claude = await theatre.all(
        [
            Case(words=("codex", "exec", "--output-schema", "schema.json", "-o", "last", "hi")),
            Case(
                words=(
                    *("claude", "-p", "--output-format", "json"),
                    *("--json-schema", json.dumps(schema), "--", "hi"),
                )
            ),
        ]
    )
    wanted = {"verdict": "yes", "score": 3, "notes": ["text", "text"]}

    assert json.loads(codex.text) == wanted
    assert json.loads((theatre.project / "last").read_text(encoding="utf-8")) == wanted
    assert json.loads(claude.text)["structured_output"] == wanted
