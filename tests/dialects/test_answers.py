"""The answer is what the stream said as a whole, whichever record it came in."""

import json

import pytest
from hypothesis import given, strategies as st

from aimux.dialects import MAX_ANSWER_CHARS, Dialect, open_dialect
from aimux.dialects._answer import AnswerState
from aimux.model import Ended, Message, Said, Stream, Text, Usage, Warned

OUT, ERR = Stream.STDOUT, Stream.STDERR


def lines(*records: object) -> bytes:
    """Records as JSON lines; text as it is."""
    return b"".join(
        (each if isinstance(each, str) else json.dumps(each)).encode() + b"\n" for each in records
    )


def told(name: str, *records: object, exit_code: int | None = 0) -> tuple[list[Said], Dialect]:
    """Everything a dialect says of some stdout."""
    dialect = open_dialect(name)
    said = dialect.feed(OUT, lines(*records))
    return said + dialect.finish(exit_code), dialect


def codes(said: list[Said]) -> list[str]:
    return [each.code for each in said if isinstance(each, Warned)]


def ends(said: list[Said]) -> list[Ended]:
    return [each for each in said if isinstance(each, Ended)]


def assistant(*content: object, message: str = "m1", **more: object) -> dict[str, object]:
    """An assistant record of the claude family; strings are texts."""
    blocks = [{"type": "text", "text": each} if isinstance(each, str) else each for each in content]
    return {"type": "assistant", "message": {"id": message, "content": blocks}, **more}


def stream(**event: object) -> dict[str, object]:
    return {"type": "stream_event", "event": event}


def delta(text: str) -> dict[str, object]:
    return stream(type="content_block_delta", delta={"type": "text_delta", "text": text})


def result(text: str | None, **more: object) -> dict[str, object]:
    """A closing record of the claude family; None leaves `result` out."""
    record: dict[str, object] = {"type": "result", "subtype": "success", "is_error": False, **more}
    return record if text is None else {**record, "result": text}


TOOL = {"type": "tool_use", "id": "t1", "name": "Read", "input": {"file_path": "a.py"}}
DONE = {"type": "user", "message": {"content": [{"type": "tool_result", "tool_use_id": "t1"}]}}
THOUGHT = {"type": "thinking", "thinking": "hm"}

# ----------------------------------------------------------------------- a closing record says less


@pytest.mark.parametrize("name", ["claude", "qwen"])
@pytest.mark.parametrize("closing", [result(None), result(""), result(" \n")])
def test_text_of_assistant_records_is_the_answer_of_a_result_without_one(
    name: str, closing: object
) -> None:
    """The text is there, and the turn has ended well."""
    said, dialect = told(name, assistant("The bug is in parser.py."), closing)

    assert dialect.output.answer == "The bug is in parser.py."
    assert dialect.output.ended == Ended(reason="success")
    assert dialect.output.has_spoken
    assert [each for each in said if isinstance(each, Message)] == [
        Message(text="The bug is in parser.py.")
    ]


def test_the_last_message_with_text_is_the_answer_though_a_tool_came_last() -> None:
    """A list of things to do, ticked off behind the answer, is none."""
    _, dialect = told(
        "claude",
        assistant("Let me look.", TOOL, message="m1"),
        DONE,
        assistant("All of it holds.", TOOL, message="m2"),
        DONE,
        assistant(message="m3"),
        result(""),
    )

    assert dialect.output.answer == "All of it holds."


def test_records_of_one_message_are_one_text() -> None:
    """A message that came in pieces, torn anywhere, is what its pieces make."""
    _, dialect = told(
        "claude",
        assistant("Looking.", message="m0"),
        DONE,
        assistant('{"name": "x", "li'),
        assistant('st": [1, 2]}'),
        result('{"name": "x", "li'),
    )

    assert json.loads(dialect.output.answer) == {"name": "x", "list": [1, 2]}


