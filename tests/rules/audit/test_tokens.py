"""Tokens of JavaScript, Go and shell: code, comments and strings apart, in bounded time."""

import time

import pytest
from hypothesis import given, strategies as st

from aimux.rules.audit._lex_braces import lex_braces
from aimux.rules.audit._lex_shell import lex_shell
from aimux.rules.audit._tokens import Kind, Lexed, Stream

LANGUAGES = ("javascript", "go", "shell")


def lex(text: str, language: str) -> Lexed:
    """Tokens by language."""
    return lex_shell(text) if language == "shell" else lex_braces(text, language)


def texts(text: str, language: str = "javascript", number: int = 0) -> list[str]:
    """How the tokens of a stream read."""
    return [each.text for each in lex(text, language).streams[number]]


def test_comments_are_kept_apart() -> None:
    """With their lines."""
    lexed = lex_braces("a // one\n/* two\nthree */ b", "go")

    assert [each.text for each in lexed.streams[0]] == ["a", ";", "b"]
    assert [(each.line, each.text) for each in lexed.comments] == [
        (1, "// one"),
        (2, "/* two\nthree */"),
    ]


@pytest.mark.parametrize(
    "text",
    ['"eval(x) // no"', "'it\\'s'", '"a\\\nb"', "`eval(x)`", "`a\nb // c`"],
)
def test_a_string_is_one_token(text: str) -> None:
    """Whatever stands in it."""
    (only,) = lex_braces(text, "javascript").streams[0]

    assert (only.kind, only.text, only.has_values) == (Kind.STRING, text, False)
    assert only.end_line == 1 + text.count("\n")


def test_code_in_a_template_is_a_stream_of_its_own() -> None:
    """Nested ones too, with strings, braces and templates in them."""
    lexed = lex_braces("f(`a ${g({x: `${h(1)}`})} b ${'}'} c`)\nd", "javascript")
    streams = [[each.text for each in stream] for stream in lexed.streams]

    assert streams[0] == ["f", "(", "`a ${g({x: `${h(1)}`})} b ${'}'} c`", ")", ";", "d"]
    assert ["g", "(", "{", "x", ":", "`${h(1)}`", "}", ")"] in streams
    assert ["h", "(", "1", ")"] in streams
    assert ["'}'"] in streams
    assert lexed.streams[0][2].has_values


def test_a_raw_string_of_go_has_no_values() -> None:
    """And no escapes."""
    assert texts("x := `a\\`\ny", "go") == ["x", ":=", "`a\\`", ";", "y"]
    assert not lex_braces("`${x}`", "go").streams[0][0].has_values


def test_a_pattern_is_told_from_a_division() -> None:
    """By what stands before it; a quote in it begins no string."""
    assert texts("x = /[/'\"]+/g.test(y) / 2 / z") == [
        "x", "=", "/[/'\"]+/g", ".", "test", "(", "y", ")", "/", "2", "/", "z",
    ]  # fmt: skip
    assert texts("return /a/")[1] == "/a/"


def test_an_apostrophe_in_the_text_of_a_page_begins_no_string() -> None:
    """A string ends on its line."""
    assert texts("<p>don't</p>\nf('x')")[-4:] == ["f", "(", "'x'", ")"]


@pytest.mark.parametrize(
    ("text", "language", "ends"),
    [
        ("a\nb", "javascript", 1),
        ("a\n.b\n(c)\n[d]", "javascript", 0),
        ("f(a,\nb)", "javascript", 0),
        ("f(() => {\na\nb\n})", "javascript", 2),
        ("return\na", "javascript", 1),
        ("const\na", "javascript", 0),
        ("a\nb", "go", 1),
        ("if x {\n}\n", "go", 0),
        ("return\nx++\ny", "go", 2),
        ("f(\na,\n)", "go", 0),
    ],
)
def test_statements_end_where_lines_do_if_they_can(text: str, language: str, ends: int) -> None:
    """As each language has it, near enough."""
    assert texts(text, language).count(";") == ends


def test_words_of_a_shell_tell_whether_they_are_split() -> None:
    """What stands in single quotes has no value, in double quotes it is not split."""
    tokens = lex_shell(
        """f $a "$b" '$c' "x$(d)y"z ${#e} $((1+2)) \\$g `h` "\\$i" a$'\\n'"""
    ).streams[0]
    told = {each.text: (each.has_values, each.is_bare) for each in tokens}

    assert told == {
        "f": (False, False),
        "$a": (True, True),
        '"$b"': (True, False),
        "'$c'": (False, False),
        '"x$(d)y"z': (True, False),
        "${#e}": (False, False),
        "$((1+2))": (False, False),
        "\\$g": (False, False),
        "`h`": (True, True),
        '"\\$i"': (False, False),
        "a$'\\n'": (False, False),
    }


