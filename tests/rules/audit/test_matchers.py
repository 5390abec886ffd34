"""What must hold in and around a match, part by part."""

import pytest

from aimux.rules.audit import RuleFault

from .rulebook import hits, rule, scanned

LOOP = """\
import "x"
func f(token int) {
    a()
    for i := 0; i < 3; i++ {
        if ok {
            a()
        }
        go func() {
            a()
        }()
    }
    b()
}
func g() {
    a()
}
"""


@pytest.mark.parametrize(
    ("condition", "lines"),
    [
        ({}, [3, 6, 9, 15]),
        ({"block_has": ["for"]}, [6]),
        ({"block_lacks": ["for"]}, [3, 9, 15]),
        ({"block_has": ["for $i := 0 ; $i"]}, [6]),
        ({"function_has": ["b ("]}, [3, 6]),
        ({"function_has": ["func f"]}, [3, 6]),
        ({"after_has": ["for"]}, [3]),
        ({"after_lacks": ["b ("]}, [9, 15]),
        ({"header_has": ["token"]}, [3, 6]),
        ({"header_lacks": ["WORD ("]}, []),
        ({"near_has": ["token"]}, [3, 6]),
        ({"file_has": ['"^x$"']}, [3, 6, 9, 15]),
        ({"file_lacks": ['"^x$"']}, []),
        ({"file_lacks": ["c ("], "header_has": ["g"]}, [15]),
    ],
)
def test_a_condition_looks_in_its_part(condition: dict[str, object], lines: list[int]) -> None:
    """Inside the function, around it, anywhere."""
    assert hits(LOOP, "a ( )", language="go", **condition) == lines


def test_a_name_means_the_same_in_conditions() -> None:
    """`$f` of the match is `$f` there."""
    text = "a, err := open(x)\nb, err := open(y)\nb.Close()\n"

    assert hits(text, "$f , err :=", language="go", function_lacks=["$f . Close"]) == [1]


def test_a_body_is_what_the_last_token_opens() -> None:
    """To the bracket that closes it, or the end."""
    text = "try {\n} finally {\n  return a(1);\n}\ntry {} finally {\n  b(2);\n}\nfinally {"

    assert hits(text, "finally {", body_has=["return"]) == [2]
    assert hits(text, "finally {", body_lacks=["return"]) == [5, 8]


def test_a_hit_may_be_where_the_match_ends() -> None:
    """Else it is all of its lines."""
    text = "f(\n  1,\n  g(),\n)"
    whole = scanned(text, rule({"tokens": ["f ( {...} g"]})).findings
    end = scanned(text, rule({"tokens": ["f ( {...} g"], "at_end": True})).findings

    assert [(each.line, each.end_line, each.quote) for each in whole] == [
        (1, 3, "f(\n  1,\n  g(),")
    ]
    assert [(each.line, each.end_line) for each in end] == [(3, 3)]


def test_a_comment_may_be_reason_enough() -> None:
    """Where the rule says so."""
    text = "try { a() } catch (e) {\n  // fine\n}\ntry { a() } catch (e) {\n}"

    assert hits(text, "catch ( ... ) { }", without_comment=True) == [4]
    assert hits(text, "catch ( ... ) { }") == [1, 4]


def test_the_first_line_may_be_asked_for() -> None:
    """Some shells know less than others."""
    sh, bash = "#!/bin/sh\n[ a == b ]\n", "#!/bin/bash\n[ a == b ]\n"
    asked = {"language": "shell", "first_line": r"#!.*/sh\b"}

    assert hits(sh, "==", **asked) == [2]
    assert hits(bash, "==", **asked) == []


@pytest.mark.parametrize(
    ("text", "is_secret"),
    [
        ("api_key = 'a81f2c99d07b'", True),
        ("smtpPassword = 'k3Vq8-winter'", True),
        ("token = 'reset-token'", False),  # no digit
        ("api_key_header = 'x-api-key-2'", False),
        ("password = 'a1'", False),
        ("password = 'changeme123'", False),
        ("password = 'Use 8 letters'", False),
        ("secret = '/run/secrets/1'", False),
        ("secret = 'https://a/12345'", False),
        ("token = 'token-1.json'", False),
        ("token = '$TOKEN_12345'", False),
    ],
)
def test_a_secret_is_told_by_name_and_look(text: str, is_secret: bool) -> None:
    """A header's name, a path, a sentence and a stand-in are none."""
    assert bool(hits(text, "$name = STRING", is_secret=True)) is is_secret


