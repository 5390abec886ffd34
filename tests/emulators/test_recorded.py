"""What the stand-ins print has the shape of what the real programs printed.

`recorded/<cli>/` holds excerpts of real runs, long lists and texts cut; their first line says which
version and command. Ids, times and free text are masked; keys, their order, types and words of an
enumeration are not. crush could never be run, so there is nothing to compare it with.
"""

import json
import re
from pathlib import Path

import attrs
import pytest
import trio

from ._theatre import Case, Theatre

RECORDED = Path(__file__).parent / "recorded"
ANSWER = "[[parts FAKE-ANSWER-42: hello from the fake model.]] [[usage 11 7]] "
AIDER = (
    *("aider", "--model", "openai/test-model", "--no-auto-commits", "--no-dirty-commits"),
    *("--yes-always", "--no-pretty", "--no-stream", "--no-check-update", "--no-gitignore"),
    *("--no-show-release-notes", "--no-show-model-warnings", "--analytics-disable", "--message=P"),
)
CODEX = ("codex", "exec", "--json", "-m", "test-model")
CLAUDE = ("claude", "-p", "--output-format")
GEMINI = ("gemini", "-m", "test-model", "-o")
QWEN = ("qwen", "-m", "test-model", "-o")
GOOSE = ("goose", "run", "--model", "test-model", "--output-format")
GPTME = ("gptme", "-n", "-m", "openai/test-model", "--output-format", "json")
CLINE = ("cline", "--json", "--data-dir", "DATA")
DROID = ("droid", "exec", "-m", "custom:test-model", "-o")
OPENCODE = ("opencode", "run", "--format", "json", "-m", "fake/test-model")
STREAM = ("stream-json", "--verbose")
TOOL, EDIT, SHELL = "[[tool]] ", "[[write made.txt x]] ", "[[shell-write ro.txt]] "


@attrs.frozen
class Scene:
    """A recorded scenario and how the stand-in is asked for it."""

    file: str
    form: tuple[str, ...]
    prompt: str = ""
    code: int = 0
    env: dict[str, str] = attrs.field(factory=dict)

    @property
    def asked(self) -> str:
        return self.prompt if self.prompt.startswith("[[json") else self.prompt + ANSWER


