"""The guide's page on new CLIs: its files and commands do what it says."""

import subprocess
import sys
from pathlib import Path

import pytest
import trio

from ..playbook import commands_of, files_of
from ._host import Json, Server, attach, error_of, start_server
from ._stand import Stand

PAGE = "new-cli.md"


@pytest.fixture
def guided(tmp_path: Path) -> Stand:
    """A machine with the files of the page, and `aimux` on PATH."""
    stand = Stand(root=tmp_path)
    stand.home.mkdir()
    for name, text in files_of(PAGE).items():
        path = (stand.config if name.startswith("cli.d/") else stand.root) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
    aimux = stand.bin / "aimux"
    aimux.write_text(f'#!/bin/sh\nexec {sys.executable} -m aimux "$@"\n', encoding="utf-8")
    aimux.chmod(0o755)
    return stand


@pytest.mark.slow
@pytest.mark.requirement("setup:new_cli")
def test_the_commands_of_the_page_print_what_it_shows(guided: Stand) -> None:
    """In one shell, in order. Where the page shows no output, only the exit code is looked at."""
    commands = commands_of(PAGE)
    shell = "\n".join(f"{command.line}\necho @@$?" for command in commands)
    done = subprocess.run(
        ["/bin/sh", "-c", shell],
        capture_output=True,
        env=guided.env,
        cwd=guided.project(),
        timeout=120,
        check=True,
        encoding="utf-8",
    )
    outputs = _outputs(done.stdout)

    assert len(commands) == 8
    for command, (output, code) in zip(commands, outputs, strict=True):
        if command.shown:
            assert output.strip() == command.shown.strip(), command.line
        assert code == command.exit_code, command.line


def _outputs(text: str) -> list[tuple[str, int]]:
    """What each command printed, and its exit code."""
    found: list[tuple[str, int]] = []
    lines: list[str] = []
    for line in text.splitlines():
        before, mark, code = line.rpartition("@@")
        if mark and code.isdigit():
            found.append(("\n".join([*lines, before]), int(code)))
            lines = []
        else:
            lines.append(line)
    return found


@pytest.mark.requirement("setup:new_cli")
def test_fields_of_a_new_cli_become_the_result(guided: Stand) -> None:
    """Text, cost, tokens, session, error class: all from the profile, none from code."""

    async def play(server: Server) -> dict[str, Json]:
        async with attach(server) as host:
            first = await host.exec("tell", cli="scribe")
            return {
                "health": await host.call("sessions", action="health"),
                "text": await host.exec("hello", cli="parrot"),
                "json": await host.exec("x" * 150_000, cli="oracle", mode="write"),
                "error": await host.exec("fail", cli="oracle"),
                "first": first,
                "again": await host.exec("go on", session_id=first["session_id"]),
            }

    with start_server(guided.env, guided.project(), guided.root / "stderr") as server:
        seen = trio.run(play, server)
    states = {state["name"]: state for state in seen["health"]["clis"]}  # type: ignore[attr-defined]

    assert seen["health"]["problems"] == []
    assert states["parrot"]["version"] == "1.4.2"
    assert seen["health"]["clis_ready"] == ["oracle", "scribe", "parrot"]
    assert str(seen["text"]["content"]).strip() == "You said: hello"
    assert seen["json"]["content"] == "--touch, 150000 characters"
    assert seen["json"]["usage"]["cost_usd"] == 0.25  # type: ignore[index]
    assert error_of(seen["error"])[0] == "quota"
    assert seen["first"]["content"] == "once upon a time, first"
    assert seen["first"]["usage"]["output_tokens"] == 5  # type: ignore[index]
    assert seen["again"]["content"] == "once upon a time, again"
