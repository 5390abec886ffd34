"""`aimux run`, as a shell runs it."""

import json
import shutil
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from .conftest import LIMIT_S, Machine

pytestmark = pytest.mark.slow


def test_the_answer_alone_is_on_stdout(machine: Machine) -> None:
    """Progress and facts go to stderr, so that a pipe carries the answer."""
    said = machine.aimux("run", "-c", "codex", "[[say 30]]")

    assert said.code == 0
    assert said.out.endswith("\n")
    assert len(said.out.removesuffix("\n")) == 30
    assert "codex started (read only)" in said.err
    assert "completed" in said.err


def test_a_prompt_comes_from_stdin(machine: Machine) -> None:
    """`-` reads it, byte for byte."""
    said = machine.aimux("run", "-q", "-c", "codex", "-", stdin="ünï [[sha256]]")
    direct = machine.aimux("run", "-q", "-c", "codex", "ünï [[sha256]]")

    assert said.code == 0
    assert said.out == direct.out != ""
    assert said.err == ""


def test_an_empty_prompt_is_a_usage_error(served: Machine) -> None:
    """Nothing is started for it."""
    said = served.aimux("run", "-", stdin=" \n")

    assert said.code == 2
    assert "the prompt is empty" in said.err


def test_a_conversation_goes_on(served: Machine) -> None:
    """The session printed by one run is taken by the next."""
    first = json.loads(served.aimux("run", "--json", "-c", "claude", "Remember teal.").out)
    said = served.aimux("run", "-s", first["session_id"], "[[recall]]")

    assert said.code == 0
    assert "teal" in said.out


def test_a_failed_job_has_exit_code_one_and_says_why(served: Machine) -> None:
    """The class of the failure is on stderr."""
    said = served.aimux("run", "-c", "codex", "--no-fallback", "[[fault auth]]")

    assert said.code == 1
    assert said.out == ""
    assert "auth" in said.err


def test_an_unknown_cli_is_a_usage_error_that_names_the_known(served: Machine) -> None:
    """No job is made of it."""
    said = served.aimux("run", "-c", "codecs", "hello")

    assert said.code == 2
    assert "codex" in said.err


def test_ones_own_broken_profile_is_told_by_run_and_clis(served: Machine) -> None:
    """Whether nothing knows that CLI then, or the shipped profile stays in use."""
    places = {name: served.config / "cli.d" / name / "profile.yaml" for name in ("mine", "codex")}
    texts = {
        "mine": "name: mine\nbinary: mine\ncommand: [mine]\ntimeout_s: soon\n",
        "codex": "name: codex\ntimeout_s: later\n",
    }
    try:
        for name, place in places.items():
            place.parent.mkdir(parents=True)
            place.write_text(texts[name], encoding="utf-8")
        mine = served.aimux("run", "-c", "mine", "hello")
        codex = served.aimux("run", "-q", "-c", "codex", "hello")
        shown = served.aimux("clis")
        tested = served.aimux("profile", "test", "mine")
        rows = {each["name"]: each for each in json.loads(served.aimux("clis", "--json").out)}
    finally:
        shutil.rmtree(served.config / "cli.d")
    fault = f"timeout_s: 'soon' is not a number @ {places['mine']}:4"

    assert mine.code == 2
    assert f"the profile of mine is left out: {fault}" in mine.err
    assert "aimux config check" in mine.err
    assert fault in tested.err
    assert codex.code == 0
    assert "warning: your profile of codex is left out: timeout_s: 'later'" in codex.err
    assert "mine" in shown.out
    assert fault.partition(" @ ")[0] in shown.out
    assert "codex: your profile is left out: timeout_s: 'later'" in shown.err
    assert (rows["mine"]["state"], rows["mine"]["is_ready"]) == ("broken", False)
    assert (rows["codex"]["state"], rows["claude"]["profile_fault"]) == ("ready", None)


def test_a_plan_starts_nothing(served: Machine) -> None:
    """`--dry-run` shows the argument list."""
    said = served.aimux("run", "-c", "codex", "--mode", "read", "--dry-run", "hello")

    assert said.code == 0
    assert "read-only" in said.out
    assert "exec" in said.out


def test_an_answer_that_fits_a_schema_is_printed_as_json(served: Machine, tmp_path: Path) -> None:
    """`--schema` takes a file."""
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "object", "required": ["answer"]}', encoding="utf-8")
    prompt = '[[json {"answer": 42}]]'
    said = served.aimux("run", "-q", "-c", "codex", "--schema", str(schema), prompt)

    assert said.code == 0
    assert json.loads(said.out) == {"answer": 42}


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_a_schema_that_is_none_is_refused(served: Machine, tmp_path: Path, text: str) -> None:
    """The file is named."""
    schema = tmp_path / "schema.json"
    schema.write_text(text, encoding="utf-8")
    said = served.aimux("run", "--schema", str(schema), "hello")

    assert said.code == 2
    assert str(schema) in said.err


def test_async_without_a_daemon_is_refused(machine: Machine) -> None:
    """The job would end with the command."""
    said = machine.aimux("run", "--async", "-c", "codex", "hello")

    assert said.code == 2
    assert "needs the daemon" in said.err


def test_an_interrupt_cancels_the_job_and_stops_its_cli(machine: Machine) -> None:
    """The child is gone when the command is."""
    running = subprocess.Popen(
        machine.argv("run", "-c", "codex", "[[sleep 600]]"),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        cwd=machine.project,
        env=machine.env(),
    )
    assert running.stderr is not None
    assert "started" in running.stderr.readline()
    running.send_signal(signal.SIGINT)
    out, _ = running.communicate(timeout=LIMIT_S)
    jobs = json.loads(machine.aimux("ps", "-a", "--json").out)

    assert running.returncode == 130
    assert out == ""
    assert [job["status"] for job in jobs if "sleep 600" in job["prompt_preview"]] == ["cancelled"]
    assert survivors(machine) == []


def survivors(machine: Machine) -> list[str]:
    """Command lines of processes that live in the machine's home."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("HOME") == machine.env()["HOME"]:
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found