ONCE = {"CLAUDE_CODE_MAX_RETRIES": "1"}
TWICE = {"CLAUDE_CODE_MAX_RETRIES": "2"}
SCENES = [
    Scene("codex/ok-json.stdout", (*CODEX, "P")),
    Scene("codex/err-401.stdout", (*CODEX, "P"), "[[fault auth]]", 1),
    Scene("codex/err-400ctx.stdout", (*CODEX, "P"), "[[fault context]]", 1),
    Scene("codex/err-404model.stdout", (*CODEX, "P"), "[[fault model_missing]]", 1),
    Scene("codex/err-429.stdout", (*CODEX, "P"), "[[fault rate_limit]]", 1),
    Scene("codex/cut.stdout", (*CODEX, "P"), "[[fault cut]]", 1),
    Scene("codex/empty.stdout", (*CODEX, "P"), "[[fault empty]]"),
    Scene("codex/tool-s_workspace-write.stdout", (*CODEX, "-s", "workspace-write", "P"), TOOL),
    Scene("claude/ok-json.stdout", (*CLAUDE, "json", "--", "P")),
    Scene(
        "claude/ok-stream-json.stdout",
        (*CLAUDE, *STREAM, "--include-partial-messages", "--", "P"),
    ),
    Scene("claude/json-verbose.stdout", (*CLAUDE, "json", "--verbose", "--", "P")),
    Scene("claude/err-401.stdout", (*CLAUDE, "json", "--", "P"), "[[fault auth]]", 1, ONCE),
    Scene("claude/err-400ctx.stdout", (*CLAUDE, "json", "--", "P"), "[[fault context]]", 1),
    Scene(
        "claude/err-429-stream-json.stdout",
        (*CLAUDE, *STREAM, "--", "P"),
        "[[fault rate_limit]]",
        1,
        TWICE,
    ),
    Scene("claude/ro-sh-default.stdout", (*CLAUDE, *STREAM, "--", "P"), SHELL),
    Scene("claude/maxturns.stdout", (*CLAUDE, "json", "--max-turns", "1", "--", "P"), SHELL, 1),
    Scene("gemini/stdin-open.stdout", (*GEMINI, "json", "--prompt=P")),
    Scene("gemini/ok-stream-json.stdout", (*GEMINI, "stream-json", "--prompt=P")),
    Scene("gemini/tool-yolo.stdout", (*GEMINI, "stream-json", "-y", "--prompt=P"), EDIT),
    Scene("gemini/tool-json.stdout", (*GEMINI, "json", "-y", "--prompt=P"), EDIT),
    Scene(
        "gemini/tool-plan.stdout",
        (*GEMINI, "stream-json", "--approval-mode", "plan", "--prompt=P"),
        EDIT,
    ),
    Scene(
        "gemini/err-401-sj.stdout", (*GEMINI, "stream-json", "--prompt=P"), "[[fault auth]]", 144
    ),
    Scene("gemini/err-401.stderr", (*GEMINI, "json", "--prompt=P"), "[[fault auth]]", 144),
    Scene(
        "gemini/err-429quota-sj.stdout",
        (*GEMINI, "stream-json", "--prompt=P"),
        "[[fault quota]]",
        173,
    ),
    Scene("gemini/cut.stdout", (*GEMINI, "stream-json", "--prompt=P"), "[[fault cut]]"),
    Scene("gemini/empty.stdout", (*GEMINI, "stream-json", "--prompt=P"), "[[fault empty]]"),
    Scene("qwen/ok-json.stdout", (*QWEN, "json", "--prompt=P")),
    Scene("qwen/ok-stream-json.stdout", (*QWEN, "stream-json", "--prompt=P")),
    Scene(
        "qwen/ok-stream-json-partial.stdout",
        (*QWEN, "stream-json", "--include-partial-messages", "--prompt=P"),
    ),
    Scene("qwen/err-401.stdout", (*QWEN, "json", "--prompt=P"), "[[fault auth]]", 1),
    Scene("qwen/err-401.stderr", (*QWEN, "json", "--prompt=P"), "[[fault auth]]", 1),
    Scene("qwen/err-401-sj.stdout", (*QWEN, "stream-json", "--prompt=P"), "[[fault auth]]", 1),
    Scene(
        "qwen/tool-plan.stdout",
        (*QWEN, "stream-json", "--approval-mode", "plan", "--prompt=P"),
        EDIT,
    ),
    Scene(
        "qwen/tool-auto-edit.stdout",
        (*QWEN, "stream-json", "--approval-mode", "auto-edit", "--prompt=P"),
        EDIT,
    ),
    Scene("qwen/cut.stdout", (*QWEN, "json", "--prompt=P"), "[[fault cut]]", 1),
    Scene("goose/ok-stream-json.stdout", (*GOOSE, "stream-json", "--text=P")),
    Scene("goose/ok-json-q.stdout", (*GOOSE, "json", "-q", "--text=P")),
    Scene(
        "goose/err-401-sj.stdout", (*GOOSE, "stream-json", "-q", "--text=P"), "[[fault auth]]", 1
    ),
    Scene("goose/err-401.stdout", (*GOOSE, "json", "-q", "--text=P"), "[[fault auth]]", 1),
    Scene(
        "goose/err-429-sj.stdout", (*GOOSE, "stream-json", "-q", "--text=P"), "[[fault rate_limit]]"
    ),
    Scene("goose/tool-auto.stdout", (*GOOSE, "stream-json", "-q", "--text=P"), EDIT),
    Scene(
        "goose/tool-chat.stdout",
        (*GOOSE, "stream-json", "-q", "--text=P"),
        EDIT,
        env={"GOOSE_MODE": "chat"},
    ),
    Scene("goose/cut.stdout", (*GOOSE, "stream-json", "-q", "--text=P"), "[[fault cut]]"),
    Scene("goose/empty.stdout", (*GOOSE, "stream-json", "-q", "--text=P"), "[[fault empty]]"),
    Scene("gptme/ok-json.stdout", (*GPTME, "--", "P")),
    Scene("gptme/cut.stdout", (*GPTME, "--", "P"), "[[fault cut]]"),
    Scene("gptme/tool-t_read-only.stdout", (*GPTME, "-t", "read-only", "--", "P"), EDIT),
    Scene("cline/ok-json.stdout", (*CLINE, "--", "P")),
    Scene("cline/tool.stdout", (*CLINE, "--", "P"), EDIT),
    Scene("cline/tool--plan.stdout", (*CLINE, "--plan", "--", "P"), EDIT),
    Scene("cline/ro-py.stdout", (*CLINE, "--plan", "--", "P"), SHELL),
    Scene(
        "cline/tool--auto-approve=false.stdout", (*CLINE, "--auto-approve=false", "--", "P"), EDIT
    ),
    Scene("cline/err-401.stdout", (*CLINE, "--", "P"), "[[fault auth]]", 1),
    Scene("cline/err-401.stderr", (*CLINE, "--", "P"), "[[fault auth]]", 1),
    Scene("cline/cut.stdout", (*CLINE, "--", "P"), "[[fault cut]]", 1),
    Scene("cline/empty.stdout", (*CLINE, "--", "P"), "[[fault empty]]", 1),
    Scene("continue/ok-json.stdout", ("cn", "-p", "--format", "json", "--", "P")),
    Scene(
        "continue/ok-json-answer.stdout",
        ("cn", "-p", "--format", "json", "--", "P"),
        '[[json {"a":1,"b":[2]}]]',
    ),
    Scene(
        "continue/err-401.stderr",
        ("cn", "-p", "--format", "json", "--", "P"),
        "[[fault auth]]",
        1,
    ),
    Scene("droid/ok-json.stdout", (*DROID, "json", "--", "P")),
    Scene("droid/ok-stream-json.stdout", (*DROID, "stream-json", "--", "P")),
    Scene("droid/err-401.stdout", (*DROID, "json", "--", "P"), "[[fault auth]]", 1),
    Scene("droid/err-401-sj.stdout", (*DROID, "stream-json", "--", "P"), "[[fault auth]]", 1),
    Scene("droid/tool.stdout", (*DROID, "stream-json", "--", "P"), EDIT),
    Scene("droid/tool--auto_low.stdout", (*DROID, "stream-json", "--auto", "low", "--", "P"), EDIT),
    Scene("droid/ro-sh.stdout", (*DROID, "stream-json", "--", "P"), SHELL),
    Scene("droid/ro-spec.stdout", (*DROID, "stream-json", "--use-spec", "--", "P"), SHELL, 1),
    Scene("droid/cut.stdout", (*DROID, "stream-json", "--", "P"), "[[fault cut]]"),
    Scene("droid/empty.stdout", (*DROID, "stream-json", "--", "P"), "[[fault empty]]"),
    Scene("opencode/ok-json.stdout", (*OPENCODE, "P")),
    Scene("opencode/err-401.stdout", (*OPENCODE, "P"), "[[fault auth]]", 1),
    Scene("opencode/err-400ctx.stdout", (*OPENCODE, "P"), "[[fault context]]", 1),
    Scene("opencode/tool.stdout", (*OPENCODE, "P"), "[[write made-here.txt x]] "),
    Scene("opencode/tool--agent_plan.stdout", (*OPENCODE, "--agent", "plan", "P"), EDIT),
    Scene("opencode/tool-outside.stdout", (*OPENCODE, "P"), "[[write ../out/made.txt x]] "),
    Scene("opencode/empty.stdout", (*OPENCODE, "P"), "[[fault empty]]"),
]
# words that are names of the environment, not of the format
FREE = {"model", "cwd", "content", "text", "title", "tools", "slash_commands", "agents", "name"}
FREE |= {"requestedModel", "canonicalModel", "command", "apiKeySource", "reasoning_effort"}
FREE |= {"costBasis", "original_cwd", "request_id", "description", "summary", "id"}
FREE |= {"riskLevelReason"}