def test_commands_in_commands_are_streams() -> None:
    """In quotes, in backquotes, in each other."""
    lexed = lex_shell('a "$(b $(c) ")" )" `d\ne`')
    streams = [[each.text for each in stream] for stream in lexed.streams]

    assert streams == [
        ["a", '"$(b $(c) ")" )"', "`d\ne`"],
        ["b", "$(c)", '")"'],
        ["c"],
        ["d", ";", "e"],
    ]
    assert lexed.streams[3][2].line == 2


def test_templates_in_templates_are_read_to_some_depth() -> None:
    """Deeper ones are text."""
    text = "a"
    for _ in range(10):
        text = f"`${{{text}}}`"

    assert len(lex_braces(text, "javascript").streams) == 7


def test_a_function_is_told_from_other_blocks() -> None:
    """By what stands before its brace."""
    text = (
        "function a() { x } b = () => { x }; class C { d(e): F { x } }if (g) { x } h = { x }; { x }"
    )
    stream = Stream(lex_braces(text, "javascript").streams[0], "javascript")
    inside = [stream.function(index) >= 0 for index in stream.where("x", 0, 999)]

    assert inside == [True, True, True, False, False, False]


def test_blocks_of_a_shell_are_brackets() -> None:
    """do and done, then and fi, where a command may stand."""
    text = "f() {\n for x in a; do\n  echo do done\n done\n if y; then z; fi\n}\nw"
    stream = Stream(lex_shell(text).streams[0], "shell")
    (do, *_), (then,), (z,) = (stream.where(each, 0, 99) for each in ("do", "then", "z"))

    assert stream.tokens[stream.partner[do]].line == 4
    assert stream.tokens[stream.partner[then]].text == "fi"
    assert stream.function(z) >= 0
    assert stream.function(len(stream.tokens) - 1) == -1


def test_here_documents_are_gone_over() -> None:
    """One after the other, with tabs where they may stand."""
    text = "cat <<A <<-'B' | f\nrm -rf $x\nA\n\t\ttext\n\tB\nnext # c\n"

    assert texts(text, "shell") == ["cat", "<<", "<<-", "|", "f", ";", "next", ";"]
    assert [each.line for each in lex_shell(text).streams[0]][-2:] == [6, 6]
    assert texts("a << 1\nb", "shell") == ["a", "<<", ";"]


def test_a_value_in_braces_may_hold_others() -> None:
    """`${a#"${b}:"}` is one word."""
    assert texts('test "${a#"${b}:"}" = x', "shell") == ["test", '"${a#"${b}:"}"', "=", "x"]


def test_operators_of_a_shell() -> None:
    """A number before a redirection is part of it; a line goes on after a backslash."""
    assert texts("a 2>&1 >>f && b \\\n c;; d|&e &", "shell") == [
        "a", "2>&", "1", ">>", "f", "&&", "b", "c", ";", "d", "|&", "e", "&",
    ]  # fmt: skip
    assert texts("a#b #c", "shell") == ["a#b"]


@pytest.mark.parametrize(
    ("text", "language"),
    [("`a ${b", "javascript"), ("/* a", "go"), ("`a", "go"), ('"$(a "b', "shell"), ("'a", "shell")],
)
def test_what_does_not_end_ends_with_the_text(text: str, language: str) -> None:
    """It is one token, or one comment."""
    lexed = lex(text, language)

    assert sum(len(each) for each in lexed.streams[:1]) + len(lexed.comments) == 1


@given(
    st.text(alphabet="ab \n\\'\"`${}()[]/*#;<-=|&1.!\t", max_size=60), st.sampled_from(LANGUAGES)
)
def test_any_text_can_be_read(text: str, language: str) -> None:
    """Lines never go back, and brackets find each other."""
    for tokens in lex(text, language).streams:
        stream = Stream(tokens, language)
        lines = [each.line for each in tokens]

        assert lines == sorted(lines)
        assert all(stream.partner[there] == here for here, there in stream.partner.items())
        for index in range(len(tokens)):
            start, end = stream.statement(index)

            assert 0 <= start < end <= len(tokens)
            assert stream.function(index) < len(tokens)


MEGABYTE = 1_048_576


def processor_time(text: str, language: str) -> float:
    """What reading a text costs; a collection of garbage may come in between, so ask twice."""
    start = time.process_time()
    lex(text, language)
    return time.process_time() - start


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("piece", ["`${", "/*", "$(", '"$(', "<<E\n", "(\\"])
def test_marks_without_end_take_bounded_time(piece: str, language: str) -> None:
    """However they are nested or left open: time grows with the length, not with its square."""
    small, large = piece * (MEGABYTE // 128 // len(piece)), piece * (MEGABYTE // 32 // len(piece))
    once, again = (min(processor_time(text, language) for _ in range(2)) for text in (small, large))

    assert again < 16 * once / 2 + 0.5  # four times the text; its square would be 16
