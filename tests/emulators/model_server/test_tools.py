"""The tool is chosen from what is offered, and its arguments fit its schema."""

from typing import Any

import jsonschema
import pytest
from hypothesis import given, strategies as st

from emulators.model_server._requests import Entry, ModelRequest, Tool
from emulators.model_server._script import read_script
from emulators.model_server._tools import (
    Call,
    choose_call,
    choose_shell,
    choose_write,
    instance_of,
)

TEXT = {"type": "string"}


def tool(name: str, required: list[str], **properties: object) -> Tool:
    return Tool(name, {"type": "object", "properties": properties, "required": required})


# how real CLIs name them, reduced to what matters
CLAUDE = [
    tool("Edit", ["file_path"], file_path=TEXT, old_string=TEXT, new_string=TEXT),
    tool("Write", ["file_path", "content"], file_path=TEXT, content=TEXT),
    tool("Bash", ["command"], command=TEXT, timeout={"type": "number"}),
]
GEMINI = [
    tool("write_file", ["file_path", "content"], file_path=TEXT, content=TEXT),
    tool("run_shell_command", ["command"], command=TEXT, is_background={"type": "boolean"}),
]
CLINE = [
    tool("run_commands", ["commands"], commands={"type": "array", "items": TEXT}),
    tool("editor", ["path", "new_text"], path=TEXT, new_text=TEXT),
]
CODEX = [
    tool("exec_command", ["cmd"], cmd=TEXT, tty={"type": "boolean"}),
    tool("write_stdin", ["session_id"], session_id={"type": "number"}, chars=TEXT),
]
DROID = [
    tool(
        "Execute",
        ["command", "riskLevel", "timeout"],
        command=TEXT,
        riskLevel={"type": "string", "enum": ["low", "medium", "high"]},
        timeout={"type": "integer", "minimum": 5},
    )
]


@pytest.mark.parametrize(
    ("tools", "call"),
    [
        (CLAUDE, Call("Write", {"file_path": "/p/a.txt", "content": "hi all"})),
        (GEMINI, Call("write_file", {"file_path": "/p/a.txt", "content": "hi all"})),
        (CLINE, Call("editor", {"path": "/p/a.txt", "new_text": "hi all"})),
        (CODEX, Call("exec_command", {"cmd": "printf %s 'hi all' > /p/a.txt"})),
        ([], None),
    ],
)
def test_write_takes_the_best_tool_there_is(tools: list[Tool], call: Call | None) -> None:
    assert choose_write(tools, "/p/a.txt", "hi all") == call


@pytest.mark.parametrize(
    ("tools", "call"),
    [
        (CLAUDE, Call("Bash", {"command": "ls"})),
        (GEMINI, Call("run_shell_command", {"command": "ls"})),
        (CLINE, Call("run_commands", {"commands": ["ls"]})),
        (CODEX, Call("exec_command", {"cmd": "ls"})),
        (DROID, Call("Execute", {"command": "ls", "riskLevel": "low", "timeout": 5})),
        (
            [tool("shell", [], command={"type": "array"})],
            Call("shell", {"command": ["bash", "-lc", "ls"]}),
        ),
        ([tool("read_file", ["path"], path=TEXT)], None),
    ],
)
def test_shell_fits_the_schema(tools: list[Tool], call: Call | None) -> None:
    assert choose_shell(tools, "ls") == call


def test_a_path_goes_by_the_directory_where_the_tool_takes_no_other() -> None:
    """The CLI tells its model where it works; the latest it told counts."""
    absolute = {"type": "string", "description": "The absolute path to the file"}
    writer = tool("write_file", ["file_path", "content"], file_path=absolute, content=TEXT)
    told = "Today is Monday. I'm currently working in the directory: "
    entries = (
        Entry("system", f"{told}/old\nHere are its files"),
        Entry("user", f"{told}/tmp/copy\nHere are its files"),
    )
    wanted = read_script("[[write a.txt hi]]").content

    def path(tools: list[Tool], said: tuple[Entry, ...] = entries) -> object:
        call = choose_call(ModelRequest("chat", "m", False, said, tuple(tools)), wanted)
        assert call is not None
        assert isinstance(call.arguments, dict)
        return call.arguments["file_path"]

    assert path([writer]) == "/tmp/copy/a.txt"
    assert path(GEMINI) == "a.txt"
    assert path([writer], ()) == "a.txt"


def test_patch_tool_gets_a_patch() -> None:
    call = choose_write([Tool("apply_patch", {}, "custom")], "a.txt", "hi")

    assert call == Call("apply_patch", "*** Begin Patch\n*** Add File: a.txt\n+hi\n*** End Patch\n")


def test_named_tool_must_be_offered_unless_forced() -> None:
    request = ModelRequest("chat", "m", False, (), tuple(CLAUDE))

    assert choose_call(request, read_script('[[tool Bash {"a": 1}]]').content) == Call(
        "Bash", {"a": 1}
    )
    assert choose_call(request, read_script("[[tool Other {}]]").content) is None
    assert choose_call(request, read_script("[[tool! Other {}]]").content) == Call("Other", {})


def test_shell_write_quotes_the_path() -> None:
    request = ModelRequest("chat", "m", False, (), tuple(CLAUDE))

    call = choose_call(request, read_script("[[shell-write /a b]]").content)

    assert call == Call("Bash", {"command": "touch '/a b'"})


LEAVES = st.sampled_from(
    [
        {"type": "string"},
        {"type": "STRING"},
        {"type": "integer", "minimum": 3},
        {"type": "boolean"},
        {"type": ["null", "number"]},
        {"enum": ["a", 2]},
        {"const": [1]},
        {"type": "string", "default": "d"},
    ]
)
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(
            lambda item, few: {"type": "array", "items": item, "minItems": few},
            inner,
            st.integers(0, 3),
        ),
        st.builds(
            lambda members: {"type": "object", "properties": members, "required": list(members)},
            st.dictionaries(st.text(max_size=5), inner, max_size=3),
        ),
        st.builds(lambda options: {"anyOf": options}, st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=6,
)


def lowered(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {
            key: value.lower() if key == "type" and isinstance(value, str) else lowered(value)
            for key, value in schema.items()
        }
    return [lowered(item) for item in schema] if isinstance(schema, list) else schema


@given(SCHEMAS)
def test_plainest_value_is_valid(schema: Any) -> None:
    jsonschema.validate(instance_of(schema), lowered(schema))
