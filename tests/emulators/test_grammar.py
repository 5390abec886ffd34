"""Each stand-in accepts the flags of its real version and refuses the rest as that version does."""

import attrs
import pytest
import trio

from .. import needs
from ._theatre import Case, Theatre


@attrs.frozen
class Row:
    """A command line, the exit code, and what must stand on stderr (or on stdout)."""

    line: tuple[str, ...]
    code: int
    says: str = ""
    env: dict[str, str] = attrs.field(factory=dict)


def row(line: str, code: int, says: str = "", **env: str) -> Row:
    """Words are separated by spaces; ``~`` stands for a space inside a word."""
    return Row(tuple(word.replace("~", " ") for word in line.split()), code, says, env)


UUID = "11111111-2222-4333-8444-555555555555"
VERSIONS = {
    "codex": "codex-cli 0.169.0\n",
    "claude": "2.1.330 (Claude Code)\n",
    "gemini": "0.61.0\n",
    "qwen": "0.24.4\n",
    "aider": "aider 0.86.2\n",
    "goose": " 1.52.0\n",
    "crush": "crush version 0.96.1\n",
    "gptme": "gptme 0.35.1\n",
    "cline": "3.0.65\n",
    "cn": "1.5.47\n",
    "droid": "0.215.0\n",
    "opencode": "1.18.33\n",
}
CODEX_TIP = (
    "error: unexpected argument '{0}' found\n\n  tip: to pass '{0}' as a value, use '-- {0}'"
)
ROWS = [
    row("codex exec --full-auto --json hi", 2, CODEX_TIP.format("--full-auto")),
    row("codex exec --json --DASH~hello", 2, CODEX_TIP.format("--DASH hello")),
    row("codex exec --json -- --DASH~hello", 0),
    row("codex exec resume --json -s read-only x y", 2, "Usage: codex exec resume [OPTIONS]"),
    row("codex exec resume -C /tmp x y", 2, "unexpected argument '-C' found"),
    row("codex exec -s nonsense hi", 2, "[possible values: read-only, workspace-write, danger"),
    row("codex exec -m a -m b hi", 2, "the argument '--model <MODEL>' cannot be used multiple"),
    row("codex exec one two", 2, "unexpected argument 'two' found"),
    row("codex exec hi -m", 2, "a value is required for '--model <MODEL>' but none was supplied"),
    row("codex exec -mgpt-5.4 -c model_reasoning_effort=high --skip-git-repo-check hi", 0),
    row("codex exec --json -c x.wire_api=chat hi", 1, "is no longer supported"),
    row(f"codex exec --json resume {UUID} x", 1, f"no rollout found for thread id {UUID} (code"),
    row("codex exec -C /nowhere hi", 1, "/nowhere"),
    row("codex exec --help", 0, "Usage: codex exec [OPTIONS] [PROMPT]"),
    row("claude -p --nonsense x", 1, "error: unknown option '--nonsense'\n"),
    row("claude -p --DASH~hello", 1, "error: unknown option '--DASH hello'\n"),
    row("claude -p -- --DASH~hello", 0),
    row("claude -p --output-format stream-json hi", 1, "requires --verbose"),
    row("claude -p --allowedTools Bash go", 1, "Input must be provided either through stdin"),
    row("claude -p --allowedTools Bash -- go", 0),
    row("claude -p --output-format xml hi", 1, "Allowed choices are text, json, stream-json."),
    row("claude -p --model", 1, "error: option '--model <model>' argument missing\n"),
    row("claude -p --effort bogus hi", 0, "Unknown --effort value 'bogus'"),
    row("claude -p --max-turns 3 --permission-mode plan --strict-mcp-config -- hi", 0),
    row("claude -p --input-format stream-json hi", 1, "requires output-format=stream-json"),
    row("claude -p --session-id nope hi", 1, "Invalid session ID. Must be a valid UUID."),
    row("claude -p --resume -- hi", 1, "--resume requires a valid session ID"),
    row(f"claude -p --resume {UUID} x", 1, f"No conversation found with session ID: {UUID}\n"),
    row("claude hi", 1, "Raw mode is not supported"),
    row("gemini -p hi", 55, "not running in a trusted directory", GEMINI_CLI_TRUST_WORKSPACE=""),
    row("gemini --skip-trust -p hi", 0, GEMINI_CLI_TRUST_WORKSPACE=""),
    row("gemini -y --approval-mode plan -p hi", 1, "Cannot use both --yolo (-y) and --approval-mo"),
    row("gemini -p --DASH~hello", 1, "Not enough arguments following: p\n"),
    row("gemini -p=--DASH~hello", 0),
    row("gemini --nope -p hi", 1, "Unknown argument: nope\n"),
    row("gemini -p hi -o xml", 1, 'Argument: output-format, Given: "xml", Choices: "text", "json"'),
    row("gemini -m some-model", 42, "No input provided via stdin."),
    row(f"gemini -r {UUID} -p hi", 42, f'Invalid session identifier "{UUID}"'),
    row("gemini --skipTrust -p hi", 0, GEMINI_CLI_TRUST_WORKSPACE=""),
    row("gemini one two", 0),
    row("qwen --prompt=--DASH~hello", 0),
    row("qwen --DASH~hello", 1, "Unknown argument: DASH hello\n"),
    row("qwen -- --DASH~hello", 1, "No input provided via stdin."),
    row("qwen --approval-mode auto_edit hi", 1, 'Given: "auto_edit", Choices: "plan"'),
    row("qwen -y --max-session-turns 1 [[tool]][[tool]]", 53, "Reached max session turns"),
    row("qwen -y --max-tool-calls 1 [[tool]][[tool]]", 55, "tool-call budget of 1 exceeded"),
    row("qwen --max-wall-time 1s [[sleep~30]]", 55, "wall-clock budget of 1s exceeded"),
    row(f"qwen -r {UUID} hi", 1, f"No saved session found with ID {UUID}."),
    row("aider --json --message x", 2, "aider: error: unrecognized arguments: --json\n"),
    row("aider --message --DASH~hello~there", 0),
    row("aider --message --dash", 2, "expected one argument"),
    row("aider --chat-mode ask --yes --no-stream --msg hi", 0),
    row("aider --map-refresh never -m hi", 2, "invalid choice: 'never'"),
    row("goose run -q -t --DASH~hello", 2, "error: unexpected argument '--DASH hello' found\n\nU"),
    row("goose run -q --text=--DASH~hello", 0),
    row("goose run -q", 1, "Must provide either --instructions (-i), --text (-t), or --recipe."),
    row("goose run --output-format xml -t hi", 2, "[possible values: text, json, stream-json]"),
    row("goose run -q -t hi extra", 2, "unexpected argument 'extra' found"),
    row("goose run -q -r --session-id 20200101_9 -t x", 1, "Cannot resume session 20200101_9"),
    row("crush run --yolo hi", 1, "Error: unknown flag: --yolo\n"),
    row("crush run -z hi", 1, "Error: unknown shorthand flag: 'z' in -z\n"),
    row("crush run -q", 1, "no prompt provided"),
    row("crush run -q -m", 1, "Error: flag needs an argument: 'm' in -m\n"),
    row("crush run -q -s beef hi", 1, "session beef not found"),
    row("crush run -q -- --DASH~hello", 0),
    row("gptme -n --DASH~hello", 2, "Error: No such option '--DASH hello'.\n"),
    row("gptme -n -- --DASH~hello", 0),
    row("gptme -n --output-format xml hi", 2, "Try 'gptme --help' for help."),
    row("gptme -n explain hello.py", 1, "No topic matches 'hello.py'.\n"),
    row("gptme -n", 1, "Non-interactive mode requires a prompt."),
    row("gptme -n -m", 2, "Option '-m' requires an argument."),
    row("cline nospace", 1, "Unknown command or unquoted prompt: nospace\n"),
    row("cline task say~hi --act --json", 1, "unknown option '--act'"),
    row("cline task say~hi", 1, "Unknown command or unquoted prompt: task say hi\n"),
    row("cline --DASH~hello", 1, "\x1b[31merror:\x1b[0m error: unknown option '--DASH hello'\n"),
    row("cline --data-dir DATA -- --DASH~hello", 0),
    row("cline --json", 1, "JSON output mode requires a prompt argument or piped stdin"),
    row("cline --json --id 1_a second~prompt", 1, "JSON output mode requires a prompt argument"),
    row("cline --id 1_a second~prompt", 1, "interactive mode requires a TTY"),
    row("cline --thinking wild a~b", 1, "Allowed choices are none, low, medium, high, xhigh."),
    row("cn -p --DASH~hello", 1, "error: unknown option '--DASH hello'\n"),
    row("cn -p -- --DASH~hello", 0),
    row("cn -p", 1, "Error: A prompt is required when using the -p/--print flag"),
    row("cn -p --config /nope.yaml x", 1, "ENOENT: no such file or directory, open '/nope.yaml'"),
    row("cn -p --format xml x", 1, "Allowed choices are json."),
    row("droid exec --DASH~hello", 1, "error: unknown option '--DASH hello'\n"),
    row("droid exec -- --DASH~hello", 0),
    row("droid exec -o xml hi", 1, "Invalid --output-format value\n"),
    row("droid exec -m nope hi", 1, "Invalid model: nope\n"),
    row("droid exec --auto wild hi", 1, "Allowed choices are low, medium, high."),
    row(f"droid exec -s {UUID} hi", 1),
    row("droid exec", 1),
    row("opencode run --DASH~hello", 1, "run opencode with a message"),
    row("opencode run -- --DASH~hello", 0),
    row("opencode run", 1, "You must provide a message or a command"),
    row("opencode run -s ses_nope hi", 1, "Session not found"),
    row("opencode run --variant whatever --format json hi", 0),
]


