"""Recorded output of the real CLIs: what each case amounts to, however its bytes are cut."""

import pathlib
import random
from collections.abc import Sequence

import attrs
import orjson
import pytest
from hypothesis import given, settings, strategies as st

from aimux.dialects import DIALECTS, TurnOutput, open_dialect
from aimux.model import Ended, Noise, Said, Stream, Text

from ..extent import examples

CORPUS = pathlib.Path(__file__).parent.parent / "corpus"
CASES = sorted(path.parent for path in CORPUS.glob("*/*/source.txt"))
IDS = [f"{case.parent.name}-{case.name}" for case in CASES]
every_case = pytest.mark.parametrize("case", CASES, ids=IDS)

JUNK = (
    b"a line of noise\n",
    b"\x1b[33mWarning:\x1b[0m something\n",
    b"\n",
    b"    at iX (/chunks/chunk.js:26:46952)\n",
    b'{"level":"warn","msg":"not a record of this CLI"}\n',
    b"\xff\xfe broken bytes { and braces }\n",
)


def source(case: pathlib.Path) -> dict[str, str]:
    """What `source.txt` says."""
    lines = (case / "source.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split(": ", 1) for line in lines)


def raw(case: pathlib.Path) -> dict[Stream, bytes]:
    """The recorded streams."""
    found = {}
    for stream in Stream:
        path = case / f"raw.{stream}"
        found[stream] = path.read_bytes() if path.exists() else b""
    return found


def exit_code(case: pathlib.Path) -> int | None:
    """None for a signal."""
    told = source(case)["exit"]
    return None if told == "signal" else int(told)


def play(
    case: pathlib.Path, pieces: Sequence[tuple[Stream, bytes]]
) -> tuple[list[Said], TurnOutput]:
    """Feed pieces to a fresh dialect."""
    dialect = open_dialect(source(case)["dialect"])
    said: list[Said] = []
    for stream, data in pieces:
        said += dialect.feed(stream, data)
    said += dialect.finish(exit_code(case))
    return said, dialect.output


def whole(case: pathlib.Path) -> tuple[list[Said], TurnOutput]:
    """Play a case uncut, stdout first."""
    return play(case, list(raw(case).items()))


def joined(said: Sequence[Said]) -> list[Said]:
    """Neighbouring text pieces as one: only plain text may come in other pieces."""
    out: list[Said] = []
    for each in said:
        last = out[-1] if out else None
        if isinstance(each, Text) and isinstance(last, Text):
            out[-1] = Text(text=last.text + each.text)
        else:
            out.append(each)
    return out


def cut(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    """`data` in pieces of the given sizes, again and again."""
    pieces = []
    at = 0
    turn = 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        pieces.append(data[at : at + size])
        at += size
        turn += 1
    return pieces


def verdict(output: TurnOutput) -> tuple[bool, str] | None:
    """The end without its message: where only a line explains it, any line may."""
    return None if output.ended is None else (output.ended.is_error, output.ended.reason)


def without_noise(said: Sequence[Said]) -> list[Said]:
    """What a CLI meant to say."""
    return [each for each in said if not isinstance(each, Noise | Ended)]


def _is_shown(field: "attrs.Attribute[object]", value: object) -> bool:
    """No recorded answer is too long, and the others follow from the rest."""
    if field.name in ("is_cut", "is_record_lost"):
        return bool(value)
    return field.name not in ("has_spoken", "is_closed")


def shown(said: Sequence[Said], output: TurnOutput) -> bytes:
    """A case's expectation as it is stored."""
    document = {
        "events": [{"kind": each.kind, **attrs.asdict(each)} for each in said],
        "output": attrs.asdict(output, filter=_is_shown),
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


@every_case
def test_case_reads_as_expected(case: pathlib.Path, request: pytest.FixtureRequest) -> None:
    """Events and reading of a recorded run are what a person found right."""
    got = shown(*whole(case))
    expected = case / "expected.json"
    if request.config.getoption("--update-golden", default=False):
        expected.write_bytes(got)

    assert orjson.loads(got) == orjson.loads(expected.read_bytes())


@every_case
def test_whoever_answered_or_used_a_tool_has_spoken(case: pathlib.Path) -> None:
    """What says that a repeat would do it twice; an error text is not the model's."""
    output = whole(case)[1]

    assert output.has_spoken or not (output.answer or output.steps)


@every_case
@settings(max_examples=examples(2, 6))
@given(sizes=st.lists(st.integers(1, 4000), min_size=1, max_size=8))
def test_chunks_do_not_matter(case: pathlib.Path, sizes: list[int]) -> None:
    """Bytes cut anywhere give the same events in the same order."""
    pieces = [(stream, each) for stream, data in raw(case).items() for each in cut(data, sizes)]

    said, output = play(case, pieces)

    expected, final = whole(case)
    assert output == final
    assert said == expected or joined(said) == joined(expected)


@pytest.mark.requirement("dialect:cut_anywhere")
@every_case
def test_every_byte_may_come_alone(case: pathlib.Path) -> None:
    """One byte at a time is the hardest cut."""
    pieces = [(stream, each) for stream, data in raw(case).items() for each in cut(data, [1])]

    said, output = play(case, pieces)

    expected, final = whole(case)
    assert output == final
    assert joined(said) == joined(expected)


@every_case
def test_terminal_form_reads_the_same(case: pathlib.Path) -> None:
    """Line ends of a terminal, titles and colours around lines change nothing."""
    pieces = [
        (stream, data.replace(b"\r\n", b"\n").replace(b"\n", b"\x1b[0m\r\n\x1b[?25l"))
        for stream, data in raw(case).items()
    ]

    _, output = play(case, pieces)

    assert output == whole(case)[1]


RECORDS = [case for case in CASES if source(case)["dialect"] not in ("aider", "crush", "continue")]


@pytest.mark.parametrize("case", RECORDS, ids=[f"{c.parent.name}-{c.name}" for c in RECORDS])
@settings(max_examples=examples(2, 6))
@given(seed=st.integers(0, 2**32))
def test_junk_between_lines_is_not_an_answer(case: pathlib.Path, seed: int) -> None:
    """Foreign lines between the records of a run become noise and leave answer and end alone."""
    dice = random.Random(seed)
    lines = raw(case)[Stream.STDOUT].splitlines(keepends=True)
    mixed = b"".join(
        part for line in lines for part in (*dice.choices(JUNK, k=dice.randrange(3)), line)
    )

    said, output = play(case, [(Stream.STDOUT, mixed), (Stream.STDERR, raw(case)[Stream.STDERR])])

    expected, final = whole(case)
    assert output.answer == final.answer
    assert verdict(output) == verdict(final)
    assert output.usage == final.usage
    assert output.native_id == final.native_id
    assert without_noise(said) == without_noise(expected)


def test_every_dialect_of_a_cli_has_cases() -> None:
    """A CLI without recorded output would be a guess."""
    recorded = {case.parent.name for case in CASES}

    assert recorded == {*DIALECTS} - {"crush", "json", "jsonl", "text"}


def _numbers_as(text: str, number: str) -> str:
    """A JSON text with every number in it replaced; other text as it is."""

    def walk(value: object) -> object:
        match value:
            case bool():
                return value
            case int() | float():
                return "@number@"
            case dict():
                return {key: walk(each) for key, each in value.items()}
            case list():
                return [walk(each) for each in value]
            case _:
                return value

    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return orjson.dumps(walk(value)).decode().replace('"@number@"', number)


@pytest.mark.parametrize("number", ["1e400", "-7", "9" * 30, "NaN"])
@pytest.mark.parametrize("case", RECORDS, ids=[f"{c.parent.name}-{c.name}" for c in RECORDS])
def test_no_number_costs_an_answer(case: pathlib.Path, number: str) -> None:
    """Figures, times and codes may be anything: text and end stay what they are."""
    text = raw(case)[Stream.STDOUT].decode("utf-8", "replace")
    changed = _numbers_as(text, number)
    if changed == text:
        changed = "\n".join(_numbers_as(line, number) for line in text.split("\n"))

    _, output = play(
        case, [(Stream.STDOUT, changed.encode()), (Stream.STDERR, raw(case)[Stream.STDERR])]
    )

    expected = whole(case)[1]
    assert output.answer == expected.answer
    assert (output.ended is None) == (expected.ended is None)
    if output.ended is not None and expected.ended is not None:
        assert output.ended.is_error == expected.ended.is_error