@pytest.mark.parametrize(
    "records",
    [
        [assistant("First."), assistant(TOOL), assistant("Second.")],
        [assistant("First."), assistant(THOUGHT, "Second.")],
        [assistant("First.", TOOL, "Second.")],
        [assistant("First.", TOOL), assistant("Second.")],
    ],
)
def test_texts_with_work_between_are_paragraphs_of_one_message(records: list[object]) -> None:
    """However the records were cut."""
    _, dialect = told("claude", *records, result("Second."))

    assert dialect.output.answer == "First.\n\nSecond."


def test_records_without_an_id_are_one_message_up_to_the_results_of_tools() -> None:
    """The model speaks once, then the tools."""
    _, dialect = told(
        "claude",
        {"type": "assistant", "message": {"content": [{"type": "text", "text": "Looking."}]}},
        DONE,
        {"type": "assistant", "message": {"content": [{"type": "text", "text": "One."}]}},
        {"type": "assistant", "message": {"content": [{"type": "text", "text": "Two."}]}},
        result(None),
    )

    assert dialect.output.answer == "One.\n\nTwo."


def test_a_record_that_grows_is_said_once() -> None:
    """Some print the message so far, again and again."""
    so_far = "The first half of it,"
    _, dialect = told(
        "claude",
        assistant(so_far),
        assistant(f"{so_far} and the second."),
        assistant(f"{so_far} and the second."),
        result(""),
    )

    assert dialect.output.answer == f"{so_far} and the second."


@pytest.mark.parametrize("held", ["of it.", "The whole", "answer is this. All of it"])
def test_a_result_that_holds_less_does_not_shorten_the_message(held: str) -> None:
    """A part of what was said adds nothing."""
    whole = "The whole answer is this. All of it."
    said, dialect = told("claude", assistant(whole), result(held))

    assert dialect.output.answer == whole
    assert sum(isinstance(each, Message) for each in said) == 1


def test_a_result_that_holds_more_or_something_else_is_the_answer() -> None:
    """The CLI has the last word."""
    for text in ("Short, and longer here.", "Another text"):
        said, dialect = told("claude", assistant("Short"), result(text))

        assert dialect.output.answer == text
        assert Message(text=text) in said


def test_pieces_without_a_record_are_the_message() -> None:
    """Each message of its own, and the last one is the answer."""
    said, dialect = told(
        "claude",
        stream(type="message_start", message={"id": "m1"}),
        delta("Let me "),
        delta("look."),
        stream(type="message_start", message={"id": "m2"}),
        delta("It "),
        delta("holds."),
        result(None),
    )

    assert dialect.output.answer == "It holds."
    assert [each.text for each in said if isinstance(each, Message)] == [
        "Let me look.",
        "It holds.",
    ]


def test_a_message_cut_in_its_second_block_keeps_the_first() -> None:
    """Pieces belong to the message whose id was told."""
    _, dialect = told(
        "claude",
        stream(type="message_start", message={"id": "m1"}),
        assistant("First."),
        stream(type="content_block_start", content_block={"type": "tool_use"}),
        stream(type="content_block_start", content_block={"type": "text"}),
        delta("Sec"),
        exit_code=None,
    )

    assert dialect.output.answer == "First.\n\nSec"


def test_blank_pieces_behind_a_message_do_not_hide_it() -> None:
    """A line feed is no message."""
    _, dialect = told("claude", assistant("The answer."), delta("\n"), result(None))

    assert dialect.output.answer == "The answer."


def test_a_plan_or_a_structured_answer_counts_where_there_is_no_text() -> None:
    """Some hand their last word to a tool."""
    plan = {"type": "tool_use", "id": "t", "name": "ExitPlanMode", "input": {"plan": "1. Do."}}
    _, dialect = told("claude", assistant(plan), result(""))
    assert dialect.output.answer == "1. Do."

    _, dialect = told("claude", assistant(plan), assistant("A text."), result(""))
    assert dialect.output.answer == "A text."

    _, dialect = told("claude", result("", structured_output={"a": 1}))
    assert dialect.output.answer == '{"a":1}'


