"""What a CLI said, at every exit to a terminal: none of it is obeyed."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from .. import needs
from ..extent import some
from ._terminal import at_terminal
from .conftest import LIMIT_S, Machine, make_machine
from .test_output import HARMLESS, HOSTILE

pytestmark = [
    pytest.mark.slow,
    needs.terminals,
]

# it answers on stdout, or fails with the same text on stderr
CLI = f"""\
#!{sys.executable}
import sys
if "--version" in sys.argv:
    sys.exit(sys.stdout.write({HOSTILE!r}) and 0)
sys.stdin.read()
sys.stderr.write({HOSTILE!r} + "\\n")
if "--bad" in sys.argv:
    sys.exit(3)
sys.stdout.write({HOSTILE!r} + "\\n")
"""
PROFILE = """\
name: {name}
binary: rogue
command:
  base: rogue {flag}
prompt_flag_type: stdin
output_format: text
"""
STRANGE = "pro\u202eject"  # one with control characters is refused


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine with CLIs that say what a terminal would obey, in a directory named like that."""
    made = make_machine(tmp_path_factory.mktemp("hostile"), ["codex"])
    machine = attrs.evolve(made, has_daemon=True)
    for name, flag in (("rogue", "--good"), ("failing", "--bad")):
        place = machine.config / "cli.d" / name
        place.mkdir(parents=True)
        text = PROFILE.format(name=name, flag=flag)
        (place / "profile.yaml").write_text(text, encoding="utf-8")
    binary = machine.root / "bin" / "rogue"
    binary.write_text(CLI, encoding="utf-8")
    binary.chmod(0o755)
    (machine.project / STRANGE).mkdir()
    yield machine
    assert machine.aimux("daemon", "stop").code == 0


@pytest.fixture(scope="module")
def jobs(hostile: Machine) -> dict[str, str]:
    """Who answered -> the job."""
    asked = {
        "codex": ["-C", STRANGE, f"[[parts {HOSTILE}]]"],
        "rogue": [HOSTILE],
        "failing": ["--no-fallback", HOSTILE],
    }
    made = {}
    for cli, words in asked.items():
        body = json.loads(hostile.aimux("run", "--json", "-c", cli, *words).out)
        made[cli] = body["job_id"]
    return made


COMMANDS = (
    "run -q -c codex -C DIR PARTS",
    "run -q -c rogue PARTS",
    "run -q -c rogue --json PARTS",
    "run -q -c failing --no-fallback PARTS",
    "run -c rogue --dry-run PARTS",
    "run -q -c PARTS hello",
    "show JOB codex",
    "show JOB failing",
    "show --json JOB codex",
    "logs JOB codex",
    "logs JOB rogue",
    "logs JOB failing",
    "logs --json JOB codex",
    "logs --raw JOB codex",
    "logs --raw JOB failing",
    "ps -a",
    "ps -a --json",
    "sessions",
    "sessions --json",
    "clis",
    "clis --json",
    "doctor",
)


def words_of(command: str, jobs: dict[str, str]) -> list[str]:
    """A line of `COMMANDS` as arguments."""
    if "JOB" in command:
        command, cli = command.split("JOB ")
        return [*command.split(), jobs[cli]]
    meant = {"DIR": STRANGE, "PARTS": f"[[parts {HOSTILE}]]"}
    return [meant.get(word, word) for word in command.split()]


@pytest.mark.parametrize("command", some(COMMANDS, each=2))
def test_a_terminal_is_sent_nothing_to_obey(
    hostile: Machine, jobs: dict[str, str], command: str
) -> None:
    """No command prints a control character, whatever the CLI, the prompt or a path hold."""
    _, said = at_terminal(hostile, *words_of(command, jobs), env={"NO_COLOR": "1"})

    assert said
    assert {each for each in said if not each.isprintable()} == {"\n"}


def test_progress_at_a_terminal_is_one_line_of_ours(hostile: Machine) -> None:
    """It is drawn with sequences, and only with these."""
    _, said = at_terminal(
        hostile, "run", "-c", "codex", f"[[parts {HOSTILE}|{HOSTILE}]] [[tool 1]]"
    )
    for own in ("\x1b[?25l", "\x1b[?25h", "\x1b[2K", "\x1b[1A", "\x1b[2m", "\x1b[32m", "\x1b[0m"):
        said = said.replace(own, "")
    said = said.replace("\r", "")

    assert HARMLESS in said
    assert {each for each in said if not each.isprintable()} == {"\n"}


@pytest.mark.parametrize(
    "command", ["run -q -c codex PARTS", "show JOB codex", "logs --raw JOB rogue"]
)
def test_a_pipe_is_sent_what_the_cli_said(
    hostile: Machine, jobs: dict[str, str], command: str
) -> None:
    """It is for the reader, byte for byte."""
    done = subprocess.run(
        hostile.argv(*words_of(command, jobs)),
        stdout=subprocess.PIPE,
        cwd=hostile.project,
        env=hostile.env(),
        check=True,
        timeout=LIMIT_S,
    )

    assert HOSTILE.encode() in done.stdout


def test_json_is_the_same_at_a_terminal_and_in_a_pipe(
    hostile: Machine, jobs: dict[str, str]
) -> None:
    """Escaped there, so that it can be copied."""
    _, there = at_terminal(hostile, "show", "--json", jobs["codex"])
    here = hostile.aimux("show", "--json", jobs["codex"]).out

    assert json.loads(there) == json.loads(here)
    assert json.loads(here)["content"] == HOSTILE


def test_nothing_of_it_is_in_the_log(hostile: Machine, jobs: dict[str, str]) -> None:
    """Logs are looked at in terminals too."""
    del jobs
    log = Path(hostile.root / "state" / "aimux.log").read_text(encoding="utf-8")

    assert {each for each in log if not each.isprintable()} <= {"\n"}
