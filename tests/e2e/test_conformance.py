"""`aimux profile test`: twelve green tables, and a red one where a profile promises too much."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import trio

from ._each import each
from ._host import Json
from ._stand import CLIS, Stand

APPLICABLE = 15
LIMIT_S = 150


async def _run(stand: Stand, *words: str) -> subprocess.CompletedProcess[bytes]:
    with trio.fail_after(LIMIT_S):
        return await trio.run_process(
            [sys.executable, "-m", "aimux", "profile", "test", *words],
            capture_stdout=True,
            capture_stderr=True,
            check=False,
            env=stand.env,
            cwd=stand.root,
        )


@pytest.fixture
def bare(tmp_path: Path) -> Stand:
    """A machine without any CLI."""
    stand = Stand(root=tmp_path)
    stand.home.mkdir()
    stand.bin.mkdir()
    return stand


def _red(report: Json) -> dict[str, str]:
    rows = report["rows"]
    assert isinstance(rows, list)
    return {row["name"]: row["said"] for row in rows if row["verdict"] != "green"}


@pytest.mark.slow
@pytest.mark.requirement("profile_test:twelve")
async def test_twelve_profiles_are_green_on_their_emulators(bare: Stand) -> None:
    """Every row of every table, with exit code 0 and the features each may claim."""

    async def one(cli: str) -> Json:
        done = await _run(bare, cli, "--emulated", "--json")
        assert done.stdout, done.stderr
        report: Json = json.loads(done.stdout)
        assert done.returncode == 0, _red(report)
        return report

    found = await each(one, at_once=4)
    claims = {cli: set(report["may_claim"]) for cli, report in found.items()}  # type: ignore[call-overload]

    assert {cli: _red(report) for cli, report in found.items()} == {cli: {} for cli in CLIS}
    assert {len(report["rows"]) for report in found.values()} == {APPLICABLE}  # type: ignore[arg-type]
    assert {cli for cli in CLIS if "session_resume: retold" in claims[cli]} == {
        *("aider", "cline", "continue", "crush"),
    }
    assert "read_only: sandbox" in claims["codex"]
    assert "read_only: none" in claims["crush"]


@pytest.mark.requirement("profile_test:red")
async def test_a_profile_that_promises_too_much_is_red(bare: Stand) -> None:
    """A read mode without its flag is no sandbox, and the exit code says so."""
    bare.overlay("codex", modes={"read": {"flags": ["-s", "workspace-write"]}})
    done = await _run(bare, "codex", "--emulated", "--json")
    report: Mapping[str, object] = json.loads(done.stdout)

    assert done.returncode == 1
    assert list(_red(dict(report))) == ["read mode"]
    assert report["may_not_claim"] == ["read_only"]
    assert report["green"] is False


@pytest.mark.requirement("profile_test:real")
async def test_rows_that_need_a_fault_are_left_out_on_an_installed_cli(bare: Stand) -> None:
    """Seen on a CLI that answers every call with the same word."""
    script = bare.bin / "parrot"
    script.write_text("#!/bin/sh\ncat > /dev/null\necho PELICAN\n", encoding="utf-8")
    script.chmod(0o755)
    bare.overlay(
        "parrot", schema_version=1, binary="parrot", command=["parrot"], prompt={"ways": ["stdin"]}
    )
    done = await _run(bare, "parrot", "--json")
    report = json.loads(done.stdout)
    verdicts = {row["name"]: row["verdict"] for row in report["rows"]}

    assert {name for name, verdict in verdicts.items() if verdict == "not applicable"} == {
        *("noise", "5 MB line", "silence", "auth prompt", "kill tree", "quota text"),
    }
    assert verdicts["EOF"] == verdicts["dash-leading prompt"] == "green"
    assert verdicts["write mode"] == "red"  # it writes no file
    assert done.returncode == 1


@pytest.mark.requirement("profile_test:unknown")
async def test_names_that_cannot_be_tested_are_told(bare: Stand) -> None:
    """An unknown profile, one without a CLI: exit code 2 and a line on stderr."""
    unknown = await _run(bare, "codx", "--emulated")
    absent = await _run(bare, "codex")

    assert (unknown.returncode, absent.returncode) == (2, 2)
    assert b"codex" in unknown.stderr
    assert b"codex is not ready here" in absent.stderr