def test_a_turn_that_ran_out_of_turns_is_no_success_without_its_flag() -> None:
    """Old versions only name it."""
    _, dialect = told("claude", assistant("half"), result(None, subtype="error_max_turns"))

    assert dialect.output.ended == Ended(
        is_error=True, reason="error_max_turns", message="error_max_turns"
    )


@pytest.mark.parametrize(
    ("name", "message", "closing"),
    [
        (
            "droid",
            {"type": "message", "role": "assistant", "text": "All of it."},
            {"type": "completion", "finalText": ""},
        ),
        (
            "droid",
            {"type": "message", "role": "assistant", "text": "All of it."},
            {"type": "result", "subtype": "success", "result": ""},
        ),
        (
            "cline",
            {
                "type": "agent_event",
                "event": {"type": "content_end", "contentType": "text", "text": "All of it."},
            },
            {"type": "run_result", "finishReason": "completed", "text": ""},
        ),
        (
            "cline",
            {"type": "agent_event", "event": {"type": "done", "text": "All of it."}},
            {"type": "run_result", "finishReason": "completed"},
        ),
        (
            "gemini",
            {"type": "message", "role": "assistant", "content": "All of it.", "delta": True},
            {"type": "result", "status": "success"},
        ),
        (
            "codex",
            {"type": "item.updated", "item": {"type": "agent_message", "text": "All of it."}},
            {"type": "turn.completed"},
        ),
    ],
)
def test_no_family_loses_what_its_messages_said(
    name: str, message: object, closing: object
) -> None:
    """A closing record without text takes nothing away."""
    _, dialect = told(name, message, closing)

    assert dialect.output.answer == "All of it."
    assert dialect.output.ended is not None
    assert not dialect.output.ended.is_error


def test_gemini_says_a_message_once_that_came_in_pieces_and_whole() -> None:
    """The whole repeats its pieces."""
    piece = {"type": "message", "role": "assistant", "content": "It ", "delta": True}
    whole = {"type": "message", "role": "assistant", "content": "It holds."}
    _, dialect = told("gemini", piece, whole, {"type": "result", "status": "success"})

    assert dialect.output.answer == "It holds."


def test_codex_tells_what_is_new_of_a_message_that_grows() -> None:
    """Each state holds the ones before it."""

    def state(kind: str, text: str) -> dict[str, object]:
        return {"type": f"item.{kind}", "item": {"type": "agent_message", "text": text}}

    said, dialect = told(
        "codex",
        state("updated", "It"),
        state("updated", "It holds"),
        state("completed", "It holds."),
    )

    assert said == [Text(text="It"), Text(text=" holds"), Message(text="It holds.")]
    assert dialect.output.answer == "It holds."


def test_who_changed_a_file_has_done_something() -> None:
    """Without a word, and cut off behind it: a repeat would do it twice."""
    dialect = open_dialect("aider")
    printed = b"Repo-map: none\nTokens: 9 sent, 0 received.\nApplied edit to a.py\n"
    dialect.feed(OUT, printed)
    dialect.finish(1)

    assert dialect.output.answer == ""
    assert dialect.output.has_spoken


def test_what_a_sub_agent_says_is_no_answer() -> None:
    """Nor a part of one, whole or in pieces."""
    of_child = {"parent_tool_use_id": "t1"}
    _, dialect = told(
        "claude",
        assistant(TOOL, "I ask somebody."),
        {**delta("piece"), **of_child},
        assistant("I am the helper.", message="m2", **of_child),
        DONE,
        result(None),
    )

    assert dialect.output.answer == "I ask somebody."


# ------------------------------------------------------------------------------ a second closing


def test_the_last_closing_record_counts() -> None:
    """Helpers were still at work behind the first."""
    said, dialect = told(
        "claude",
        assistant("I have started two helpers."),
        result("I have started two helpers.", total_cost_usd=0.1),
        assistant("Both agree.", message="m2"),
        result("Both agree.", total_cost_usd=0.3),
    )

    assert dialect.output.answer == "Both agree."
    assert len(ends(said)) == 2
    assert dialect.output.usage == Usage(cost_usd=0.3)


