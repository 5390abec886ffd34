"""Whatever a CLI prints without end, a reader holds no more of it than its limits say."""

import json
import tracemalloc

import pytest

from aimux.dialects import DIALECTS, MAX_ANSWER_CHARS, open_dialect
from aimux.dialects._lines import MAX_LINE_BYTES
from aimux.model import Ended, Message, Noise, Said, Stream, Text, Warned

OUT, ERR = Stream.STDOUT, Stream.STDERR
CHUNK = b"x" * 65_536


def codes(said: list[Said]) -> list[str]:
    return [each.code for each in said if isinstance(each, Warned)]


def record(**fields: object) -> bytes:
    return json.dumps(fields).encode() + b"\n"


# -------------------------------------------------------------------------------- long lines


@pytest.mark.slow
@pytest.mark.parametrize("name", DIALECTS)
def test_an_endless_line_costs_twice_its_limit_at_most(name: str) -> None:
    """Held once, and copied once when it ends; on both streams at the same time."""
    dialect = open_dialect(name)
    dialect.feed(OUT, b"begin\n")
    tracemalloc.start()
    try:
        for _ in range(3 * MAX_LINE_BYTES // len(CHUNK)):
            dialect.feed(OUT, CHUNK)
            dialect.feed(ERR, CHUNK)
        dialect.feed(OUT, b"\nafter\n")
        dialect.finish(0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 2.5 * MAX_LINE_BYTES


@pytest.mark.parametrize("name", ["codex", "text"])
def test_a_long_line_on_stderr_is_a_short_noise(name: str) -> None:
    """It is cut, and what comes after it is read."""
    dialect = open_dialect(name)
    said = [event for _ in range(20) for event in dialect.feed(ERR, CHUNK)]
    said += dialect.feed(ERR, b"\nshort\n")

    assert codes(said) == ["line_truncated"]
    assert [len(each.line) for each in said if isinstance(each, Noise)] == [2_000, 5]


def test_a_record_that_means_nothing_is_not_kept_whole() -> None:
    """A megabyte of somebody's event is one short line."""
    dialect = open_dialect("codex")
    said = dialect.feed(OUT, record(type="news", text="x" * 3_000_000))

    assert [len(each.line) for each in said if isinstance(each, Noise)] == [2_000]


# ------------------------------------------------------------------------------------- text


def test_what_cannot_change_the_answer_is_not_read() -> None:
    """Text beyond a full answer is dropped, stderr and the end are not."""
    dialect = open_dialect("text")
    said = dialect.feed(OUT, b"x" * MAX_ANSWER_CHARS + b"\nmore\n")
    answer = dialect.output.answer
    assert codes(said) == ["answer_truncated"]
    assert dialect.output.is_cut

    assert dialect.feed(OUT, b"\xff\x1b[1m\n" * 1_000) == []
    assert dialect.feed(ERR, b"oops\n") == [Noise(stream=ERR, line="oops")]
    assert dialect.finish(0) == [Ended(reason="exit")]
    assert dialect.output.answer == answer


def test_a_completion_pattern_is_seen_beyond_a_full_answer() -> None:
    """Then every line is still looked at, until it was found."""
    dialect = open_dialect("text", completion_pattern="^DONE$")
    dialect.feed(OUT, b"x" * (MAX_ANSWER_CHARS + 1) + b"\n")

    assert dialect.feed(OUT, b"more\nDONE\n") == [Ended(reason="completion_pattern")]
    assert dialect.feed(OUT, b"DONE\n") == []


def test_an_answer_that_fits_is_not_cut() -> None:
    """The limit itself is no cut, and a whole message takes back what its pieces were."""
    dialect = open_dialect("text")
    dialect.feed(OUT, b"x" * (MAX_ANSWER_CHARS - 1) + b"\n")
    assert not dialect.output.is_cut

    dialect = open_dialect("claude")
    delta = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "x" * 2**19}}
    said = [
        event
        for _ in range(3)
        for event in dialect.feed(OUT, record(type="stream_event", event=delta))
    ]
    assert sum(len(each.text) for each in said if isinstance(each, Text)) == MAX_ANSWER_CHARS
    assert dialect.output.is_cut

    said = dialect.feed(OUT, record(type="result", subtype="success", result="short"))
    assert [each.text for each in said if isinstance(each, Message)] == ["short"]
    assert dialect.output.answer == "short"
    assert not dialect.output.is_cut


def test_many_small_pieces_are_one_answer() -> None:
    """Pieces are put together now and then, and nothing of them is lost or doubled."""
    dialect = open_dialect("text")
    for number in range(2_500):
        dialect.feed(OUT, b"%d\n" % number)

    assert dialect.output.answer.split("\n") == [str(number) for number in range(2_500)]


# ------------------------------------------------------------------------------------ values


def test_a_pretty_value_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lines are noise then, and records behind it count."""
    monkeypatch.setattr("aimux.dialects._reader.MAX_VALUE_CHARS", 100)
    dialect = open_dialect("codex")
    said = dialect.feed(OUT, b"{\n" + b'  "key": "value",\n' * 20)
    said += dialect.feed(OUT, record(type="turn.completed"))

    assert [each.line for each in said if isinstance(each, Noise)][:2] == ["{", '  "key": "value",']
    assert [each for each in said if isinstance(each, Ended)] == [Ended(reason="turn.completed")]


def test_a_pretty_value_has_only_so_many_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short lines cost ten times what is in them."""
    monkeypatch.setattr("aimux.dialects._reader._MAX_VALUE_LINES", 5)
    dialect = open_dialect("codex")
    said = dialect.feed(OUT, b"{\n" + b'"a": 1,\n' * 5)

    assert len([each for each in said if isinstance(each, Noise)]) == 6


def test_opencode_keeps_only_so_much_of_one_message() -> None:
    """Texts of the same message add up to an answer at most."""
    dialect = open_dialect("opencode")
    said: list[Said] = []
    for _ in range(4):
        part = {"messageID": "m1", "text": "x" * (MAX_ANSWER_CHARS // 2)}
        said += dialect.feed(OUT, record(type="text", part=part))
    said += dialect.finish(None)

    assert len(dialect.output.answer) == MAX_ANSWER_CHARS
    assert dialect.output.is_cut
    assert codes(said) == ["answer_truncated"]


def test_aider_keeps_only_so_much_after_its_figures() -> None:
    """What may become an answer is cut where an answer is."""
    dialect = open_dialect("aider")
    banner = "Aider v0.86.2\nModel: openai/m with whole edit format\nRepo-map: disabled\n\n"
    dialect.feed(OUT, f"{banner}one\nTokens: 1 sent, 2 received.\n".encode())
    line = b"y" * 1_000 + b"\n"
    for _ in range(2 * MAX_ANSWER_CHARS // len(line)):
        dialect.feed(OUT, line)
    dialect.feed(OUT, b"Tokens: 1 sent, 2 received.\n")

    assert dialect.output.is_cut
    assert len(dialect.output.answer) <= MAX_ANSWER_CHARS + len("\n\n")


# ------------------------------------------------------------------------------------ tools


def test_a_refusal_is_found_at_the_end_of_long_output() -> None:
    """A command's output is long; that it was refused stands at its end, in whatever case."""
    item = {
        "id": "c1",
        "type": "command_execution",
        "aggregated_output": "word " * 100_000 + "This command Requires Approval",
        "status": "failed",
    }
    dialect = open_dialect("codex")
    dialect.feed(OUT, record(type="item.completed", item=item))

    assert dialect.output.denials == 1
