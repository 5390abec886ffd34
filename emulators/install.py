"""Write launchers named like the real binaries: ``python emulators/install.py DIR [NAME...]``.

Also a function for tests and demos: ``install(directory, ["codex"], faults="quota")``.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path

ALL = (
    "aider",
    "claude",
    "cline",
    "cn",
    "codex",
    "crush",
    "droid",
    "gemini",
    "goose",
    "gptme",
    "opencode",
    "qwen",
)


def install(
    directory: Path,
    names: Iterable[str] = ALL,
    *,
    python: str = sys.executable,
    home: Path | None = None,
    faults: str | None = None,
    directives: str | None = None,
    time_scale: float | None = None,
    script: Iterable[Mapping[str, object]] | None = None,
) -> dict[str, Path]:
    """Write a launcher per name into ``directory`` and return where each one is.

    ``home`` becomes HOME of the emulator; ``faults`` is a fault script; ``directives`` are obeyed
    as if every prompt held them; ``time_scale`` multiplies the waits the real CLI makes by itself
    (retries, stdin waits). ``script`` has answers (README). They are baked in because a multiplexer
    gives its children a small environment.

    Raises:
        KeyError: a name is not an emulator's.
        OSError: the directory cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    main = Path(__file__).resolve().parent / "__main__.py"
    variables: dict[str, str] = {}
    if home is not None:
        variables["HOME"] = str(home)
        if os.name == "nt":
            variables["USERPROFILE"] = str(home)
    if faults is not None:
        variables["EMULATOR_FAULTS"] = faults
    if directives is not None:
        variables["EMULATOR_DIRECTIVES"] = directives
    if time_scale is not None:
        variables["EMULATOR_TIME_SCALE"] = str(time_scale)
    if script is not None:
        path = directory / f".{uuid.uuid4().hex}.json"
        path.write_text(json.dumps(list(script)), encoding="utf-8")
        variables["EMULATOR_SCRIPT"] = str(path)
    written: dict[str, Path] = {}
    for name in names:
        if name not in ALL:
            raise KeyError(name)
        written[name] = _write(directory, name, [python, "-I", "-S", str(main), name], variables)
    return written


def _write(directory: Path, name: str, command: list[str], variables: Mapping[str, str]) -> Path:
    if os.name == "nt":
        return write_batch(directory, name, command, variables)
    path = directory / name
    settings = "".join(f"export {key}={shlex.quote(value)}\n" for key, value in variables.items())
    path.write_text(f'#!/bin/sh\n{settings}exec {shlex.join(command)} "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return path


def write_batch(
    directory: Path, name: str, command: list[str], variables: Mapping[str, str]
) -> Path:
    """Write a batch file of one line, as installers do, and the program that it names.

    Whoever starts it may read the line and start the program instead: a shell would read a prompt
    as commands. So what is baked in stands in the program.
    """
    *python, main, word = command
    program = (
        "import os, runpy, sys\n"
        f"os.environ.update({dict(variables)!r})\n"
        f"sys.argv[:] = [{main!r}, {word!r}, *sys.argv[1:]]\n"
        f'runpy.run_path({main!r}, run_name="__main__")\n'
    )
    (directory / f"{name}.py").write_text(program, encoding="utf-8")
    quoted = " ".join(f'"{each}"' for each in python)
    path = directory / f"{name}.cmd"
    path.write_text(f'@{quoted} "%~dp0\\{name}.py" %*\r\n', encoding="utf-8", newline="")
    return path


def main(argv: list[str]) -> int:
    """Install into the directory named first, all emulators or those named after it."""
    if not argv or argv[0].startswith("-"):
        sys.stderr.write(f"usage: install.py DIRECTORY [NAME...]\nnames: {', '.join(ALL)}\n")
        return 2
    try:
        written = install(Path(argv[0]), argv[1:] or ALL)
    except KeyError as unknown:
        sys.stderr.write(f"no such emulator: {unknown.args[0]} (there are {', '.join(ALL)})\n")
        return 2
    for path in written.values():
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
