"""Programs that die in what runs them: the telling line, its class and code, and a remedy."""

from pathlib import Path

import pytest

from aimux.dialects import open_dialect
from aimux.model import Ended, Failure, FailureClass, Profile, Stream, TurnOutput
from aimux.rules import classify, interrupted, judge, recognise

PROFILE = Profile(name="tool", binary="tool", command=("tool",), display_name="Tool")


def lines_of(name: str) -> list[str]:
    return (DATA.parent / f"{name}.txt").read_text(encoding="utf-8").splitlines()


DATA = Path(__file__).parent / "data" / "deaths"
CASES = sorted(DATA.glob("*/*.txt"))
TRACEBACK = """Traceback (most recent call last):
  File "/opt/tool/bin/tool", line 5, in <module>
    from tool.main import run
  File "/opt/tool/lib/timeout.py", line 9, in <module>
    raise {error}
{error}
"""
TOLD = [each.split(" | ", 1) for each in lines_of("death_lines")]
FRAMES = lines_of("frame_lines")
GO_STACK = "".join(
    f"\ngoroutine {number} [select]:\nmain.worker(0xc000{number:06x})\n"
    f"\t/src/tool/worker.go:{number} +0x1d\ncreated by main.main in goroutine 1\n"
    for number in range(7, 40)
)


def case(path: Path) -> tuple[str, str]:
    """The telling line of a case, and what the program printed."""
    line, _, text = path.read_text(encoding="utf-8").partition("\n--\n")
    return line, text


def text_of(name: str) -> str:
    return case(next(DATA.glob(f"*/{name}.txt")))[1]


def died(dialect_name: str, stderr: str, exit_code: int | None, signal: str = "") -> Failure:
    """The failure of a turn that printed `stderr` and nothing else."""
    dialect = open_dialect(dialect_name)
    dialect.feed(Stream.STDERR, stderr.encode())
    dialect.finish(exit_code)
    verdict = judge(PROFILE, dialect.output, exit_code, signal, stderr_tail=stderr[-8_192:])
    assert verdict.failure is not None
    return verdict.failure


@pytest.mark.parametrize("dialect", ["text", "claude", "gemini", "opencode"])
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_line_that_tells_why_a_program_died_is_shown_and_classed(
    path: Path, dialect: str
) -> None:
    """Not the line that tells where, nor the version a shim offers. The directory names class and
    code.
    """
    line, text = case(path)
    found = died(dialect, text, 1)

    assert f"{found.failure_class.value}-{found.code}" == path.parent.name
    assert found.message == f"tool: {line}"
    assert found.hint
    assert "{" not in found.hint


def test_all_common_runtimes_are_there() -> None:
    """Node, Python, Go, Rust, the dynamic linker, the version managers."""
    names = {path.stem.split("-")[0] for path in CASES}

    assert {"node", "python", "go", "rust", "glibc", "musl", "macos"} <= names
    assert {"asdf", "mise", "nvm", "volta", "fnm", "pyenv", "rustup"} <= names


@pytest.mark.parametrize(("code", "line"), TOLD, ids=[line[:50] for _, line in TOLD])
def test_each_way_to_say_it_is_known(code: str, line: str) -> None:
    """By its one line, in the language of the system too; with a remedy, as it was said."""
    found = died("text", f"starting\n{line}\n", 1)

    assert (found.code, found.message) == (code, f"tool: {line}")
    assert found.hint
    assert "{" not in found.hint


@pytest.mark.parametrize("frame", FRAMES)
def test_a_line_that_tells_where_is_not_shown(frame: str) -> None:
    """Though it is the newest."""
    found = died("claude", f"it went wrong\n{frame}\n", 1)

    assert found.message == "tool: it went wrong"


def test_a_heap_overflow_that_ended_by_a_signal_is_told_too() -> None:
    """Node aborts."""
    found = died("claude", text_of("node-heap"), None, "SIGABRT")

    assert found.code == "out_of_memory"
    assert "max-old-space-size" in found.hint


def test_the_telling_line_of_a_very_long_dump_is_not_lost() -> None:
    """Hundreds of goroutines stand behind it."""
    dump = f"panic: no such key\n\n{GO_STACK * 60}exit status 2\n"
    found = died("text", dump, 2)

    assert len(dump) > 200_000
    assert found.message == "tool: panic: no such key"


def test_a_shim_that_prints_on_stdout_is_found_as_well() -> None:
    """Some do, and leave with a code of their own."""
    dialect = open_dialect("claude")
    text = text_of("asdf")
    dialect.feed(Stream.STDOUT, text.encode())
    dialect.finish(126)
    verdict = judge(PROFILE, dialect.output, 126)

    assert verdict.code == "no_runtime_version"
    assert dialect.output.answer == ""


