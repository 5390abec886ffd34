"""Patterns over tokens, word by word."""

import pytest

from aimux.rules.audit import RuleFault
from aimux.rules.audit._lex_braces import lex_braces
from aimux.rules.audit._lex_shell import lex_shell
from aimux.rules.audit._patterns import Pattern, Steps, TooDense
from aimux.rules.audit._tokens import Stream


def found(pattern: str, text: str, language: str = "javascript") -> list[str]:
    """What a pattern matches in a text."""
    lexed = lex_shell(text) if language == "shell" else lex_braces(text, language)
    stream = Stream(lexed.streams[0], language)
    matches = Pattern.of(pattern).find(stream, Steps())
    return [" ".join(t.text for t in stream.tokens[m.start : m.end]) for m in matches]


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("eval (", "eval(x); a.eval (y); evaluate(z)", ["eval (", "eval ("]),
        ("a|b =", "a = 1; b = 2; c = 3", ["a =", "b ="]),
        ("==|!= c", "a == c != c", ["== c", "!= c"]),
        ("|| b", "a || b | b", ["|| b"]),
        ("= _ ;", "a = 1; b = f(); c = 2;", ["= 1 ;", "= 2 ;"]),
        ("= \\_ ;", "a = _; b = 1;", ["= _ ;"]),
        ("= NUMBER", "a = 1; b = c", ["= 1"]),
        ("= STRING", "a = 'x'; b = `y`; c = `${z}`; d = 1", ["= 'x'", "= `y`"]),
        ("= BUILT", "a = 'x'; b = `y`; c = `${z}`", ["= `${z}`"]),
        ("= LITERAL", "a = 'x'; b = /y/; c = 1; d = e", ["= 'x'", "= /y/", "= 1"]),
        ("= REGEX", "a = 'x'; b = /y/", ["= /y/"]),
        ("= WORD", "a = 'x'; b = c", ["= c"]),
        ("/.*token/ =", "accessToken = 1; tokens = 2; 'token' = 3", ["accessToken ="]),
        ('"^select\\b.*x"', "'Select a\\nx'; `SELECT\nx`; 'selected x'; select", [
            "'Select a\\nx'", "`SELECT\nx`",
        ]),
        ("$a === $a", "x === x; x === y; x.y === y", ["x === x", "y === y"]),
        ("!. exec (", "exec(a); b.exec(c); (exec(d))", ["( exec ("]),
        ("!a|b =", "a = 1; b = 1; c = 1", ["c ="]),
        ("f ( a? )", "f(); f(a); f(b)", ["f ( )", "f ( a )"]),
        ("new? F", "new F; F", ["new F", "F", "F"]),
        ("f ( ... c )", "f(a, (b), c); f(a, (c)); f(d); c )", ["f ( a , ( b ) , c )"]),
        ("f ( {...} c", "f(a, (b, [c])); f(d) + c", ["f ( a , ( b , [ c"]),
        ("f {...} c", "f({ a; b; c })", ["f ( { a ; b ; c"]),
        ("^ a", "a; b.a; { a } if (x) a; else a; (a)", ["a", "a", "a", "a"]),
        ("a $", "a; b(a); a.b; { a } a", ["a", "a", "a"]),
        ("... a", "b a; a", ["b a", "a", "a"]),
    ],
)  # fmt: skip
def test_a_pattern_matches(pattern: str, text: str, matches: list[str]) -> None:
    """Each kind of word."""
    assert found(pattern, text) == matches


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("rm ... BARE", 'rm -f "$a"; rm $b | c $d', ["rm $b"]),
        ("curl ... | sh", "curl x | sh; curl y && z | sh", ["curl x | sh"]),
        ("^ cd", "cd a; b && cd c | cd d; e cd", ["cd", "cd", "cd"]),
        ("a $", "a & a ) a; a b; a", ["a", "a", "a", "a"]),
        ("/-\\w*k/", "curl -sk x -k", ["-sk", "-k"]),
    ],
)
def test_a_pattern_matches_in_a_shell(pattern: str, text: str, matches: list[str]) -> None:
    """Statements end at more marks, words are any text."""
    assert found(pattern, text, "shell") == matches


def test_nothing_matches_in_strings_and_comments() -> None:
    """They are one token, or none."""
    assert found("eval (", "'eval(x)'; /* eval(y) */ `eval(z)` // eval(a)\n; /eval(b)/") == []


@pytest.mark.parametrize(
    "text", ["", " ", "a " * 61, "/[/", '"["', "!...", "!^", "/" + "a" * 2001 + "/"]
)
def test_a_pattern_that_is_none_is_refused(text: str) -> None:
    """With the key that it stands under."""
    with pytest.raises(RuleFault) as caught:
        Pattern.of(text)

    assert caught.value.key == "tokens"


def test_a_pattern_gives_up_when_a_file_is_too_dense() -> None:
    """Steps are counted over all rules of a file."""
    stream = Stream(lex_braces("a ( " * 2_000, "javascript").streams[0], "javascript")

    with pytest.raises(TooDense):
        list(Pattern.of("a {...} a {...} a {...} b").find(stream, Steps(left=100_000)))
