"""What each CLI's JSON lines mean, where no recording shows it."""

import pytest

from aimux.dialects import open_dialect
from aimux.model import Ended, FileChange, Message, Noise, Reasoning, Text, ToolUse, Usage

from .feeding import ERR, OUT, told


def test_codex_tells_thinking_tools_and_files() -> None:
    """Items of every kind; the last message is the answer."""
    said, dialect = told(
        "codex",
        {"type": "item.started", "item": {"type": "agent_message"}},
        {"type": "item.started", "item": {"type": "reasoning"}},
        {"type": "item.completed", "item": {"type": "reasoning", "text": "hm"}},
        {"type": "item.completed", "item": {"type": "agent_message", "text": "first"}},
        {
            "type": "item.completed",
            "item": {
                "id": "i1",
                "type": "mcp_tool_call",
                "tool": "lookup",
                "status": "failed",
                "error": {"message": "gone"},
            },
        },
        {
            "type": "item.completed",
            "item": {
                "id": "i2",
                "type": "file_change",
                "status": "completed",
                "changes": [{"path": "a.py", "kind": "add"}, {"path": "b.py", "kind": "move"}],
            },
        },
        {"type": "item.completed", "item": {"id": "i3", "type": "todo_list", "items": []}},
        {"type": "item.completed", "item": {"type": "agent_message", "text": "second"}},
        {"type": "item.completed", "item": {"type": "brand_new"}},
    )

    assert said == [
        Reasoning(text="hm"),
        Message(text="first"),
        ToolUse(name="lookup", call_id="i1", summary=said[2].summary),  # type: ignore[union-attr]
        ToolUse(name="lookup", call_id="i1", status="failed", summary="gone"),
        ToolUse(name="file_change", call_id="i2", summary=said[4].summary),  # type: ignore[union-attr]
        ToolUse(name="file_change", call_id="i2", status="completed"),
        FileChange(path="a.py", change="add"),
        FileChange(path="b.py", change="unknown"),
        Message(text="second"),
        Noise(stream=OUT, line='{"type": "item.completed", "item": {"type": "brand_new"}}'),
    ]
    assert dialect.output.answer == "second"


def claude_says(text: str, **more: object) -> dict[str, object]:
    """An assistant record."""
    content = [{"type": "text", "text": text}]
    return {"type": "assistant", "message": {"role": "assistant", "content": content}, **more}


def test_claude_keeps_thinking_apart_and_says_it_once() -> None:
    """Pieces win over the block that repeats them; the next message starts anew."""

    def piece(kind: str, **delta: object) -> dict[str, object]:
        event = {"type": "content_block_delta", "delta": {"type": kind, **delta}}
        return {"type": "stream_event", "event": event}

    thinking = {"type": "thinking", "thinking": "hm"}
    said, dialect = told(
        "claude",
        piece("thinking_delta", thinking="h"),
        piece("thinking_delta", thinking="m"),
        piece("thinking_delta", thinking=""),
        piece("signature_delta", signature="x"),
        {**piece("text_delta", text="a sub-agent's"), "parent_tool_use_id": "t"},
        piece("text_delta", text="on"),
        piece("text_delta", text="e"),
        {"type": "assistant", "message": {"content": [thinking, {"type": "text", "text": "one"}]}},
        {"type": "assistant", "message": {"content": [thinking, {"type": "image"}]}},
        claude_says("a sub-agent's", parent_tool_use_id="t"),
        {"type": "rate_limit_event"},
        {"type": "system", "subtype": "compact_boundary"},
        {"type": "user", "message": {"content": [{"type": "text", "text": "x"}]}},
        exit_code=None,
    )

    assert said == [
        Reasoning(text="h"),
        Reasoning(text="m"),
        Text(text="on"),
        Text(text="e"),
        Message(text="one"),
        Reasoning(text="hm"),
    ]
    assert dialect.output.answer == "one"


def test_claude_cut_in_a_second_message_keeps_its_pieces() -> None:
    """The message being written is what there is of the answer."""
    event = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "tw"}}
    _, dialect = told(
        "claude", claude_says("one"), {"type": "stream_event", "event": event}, exit_code=None
    )

    assert dialect.output.answer == "tw"


def test_claude_counts_cached_input_and_edits() -> None:
    """Cached input is part of the input; a finished edit is a changed file."""
    use = {"type": "tool_use", "id": "t1", "name": "Edit", "input": {"file_path": "a.py"}}
    said, dialect = told(
        "claude",
        {"type": "assistant", "message": {"content": [use]}},
        {"type": "user", "message": {"content": [{"type": "tool_result", "tool_use_id": "t1"}]}},
        {
            "type": "result",
            "result": "done",
            "modelUsage": {"m": {}},
            "usage": {
                "input_tokens": 1,
                "cache_read_input_tokens": 10,
                "cache_creation_input_tokens": 100,
                "output_tokens": 2,
            },
        },
    )

    assert FileChange(path="a.py", change="update") in said
    assert dialect.output.usage == Usage(input_tokens=111, output_tokens=2, cached_tokens=10)
    assert dialect.output.model == "m"
    assert dialect.output.steps == 1