@pytest.mark.parametrize(
    ("error", "failure_class", "code"),
    [
        ("openai.RateLimitError: Error code: 429 - slow down", FailureClass.QUOTA, "rate_limited"),
        (
            "litellm.exceptions.AuthenticationError: invalid api key",
            FailureClass.AUTH,
            "not_authenticated",
        ),
        ("httpx.ConnectError: Connection refused", FailureClass.TRANSIENT, "network"),
    ],
)
def test_an_exception_that_speaks_of_a_limit_is_one(
    error: str, failure_class: FailureClass, code: str
) -> None:
    """A crash is as telling as its line."""
    found = died("gptme", TRACEBACK.format(error=error), 1)

    assert (found.failure_class, found.code) == (failure_class, code)
    assert found.message == f"tool: {error}"


@pytest.mark.parametrize(
    "frame",
    [
        "    at async timeout (/x/cli.js:1:2)",
        "    at new timeout",
        "    at file:///x/timeout.js:1:2",
        "    at /x/timeout/:1",
        '  File "/x/timeout.py", line 3, in timeout',
        "#1 0x0000 in timeout ()",
        "... 7 more of timeout",
        " 1: 0xb9 timeout [node]",
        "   3: core::timeout",
        "/src/timeout.go:12 +0x1d timeout",
    ],
)
def test_no_frame_speaks_of_what_failed(frame: str) -> None:
    """Whatever its functions and files are called."""
    text = f"Error: odd\n{frame}\n"

    assert recognise(PROFILE, 1, TurnOutput(error_text=text), "") is None


@pytest.mark.parametrize(
    "mark",
    [
        "Node.js v22.1.0",
        "node:internal/process/promises:394",
        "Bun v1.2.3 (Linux x64)",
        "    triggerUncaughtException(err, true);",
    ],
)
def test_an_error_is_a_crash_where_its_runtime_says_so(mark: str) -> None:
    """Each has a sign of its own."""
    found = died("claude", f"{mark}\nTypeError: x is not a function\n", 1)

    assert (found.code, found.message) == ("cli_crashed", "tool: TypeError: x is not a function")


def test_names_of_functions_are_no_words_of_an_error() -> None:
    """A frame in a timer is no timeout."""
    frames = "Error: odd\n    at Timeout._onTimeout (/x/cli.js:1:2)\n    at listOnTimeout (n:3:4)\n"
    found = classify(PROFILE, 1, "", TurnOutput(error_text=frames), frames)

    assert (found.code, found.message) == ("turn_failed", "tool: Error: odd")


def test_a_program_that_closed_its_turn_did_not_die() -> None:
    """What a server of its tools printed as it fell is its own affair."""
    ended = Ended(is_error=True, message="something odd")
    output = TurnOutput(ended=ended, is_closed=True, error_text=text_of("python-crash"))
    found = classify(PROFILE, 1, "", output, text_of("python-crash"))

    assert (found.code, found.message) == ("turn_failed", "tool: something odd")


def test_a_program_that_we_ended_did_not_die_by_itself() -> None:
    """It was silent, or looping; an old traceback does not explain that."""
    text = text_of("python-crash")
    found = interrupted(PROFILE, TurnOutput(error_text=text), text, code="silent", message="quiet")

    assert found.code == "silent"


@pytest.mark.parametrize(
    ("exit_code", "signal"),
    [(None, "SIGSEGV"), (None, "SIGABRT"), (139, ""), (134, ""), (0xC0000005, "")],
)
def test_a_fault_without_a_word_is_a_crash(exit_code: int | None, signal: str) -> None:
    """The signal or the exit code tells."""
    found = classify(PROFILE, exit_code, signal, TurnOutput(), "")

    assert (found.failure_class, found.code) == (FailureClass.USAGE, "cli_crashed")
    assert found.hint


@pytest.mark.parametrize(("exit_code", "signal"), [(None, "SIGKILL"), (137, ""), (None, "SIGTERM")])
def test_who_was_ended_from_outside_has_a_way_on(exit_code: int | None, signal: str) -> None:
    """Most often by the system, which had no memory left; a shell tells it by its exit code."""
    found = classify(PROFILE, exit_code, signal, TurnOutput(), "")

    assert (found.failure_class, found.code) == (FailureClass.UNKNOWN, "killed_by_signal")
    assert "out of memory" in found.hint


@pytest.mark.parametrize(
    "text",
    [
        "error: unknown option '--x'",
        "429 Too Many Requests",
        "The test panicked, see above; nothing to do",
        "at least one file was not found",
        "Ripgrep not available: spawn /x/rg EACCES. Falling back to built-in grep.",
        "Error: something odd",
        "SyntaxError: Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON",
        "raise the panic: button",
    ],
)
def test_other_errors_are_no_deaths(text: str) -> None:
    """Words of a death may stand in other sentences."""
    found = classify(PROFILE, 1, "", TurnOutput(error_text=text), "")
    codes = {path.parent.name.partition("-")[2] for path in CASES}

    assert found.code not in codes