def test_a_shell_sets_secrets_in_one_word() -> None:
    """The name stands before the sign."""
    text = "api_key=a81f2c99d07b\nexport password='k3Vq8-winter'\nkey=a81f2c99d07b\n"

    assert hits(text, "/\\w+=[^$]+/", language="shell", is_secret=True) == [1, 2]


def test_lines_are_found_in_any_text() -> None:
    """Comments and strings too, up to a limit of characters."""
    one = rule({"lines": ["^x", "y$"], "lacks": ["z"]}, "general")
    found = scanned(f"x 1\nz y\n y\nxz\n{' ' * 1000}y\n", one, language="general").findings

    assert [each.line for each in found] == [1, 3]


def test_a_rule_hits_a_line_once_and_a_file_not_without_end() -> None:
    """Two hundred of one rule are enough to know."""
    assert hits("a; a; a\na", "a") == [1, 2]
    assert len(hits("a\n" * 500, "a")) == 200


@pytest.mark.parametrize(
    ("match", "language", "key"),
    [
        ({"tokens": ["a"], "hass": ["b"]}, "go", "hass"),
        ({"tokens": []}, "go", "tokens"),
        ({"has": ["b"]}, "go", "tokens"),
        ({"tokens": [1]}, "go", "tokens"),
        ({"tokens": ["a"], "is_secret": "yes"}, "go", "is_secret"),
        ({"tokens": ["a"], "first_line": 1}, "go", "first_line"),
        ({"tokens": ["a"], "first_line": "("}, "go", "first_line"),
        ({"tokens": ["a"]}, "python", "languages"),
        ({"tokens": ["a"]}, "general", "languages"),
        ({"lines": ["("]}, "general", "lines"),
        ({"lines": []}, "general", "lines"),
        ({"lines": ["a"], "has": ["b"]}, "general", "has"),
        ({"check": "call", "names": ["a"]}, "go", "languages"),
        ({"check": "calls"}, "python", "check"),
        ({"check": "call"}, "python", "names"),
        ({"check": "call", "names": ["a"], "inside": "class"}, "python", "inside"),
        ({"check": "call", "names": ["a"], "argument_is": "odd"}, "python", "argument_is"),
        ({"check": "call", "names": ["a"], "argument": True}, "python", "argument"),
        ({"check": "call", "names": ["a"], "keyword": ["b"]}, "python", "keyword"),
        ({"check": "call", "names": ["a"], "context": "("}, "python", "context"),
        ({"check": "handlers", "is_silent": 1}, "python", "is_silent"),
        ({"check": "handlers", "names": ["a"]}, "python", "names"),
        ({"check": "asserted_tuples", "names": ["a"]}, "python", "names"),
        ({"check": "compared", "to": 1}, "python", "to"),
        ({"check": "compared", "names": "("}, "python", "names"),
        ({"check": "raised", "names": {}}, "python", "names"),
    ],
)
def test_a_matcher_that_cannot_work_is_refused(
    match: dict[str, object], language: str, key: str
) -> None:
    """With the key that is wrong."""
    with pytest.raises(RuleFault) as caught:
        rule(match, language)

    assert caught.value.key == key


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ({"category": "style"}, "category"),
        ({"severity": "bad"}, "severity"),
        ({"languages": ["rust"]}, "languages"),
        ({"match": "eval"}, "match"),
        ({"certain": "yes"}, "certain"),
    ],
)
def test_a_rule_that_cannot_work_is_refused(more: dict[str, object], key: str) -> None:
    """With the key that is wrong."""
    with pytest.raises(RuleFault) as caught:
        rule(**{"match": {"tokens": ["a"]}, **more})  # type: ignore[arg-type]  # that is the point

    assert caught.value.key == key