def test_claude_text_before_an_api_error_stays_partial() -> None:
    """What the model wrote is kept, the error behind it is not part of it."""
    _, dialect = told(
        "qwen",
        claude_says("half an answer[API Error: 500 oops]"),
        {"type": "result", "is_error": True, "subtype": "error_during_execution"},
        exit_code=1,
    )

    assert dialect.output.answer == "half an answer"
    assert dialect.output.error_code == "500"
    assert dialect.output.ended == Ended(
        is_error=True, reason="error_during_execution", message="error_during_execution"
    )


def test_gemini_breaks_between_messages() -> None:
    """Text before and behind a tool call is not glued together."""
    _, dialect = told(
        "gemini",
        {"type": "message", "role": "assistant", "content": "Looking.", "delta": True},
        {"type": "tool_use", "tool_id": "t", "tool_name": "read_file", "parameters": {}},
        {"type": "tool_result", "tool_id": "t", "status": "success", "output": "x"},
        {"type": "message", "role": "assistant", "content": "Found it.", "delta": False},
        {"type": "message", "role": "assistant", "content": ["odd"]},
        {"type": "result", "status": "success", "stats": {"models": {"a": {}, "b": {}}}},
    )

    assert dialect.output.answer == "Looking.\n\nFound it."


def test_gemini_error_that_only_looks_wrapped_is_told_as_it_is() -> None:
    """Braces in a message need not be JSON."""
    for message in ("[API Error: {oops}]", "[API Error: {}]"):
        error = {"type": "unknown", "message": message}
        _, dialect = told("gemini", {"type": "result", "status": "error", "error": error})

        assert dialect.output.ended == Ended(is_error=True, reason="unknown", message=message)


def test_gemini_names_the_main_model() -> None:
    """The router's model is not the one that answered."""
    models = {"small": {"roles": {"utility_router": {}}}, "big": {"roles": {"main": {}}}}
    _, dialect = told("gemini", {"session_id": "s", "response": "x", "stats": {"models": models}})

    assert dialect.output.model == "big"


def opencode_text(message: str, text: str) -> dict[str, object]:
    """A text record."""
    return {"type": "text", "sessionID": "s", "part": {"messageID": message, "text": text}}


def test_opencode_joins_the_texts_of_the_last_message() -> None:
    """Earlier messages are steps; costs and tokens add up."""
    step = {"reason": "tool-calls", "tokens": {"input": 1, "cache": {"read": 2}}, "cost": 0.5}
    said, dialect = told(
        "opencode",
        opencode_text("m1", "Let me look."),
        {"type": "reasoning", "part": {"text": "hm"}},
        {"type": "step_finish", "part": step},
        opencode_text("m2", "One."),
        opencode_text("m2", " "),
        opencode_text("m2", "Two."),
        {"type": "step_finish", "part": {**step, "reason": "stop", "cost": None}},
    )

    assert dialect.output.answer == "One.\n\nTwo."
    assert dialect.output.usage == Usage(input_tokens=6, cached_tokens=4, cost_usd=0.5)
    assert [each.text for each in said if isinstance(each, Message)] == [
        "Let me look.",
        "One.",
        "Two.",
    ]
    assert dialect.output.ended == Ended(reason="stop")


def test_opencode_recovers_from_an_error_it_retried() -> None:
    """A step that stopped by itself behind an error is a success."""
    error = {"type": "error", "error": {"name": "APIError", "data": {"message": "m"}}}
    _, dialect = told(
        "opencode",
        error,
        opencode_text("m", "x"),
        {"type": "step_finish", "part": {"reason": "stop"}},
    )

    assert dialect.output.ended == Ended(reason="stop")


@pytest.mark.parametrize(
    ("exit_code", "reason"), [(0, "unknown"), (None, None)], ids=["cut", "killed"]
)
def test_opencode_cut_stream_is_no_success(exit_code: int | None, reason: str | None) -> None:
    """Exit 0 behind a step without a reason is a failure; a signal leaves it open."""
    step = {"type": "step_finish", "part": {"reason": "unknown"}}
    _, dialect = told("opencode", opencode_text("m", "frag"), step, exit_code=exit_code)

    ended = dialect.output.ended
    assert (ended and ended.reason) == reason
    assert ended is None or ended.is_error
    assert dialect.output.answer == "frag"