async def test_versions_read_as_the_real_ones_print_them(theatre: Theatre) -> None:
    """Exactly, with goose's leading space."""
    done = await theatre.all(Case(words=(name, "--version")) for name in VERSIONS)

    assert [(one.text, one.code) for one in done] == [(text, 0) for text in VERSIONS.values()]


@pytest.mark.requirement("emulators:grammar")
@pytest.mark.slow
async def test_command_lines_are_accepted_or_refused_as_by_the_real_ones(
    theatre: Theatre,
) -> None:
    """One table for all: exit code and the words of the complaint."""
    with trio.fail_after(60):
        results = await theatre.all(Case(words=one.line, env=one.env) for one in ROWS)

    wrong = [
        f"{' '.join(one.line)}: exit {done.code} for {one.code}\n  {done.errors[-400:]}"
        for one, done in zip(ROWS, results, strict=True)
        if done.code != one.code or one.says not in done.errors + done.text
    ]
    assert not wrong, "\n".join(wrong)


async def test_a_refusal_says_nothing_on_stdout(theatre: Theatre) -> None:
    """Complaints about flags belong to stderr, for all but goose's own errors."""
    refused = [one for one in ROWS if one.code in (2, 55) and one.line[0] != "qwen"]
    results = await theatre.all(Case(words=one.line, env=one.env) for one in refused[:8])

    assert [done.text for done in results] == [""] * len(results)


async def test_codex_wants_a_git_tree(theatre: Theatre) -> None:
    """Outside of one it stops, unless told not to check."""
    (theatre.project / ".git").rmdir()
    plain, told = await theatre.all(
        [
            Case(words=("codex", "exec", "hi")),
            Case(words=("codex", "exec", "--skip-git-repo-check", "hi")),
        ]
    )

    assert plain.code == 1
    assert "Not inside a trusted directory and --skip-git-repo-check" in plain.errors
    assert told.code == 0


async def test_claude_bypass_is_refused_to_root(theatre: Theatre) -> None:
    """Only a declared sandbox lets root skip permissions; others may."""

    words = ("claude", "-p", "--permission-mode", "bypassPermissions", "hi")
    plain, sandboxed = await theatre.all(
        [Case(words=words), Case(words=words, env={"IS_SANDBOX": "1"})]
    )

    assert plain.code == (1 if needs.IS_ROOT else 0)
    assert ("cannot be used with root" in plain.errors) is needs.IS_ROOT
    assert sandboxed.code == 0