def test_the_last_of_two_closing_records_counts_though_nothing_else_said_its_text() -> None:
    """The first one does not stay because its text was the only one so far."""
    _, dialect = told("claude", result("Two helpers are at work."), result("Both agree."))

    assert dialect.output.answer == "Both agree."


def test_tokens_of_two_results_are_those_of_all_models() -> None:
    """`usage` is that of the last part, `modelUsage` of the whole run."""
    models = {
        "big": {"inputTokens": 1, "cacheReadInputTokens": 10, "outputTokens": 100},
        "small": {"inputTokens": 2, "outputTokens": 200, "thinkingTokens": 3},
        "odd": 7,
    }
    part = {"input_tokens": 1, "output_tokens": 2}
    _, dialect = told(
        "claude", result("one", usage=part), result("two", usage=part, modelUsage=models)
    )

    assert dialect.output.usage == Usage(
        input_tokens=13, output_tokens=300, cached_tokens=10, reasoning_tokens=3
    )


def test_text_behind_a_closing_record_stands_behind_its_answer() -> None:
    """Whole or cut, as long as no further record closes it."""
    for late in (assistant("two", message="m2"), delta("two")):
        _, dialect = told("claude", assistant("one"), result("one"), late)

        assert dialect.output.answer == "one\n\ntwo"
        assert dialect.output.ended is not None

    _, dialect = told("claude", result("one"), assistant("one", message="m2"))
    assert dialect.output.answer == "one"


def test_a_second_result_without_text_closes_what_was_said_since() -> None:
    """And leaves the first answer if nothing was."""
    _, dialect = told("claude", result("one"), assistant("two", message="m2"), result(""))
    assert dialect.output.answer == "two"

    _, dialect = told("claude", assistant("one"), result("one"), result(None))
    assert dialect.output.answer == "one"


def test_a_failure_behind_a_success_is_a_failure_and_keeps_the_text() -> None:
    """The last one counts, whatever it says."""
    failed = result("API Error: 500", is_error=True, subtype="error_during_execution")
    said, dialect = told("claude", assistant("one"), result("one"), failed)

    assert [each.is_error for each in ends(said)] == [False, True]
    assert dialect.output.answer == "one"
    assert dialect.output.ended is not None
    assert dialect.output.ended.is_error


def test_a_success_behind_a_failure_counts_if_it_has_something_to_show() -> None:
    """A CLI that closes its files behind an error has taken nothing back."""
    failed = {"type": "turn.failed", "error": {"message": "stream disconnected"}}
    answer = {"type": "item.completed", "item": {"type": "agent_message", "text": "It holds."}}
    closed = {"type": "turn.completed"}

    _, dialect = told("codex", failed, answer, closed)
    assert dialect.output.ended == Ended(reason="turn.completed")

    said, dialect = told("codex", failed, closed)
    assert ends(said) == [Ended(is_error=True, reason="turn.failed", message="stream disconnected")]


@pytest.mark.parametrize(
    "late",
    [
        result(None, is_error=True, terminal_reason="aborted_tools"),
        result(None, is_error=True, errors=["Request was aborted."], subtype="error_x"),
    ],
)
def test_that_we_stopped_it_is_no_failure_of_a_turn_that_was_over(late: object) -> None:
    """A CLI that is asked to leave may say that it was interrupted."""
    said, dialect = told("claude", assistant("one"), result("one"), late)

    assert ends(said) == [Ended(reason="success")]
    assert dialect.output.answer == "one"


@pytest.mark.parametrize(
    ("name", "message", "closing"),
    [
        (
            "codex",
            {"type": "item.completed", "item": {"type": "agent_message", "text": "{}"}},
            {"type": "turn.completed"},
        ),
        (
            "droid",
            {"type": "message", "role": "assistant", "text": "{}"},
            {"type": "completion", "finalText": "{}"},
        ),
        (
            "cline",
            {
                "type": "agent_event",
                "event": {"type": "content_end", "contentType": "text", "text": "{}"},
            },
            {"type": "run_result", "finishReason": "completed", "text": "{}"},
        ),
    ],
)
def test_every_family_takes_a_second_closing_record(
    name: str, message: object, closing: object
) -> None:
    """The answer is that of the last one, with what comes behind it."""

    def saying(text: str, record: object) -> str:
        return json.dumps(record).replace("{}", text)

    said, dialect = told(
        name,
        saying("one", message),
        saying("one", closing),
        saying("two", message),
        saying("two", closing),
        saying("three", message),
    )

    assert dialect.output.answer == "two\n\nthree"
    assert len(ends(said)) == 2