def test_opencode_without_a_step_has_no_answer() -> None:
    """Nothing printed, exit 0."""
    _, dialect = told("opencode")

    assert dialect.output.ended is not None
    assert dialect.output.ended.reason == "no_answer"


def goose_says(text: str, *, name: str = "m1", by_model: bool = True) -> dict[str, object]:
    """An assistant record."""
    metadata = {"inference": {"requestedModel": "m"}} if by_model else {}
    content = [{"type": "text", "text": text}]
    message = {"id": name, "role": "assistant", "content": content, "metadata": metadata}
    return {"type": "message", "message": message}


def test_goose_model_may_quote_the_error_text() -> None:
    """Only what no model wrote is an error."""
    _, dialect = told("goose", goose_says("Ran into this error once."), {"type": "complete"})

    assert dialect.output.answer == "Ran into this error once."
    assert dialect.output.ended == Ended(reason="complete")


def test_goose_killed_behind_an_error_text_explains_it() -> None:
    """The suspect is told as an error though no record closed the turn."""
    record = goose_says("Ran into this error: 429", by_model=False)
    _, dialect = told("goose", record, {"type": "notification"}, exit_code=None)

    assert dialect.output.answer == ""
    assert dialect.output.ended is None
    assert dialect.output.error_text == "Ran into this error: 429"


def test_goose_breaks_between_messages_and_keeps_thinking_apart() -> None:
    """A new id is a new message."""
    thinking = {"type": "thinking", "thinking": "hm"}
    message = {"id": "m1", "role": "assistant", "content": [thinking, {"type": "image"}]}
    said, dialect = told(
        "goose",
        {"type": "message", "message": message},
        goose_says("one"),
        goose_says("two", name="m2"),
        {
            "type": "message",
            "message": {"role": "user", "content": [{"type": "text", "text": "x"}]},
        },
        {"type": "complete", "status": "error"},
    )

    assert said[0] == Reasoning(text="hm")
    assert dialect.output.answer == "one\n\ntwo"
    assert dialect.output.ended == Ended(is_error=True, reason="error")


def test_cline_tells_thinking_and_odd_content() -> None:
    """Kinds of content that a recording did not show."""

    def event(**fields: object) -> dict[str, object]:
        return {"type": "agent_event", "event": fields}

    said, _ = told(
        "cline",
        event(type="content_start", contentType="reasoning", text="hm"),
        event(type="content_start", contentType="image"),
        event(type="content_end", contentType="image"),
        event(type="brand_new"),
        exit_code=None,
    )

    assert said[0] == Reasoning(text="hm")
    assert [type(each) for each in said] == [Reasoning, Noise]


def test_droid_error_of_its_own_keeps_the_answer_so_far() -> None:
    """Only a message that repeats the error is taken back."""
    said, dialect = told(
        "droid",
        {"type": "message", "role": "assistant", "text": "half"},
        {"type": "reasoning", "text": "hm"},
        {"type": "error", "source": "cli", "message": "Exec failed"},
        exit_code=1,
    )

    assert Reasoning(text="hm") in said
    assert dialect.output.answer == "half"
    assert dialect.output.ended == Ended(is_error=True, reason="error", message="Exec failed")


def gptme_says(content: str) -> dict[str, object]:
    """An assistant record."""
    return {"type": "message", "role": "assistant", "content": content}


def test_gptme_answer_stands_before_the_complete_call() -> None:
    """Text in front of a call is a message; a text that comes again is not said twice."""
    said, dialect = told(
        "gptme",
        gptme_says("Looking.\n@shell(c1): {broken"),
        {"type": "message", "role": "system", "content": "Error: no", "call_id": "c1"},
        {"type": "message", "role": "system", "content": "no call"},
        gptme_says("The answer.\n@complete(c2): {}"),
        gptme_says("The answer."),
    )

    assert [each.text for each in said if isinstance(each, Message)] == ["Looking.", "The answer."]
    assert ToolUse(name="shell", call_id="c1", status="failed", summary="Error: no") in said
    assert dialect.output.answer == "The answer."


def test_gptme_log_is_put_together() -> None:
    """Wrapped lines are one; plain lines behind them are their own; the log is bounded."""
    dialect = open_dialect("gptme")
    more = "".join(f"           more {n}\n" for n in range(300))
    said = dialect.feed(ERR, f"· ERROR    bad\n           thing\nplain\n· info\n{more}".encode())
    said += dialect.finish(1)

    assert said[0] == Noise(stream=ERR, line="plain")
    assert dialect.output.ended == Ended(is_error=True, reason="exit_1", message="bad thing")
    assert sum(isinstance(each, Noise) for each in said) == 2
