"""Launchers stand in for the binaries."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from aimux.drivers._windows import parse_shim

from .. import needs
from ._theatre import MAIN


@pytest.fixture
def installer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("installer", MAIN.with_name("install.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(command: list[str], **more: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=60,
        **more,  # type: ignore[call-overload]
    )


@needs.posix
def test_all_binaries_are_placed_and_run(installer: ModuleType, tmp_path: Path) -> None:
    """Under a path with a space and a quote, from another directory."""
    directory = tmp_path / "it's a bin"
    placed = installer.install(directory)
    done = run([str(placed["codex"]), "--version"], cwd="/")

    assert sorted(path.name for path in directory.iterdir()) == sorted(installer.ALL)
    assert done.stdout == "codex-cli 0.169.0\n"


@needs.posix
def test_launcher_carries_home_faults_directives_and_scale(
    installer: ModuleType, tmp_path: Path
) -> None:
    """They reach the emulator through an empty environment."""
    placed = installer.install(
        tmp_path / "bin",
        ["cn"],
        home=tmp_path / "home",
        faults="exit 7",
        directives="[[sha256]]",
        time_scale=0,
    )
    done = run([str(placed["cn"]), "-p", "--", "x"], env={}, cwd=tmp_path)

    assert done.returncode == 7
    assert done.stdout.endswith(" bytes 1\n")
    assert list((tmp_path / "home" / ".continue" / "sessions").glob("*.json"))


def test_batch_file_names_a_program_that_carries_the_same(
    installer: ModuleType, tmp_path: Path
) -> None:
    """aimux starts no batch file; it reads which program one stands for."""
    python = "C:\\Program Files\\py\\python.exe"
    command = [python, "-I", "-S", str(MAIN), "codex"]
    path = installer.write_batch(tmp_path, "codex", command, {"EMULATOR_FAULTS": "exit 7"})
    program = str(tmp_path / "codex.py")
    version = run([sys.executable, "-I", "-S", program, "--version"])
    failed = run(
        [sys.executable, "-I", "-S", program, "exec", "--skip-git-repo-check", "x"], cwd=tmp_path
    )

    there = parse_shim(path.read_text(encoding="utf-8"), "C:\\bin")
    assert there == [python, "-I", "-S", "C:\\bin\\codex.py"]
    assert version.stdout == "codex-cli 0.169.0\n"
    assert failed.returncode == 7


def test_unknown_names_are_refused(installer: ModuleType, tmp_path: Path) -> None:
    """In the function and on the command line."""
    with pytest.raises(KeyError, match="cursor"):
        installer.install(tmp_path, ["cursor"])
    script = str(MAIN.with_name("install.py"))
    done = run([sys.executable, script, str(tmp_path), "cursor"])

    assert done.returncode == 2
    assert "no such emulator: cursor" in done.stderr


def test_command_line_names_what_it_placed(tmp_path: Path) -> None:
    """One path a line."""
    script = str(MAIN.with_name("install.py"))
    done = run([sys.executable, script, str(tmp_path / "bin"), "goose", "droid"])

    assert [Path(line).stem for line in done.stdout.split()] == ["goose", "droid"]


@needs.posix
def test_a_copied_folder_works_by_itself(tmp_path: Path) -> None:
    """Nothing beside the folder is needed: the wheel carries it under another name's parent."""
    import shutil

    ignored = shutil.ignore_patterns("model_server", "__pycache__")
    shutil.copytree(MAIN.parent, tmp_path / "data" / "emulators", ignore=ignored)
    done = run(
        [
            sys.executable,
            "-I",
            "-S",
            str(tmp_path / "data/emulators/__main__.py"),
            "aider",
            "--version",
        ]
    )

    assert (done.stdout, done.stderr) == ("aider 0.86.2\n", "")