def shape(value: object, key: str = "") -> object:
    """Keys in order with types; words of an enumeration as they are."""
    match value:
        case dict():
            if key in ("input", "responseHeaders"):
                return "object"
            return [(name, shape(one, name)) for name, one in value.items()]
        case list():
            return [shape(value[0], key)] if value else []
        case bool() | None:
            return value
        case int() | float():
            return "number"
        case str() if key not in FREE and re.fullmatch(r"[A-Za-z_-]{2,28}", value):
            return value
    return "text"


def shapes(text: str) -> list[object]:
    """The shapes of a whole output: one value, or one per line; lines that are no JSON stay."""
    brace = f"\n{text}".rfind("\n{\n")  # an object over many lines after other noise
    for candidate in (text, text[brace:] if brace >= 0 else ""):
        try:
            return [shape(json.loads(candidate))]
        except ValueError:
            continue
    found: list[object] = []
    for line in text.splitlines():
        try:
            found.append(shape(json.loads(line)))
        except ValueError:
            continue
    return found


def recorded(file: str) -> str:
    return (RECORDED / file).read_text(encoding="utf-8").partition("\n")[2]


@pytest.mark.slow
async def test_output_has_the_recorded_shape(theatre: Theatre) -> None:
    """Every scene, side by side with what the real program printed."""
    cases = [
        Case(
            words=tuple(
                word[:-1] + scene.asked if word == "P" or word.endswith("=P") else word
                for word in scene.form
            ),
            env=scene.env,
        )
        for scene in SCENES
    ]
    with trio.fail_after(60):
        results = await theatre.all(cases)

    wrong: list[str] = []
    for scene, done in zip(SCENES, results, strict=True):
        text = done.text if scene.file.endswith("stdout") else done.errors
        ours, real = shapes(text), shapes(recorded(scene.file))
        assert real, scene.file
        if done.code != scene.code:
            wrong.append(f"{scene.file}: exit {done.code}\n{done.errors[-300:]}")
        elif ours != real:
            pairs = [f"  ours {a}\n  real {b}" for a, b in zip(ours, real, strict=False) if a != b]
            wrong.append(f"{scene.file}: {len(ours)} for {len(real)}\n" + "\n".join(pairs))
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
async def test_aider_prints_the_recorded_lines(theatre: Theatre) -> None:
    """Banner, answer, token line: word for word, but for the git line of our bare project."""
    asked = {
        "ok-text": ANSWER,
        "err-401": "[[fault auth]]",
        "err-400ctx": "[[fault context]]",
        "edit": "[[write made.txt x]] [[usage 11 7]] [[parts ]]",
    }
    cases = [
        Case(words=tuple(word[:-1] + prompt if word.endswith("=P") else word for word in AIDER))
        for prompt in asked.values()
    ]
    results = await theatre.all(cases)

    def kept(text: str) -> list[str]:
        noise = ("Repo-map can't", "Has it been", "Git repo:", "Input tokens", "Total tokens")
        return [line for line in text.splitlines() if line and not line.startswith(noise)]

    for name, done in zip(asked, results, strict=True):
        real = recorded(f"aider/{name}.stdout")
        assert kept(done.text) == kept(real), name
        assert done.code == 0
        assert done.errors == "Warning: Input is not a terminal (fd=0).\n"


async def test_goose_banner_stands_before_json_unless_quiet(theatre: Theatre) -> None:
    """The banner spoils a naive parse, as recorded."""
    loud, quiet = await theatre.all(
        [
            Case(words=("goose", "run", "--output-format", "json", "-t", "hi there")),
            Case(words=("goose", "run", "-q", "--output-format", "json", "-t", "hi there")),
        ]
    )
    real = recorded("goose/ok-stream-json.stdout")

    assert loud.text.splitlines()[1][:30] == real.splitlines()[1][:30]
    assert loud.text.splitlines()[3] == real.splitlines()[3]
    assert json.loads(quiet.text)["metadata"]["status"] == "completed"


async def test_gptme_answers_three_times(theatre: Theatre) -> None:
    """A plain answer is asked about twice; text mode draws over its own lines."""
    as_json, as_text = await theatre.all(
        [
            Case(words=("gptme", "-n", "--output-format", "json", "say hi")),
            Case(words=("gptme", "-n", "say hi")),
        ]
    )
    roles = [json.loads(line)["role"] for line in as_json.text.splitlines()]

    assert roles == ["user", "assistant", "user", "assistant", "user", "assistant"]
    assert as_text.text.count("\r") == 9
    assert "resume with: gptme --name" in as_text.text