def test_all_messages_count_where_a_cli_has_no_last_one() -> None:
    """gemini and goose: the answer grows."""

    def says(text: str) -> dict[str, object]:
        return {"type": "message", "role": "assistant", "content": text, "delta": True}

    closing = {"type": "result", "status": "success"}
    _, dialect = told("gemini", says("one"), closing, says("two"), closing, says("three"))

    assert dialect.output.answer == "one\n\ntwo\n\nthree"


def test_a_completion_pattern_is_overruled_by_the_clis_own_record() -> None:
    """Somebody else's sign of the end, then the end."""
    dialect = open_dialect("codex", completion_pattern="^thread.started$")
    said = dialect.feed(OUT, lines({"type": "thread.started"}))
    said += dialect.feed(OUT, lines({"type": "turn.failed", "error": {"message": "m"}}))
    said += dialect.finish(1)

    assert ends(said) == [
        Ended(reason="completion_pattern"),
        Ended(is_error=True, reason="turn.failed", message="m"),
    ]


# ------------------------------------------------------------------------------ whole or cut


def test_no_whole_answer_is_called_cut() -> None:
    """Messages before it may be as long as they like, and blanks behind it are no loss."""
    half = "x" * (MAX_ANSWER_CHARS // 2 + 1)
    said, dialect = told(
        "claude",
        assistant(half, message="m1"),
        stream(type="message_start", message={"id": "m2"}),
        delta(half),
        assistant(half, message="m2"),
        result(half),
    )
    assert (dialect.output.answer, dialect.output.is_cut, codes(said)) == (half, False, [])

    too_much = [delta(half)] * 3
    said, dialect = told("claude", *too_much, assistant("short"), result("short"))
    assert (dialect.output.answer, dialect.output.is_cut, codes(said)) == ("short", False, [])

    dialect = open_dialect("text")
    said = dialect.feed(OUT, b"y" * MAX_ANSWER_CHARS + b"\n\n \n") + dialect.finish(0)
    assert len(dialect.output.answer) == MAX_ANSWER_CHARS
    assert (dialect.output.is_cut, codes(said)) == (False, [])

    said, dialect = told("droid", {"type": "result", "result": "y" * MAX_ANSWER_CHARS + "\n"})
    assert (dialect.output.is_cut, codes(said)) == (False, [])


def test_a_cut_answer_is_told_once_and_at_the_end() -> None:
    """Until then a closing record may take it back."""
    long = "x" * (MAX_ANSWER_CHARS + 1)
    dialect = open_dialect("claude")
    said = dialect.feed(OUT, lines(assistant(long), result(long)))
    assert codes(said) == []

    assert codes(dialect.finish(0)) == ["answer_truncated"]
    assert len(dialect.output.answer) == MAX_ANSWER_CHARS
    assert dialect.output.is_cut


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["piece", "message", "close", "tail"]), st.text("ab \n", max_size=9)
        )
    ),
    st.booleans(),
)
def test_nothing_said_since_the_last_closing_record_is_lost(
    steps: list[tuple[str, str]], joins: bool
) -> None:
    """Of the last message, and of all of them where they are joined; no order of calls fails."""
    answer = AnswerState(joins=joins)
    last = ""
    for kind, text in steps:
        match kind:
            case "piece":
                answer.piece(text)
            case "message":
                answer.message(text)
                last = text if text.strip() else last
            case "close":
                answer.close(text)
                last = ""
            case _:
                tail = answer.open_text
                answer.message()
                last = tail if tail.strip() else last
        whole, is_cut = answer.whole

        assert last.strip("\n").strip() in whole or answer.is_writing
        assert not is_cut
