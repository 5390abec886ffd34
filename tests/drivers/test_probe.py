"""Which CLIs are here, and which versions."""

import datetime
import os
from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest
import trio
from trio.testing import MockClock

from aimux.drivers import (
    Exit,
    Found,
    Lack,
    Missing,
    State,
    Verdict,
    Version,
    VersionCache,
    discover,
    judge,
    probe_version,
    read_version,
)
from aimux.errors import BinaryMissing, Refusal
from aimux.model import Profile, Stream, VersionRule
from aimux.testing import FakeDriver, Say, Turn

from .. import needs

pytestmark = needs.posix

NOW = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)


def profile(name: str = "codex", **rule: object) -> Profile:
    version = VersionRule(**{"tested_from": "0.160", "tested_to": "0.169", **rule})  # type: ignore[arg-type]
    return Profile(name=name, binary=name, command=[name], version=version)


def tool(
    directory: Path, name: str, script: str, *, mode: int = 0o755, first: str = "#!/bin/sh"
) -> str:
    file = directory / name
    file.write_text(f"{first}\n{script}\n", encoding="ascii")
    file.chmod(mode)
    return str(file)


@pytest.mark.parametrize(
    ("printed", "text", "verdict"),
    [
        ("codex-cli 0.169.0\n", "0.169.0", Verdict.TESTED),
        ("0.169.7", "0.169.7", Verdict.TESTED),
        ("0.160", "0.160", Verdict.TESTED),
        ("0.170.0", "0.170.0", Verdict.UNTESTED),
        ("0.99.1", "0.99.1", Verdict.UNTESTED),
        ("v0.159.9 (x)", "0.159.9", Verdict.UNTESTED),
        ("1.0", "1.0", Verdict.UNTESTED),
        ("no idea", "", Verdict.UNKNOWN),
        ("", "", Verdict.UNKNOWN),
    ],
)
def test_versions_are_read_and_compared_as_numbers(
    printed: str, text: str, verdict: Verdict
) -> None:
    """Bounds are inclusive and hold for all they are a prefix of."""
    version = read_version(printed, profile().version)

    assert (version.text, version.verdict) == (text, verdict)
    assert bool(version.fault) == (not text)


def test_open_bounds_and_patterns_without_groups() -> None:
    """A profile may know only the oldest good version, or none; its pattern is its own."""
    assert read_version("9.9", VersionRule(tested_from="2.0")).verdict is Verdict.TESTED
    assert read_version("1.9", VersionRule(tested_from="2.0")).verdict is Verdict.UNTESTED
    assert read_version("0.0.1", VersionRule()).verdict is Verdict.TESTED
    assert read_version("build 77", VersionRule(pattern=r"\d+")).text == "77"


@pytest.mark.parametrize(
    ("found", "version", "state", "says"),
    [
        (Found("/b/codex", "PATH"), None, State.READY, ""),
        (
            Found("/b/codex", "PATH"),
            Version(text="0.169", verdict=Verdict.TESTED),
            State.READY,
            "",
        ),
        (
            Found("/b/codex", "PATH"),
            Version(text="2.0", verdict=Verdict.UNTESTED),
            State.UNTESTED_VERSION,
            "version 2.0 is outside the tested range (0.160 to 0.169)",
        ),
        (Found("/b/codex", "PATH"), Version(fault="slow"), State.UNTESTED_VERSION, "slow"),
        (Found("/b/codex", "PATH"), Version(fault="dead", is_dead=True), State.BROKEN, "dead"),
        (Missing(Lack.NOT_FOUND, ["/a"]), None, State.MISSING, "codex is not on PATH"),
        (Missing(Lack.IS_DIRECTORY, ["/a"], "/a/codex"), None, State.BROKEN, "is a directory"),
        (Missing(Lack.NOT_EXECUTABLE, ["/a"], "/a/codex"), None, State.BROKEN, "not executable"),
    ],
)
def test_every_standing_has_reason_and_remedy(
    found: Found | Missing, version: Version | None, state: State, says: str
) -> None:
    """Whatever is not ready says why and what to do."""
    standing = judge(profile(), found, version)

    assert standing.state is state
    assert says in standing.reason
    assert bool(standing.remedy) == bool(standing.reason) == (state is not State.READY)
    if isinstance(found, Missing):
        assert (standing.places, standing.path) == (["/a"], found.path)
    else:
        assert (standing.path, standing.via) == ("/b/codex", "PATH")


def test_a_missing_cli_is_installed_by_a_command_that_can_be_copied() -> None:
    """Where the profile knows one."""
    known = attrs.evolve(profile(), install="npm install -g @openai/codex")
    found = Missing(Lack.NOT_FOUND, ["/a"])

    assert judge(known, found, None).remedy == (
        "install codex: npm install -g @openai/codex; "
        "or name its directory in search_paths of the profile"
    )
    assert judge(profile(), found, None).remedy.startswith("install codex; or name")


async def test_a_machine_without_room_breaks_no_cli(tmp_path: Path) -> None:
    """Its version is not known, and that is all."""

    async def refuse(*_: object, **__: object) -> Exit:
        await trio.lowlevel.checkpoint()
        raise Refusal("no room", code="machine_exhausted")

    cache = VersionCache(tmp_path / "versions")
    version = await probe_version("/b/codex", profile(), {}, cache=cache, driver=refuse)

    assert version == Version(fault="no room")


async def test_discovery_finds_all_at_once_in_the_given_order(tmp_path: Path) -> None:
    """The client's PATH counts; results keep the order of the profiles."""
    (tmp_path / "b").mkdir()
    path = tool(tmp_path, "c", "")
    tool(tmp_path, "a", "", mode=0o600)

    found = await discover([profile(n) for n in "cab"], {"PATH": str(tmp_path), "HOME": "/x"})

    assert list(found) == ["c", "a", "b"]
    assert found["c"] == Found(path, "PATH")
    assert [f.reason for f in found.values() if isinstance(f, Missing)] == [
        Lack.NOT_EXECUTABLE,
        Lack.IS_DIRECTORY,
    ]


async def test_stock_of_a_real_machine(mock_clock: MockClock, tmp_path: Path) -> None:
    """Ready, untested, broken in three ways, silent and missing, all from one search."""
    tool(tmp_path, "good", "echo good 0.165.2")
    tool(tmp_path, "new", "echo new 3.0.0 >&2")
    tool(tmp_path, "crashing", "echo boom >&2; exit 9")
    tool(tmp_path, "dying", "kill -ILL $$")
    tool(tmp_path, "mute", "true")
    tool(tmp_path, "hanging", "trap '' TERM; while :; do sleep 60; done")
    tool(tmp_path, "locked", "", mode=0o600)
    tool(tmp_path, "noshebang", "", first="\x7fELF")
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    names = ["good", "new", "crashing", "dying", "mute", "hanging", "locked", "noshebang", "absent"]

    cache = VersionCache(tmp_path / "cache.json")
    profiles = [profile(name) for name in names]
    found = await discover(profiles, env)
    stock = {}
    for each in profiles:
        directory = found[each.name]
        is_there = isinstance(directory, Found)
        version = await probe_version(directory.path, each, env, cache=cache) if is_there else None
        stock[each.name] = judge(each, directory, version)

    assert {name: (s.state.value, s.version) for name, s in stock.items()} == {
        "good": ("ready", "0.165.2"),
        "new": ("untested_version", "3.0.0"),
        "crashing": ("untested_version", ""),
        "dying": ("broken", ""),
        "mute": ("untested_version", ""),
        "hanging": ("untested_version", ""),
        "locked": ("broken", ""),
        "noshebang": ("broken", ""),
        "absent": ("missing", ""),
    }
    assert stock["crashing"].reason == "exit code 9, no version in 'boom'"
    assert stock["dying"].reason == "SIGILL, printed nothing"
    assert "within 5 s" in stock["hanging"].reason
    assert "printed nothing" in stock["mute"].reason
    assert "not a program" in stock["noshebang"].reason


async def test_version_is_asked_once_per_file(autojump_clock: MockClock, tmp_path: Path) -> None:
    """The second process that asks gets it from disk; a changed file is asked again."""
    path = tool(tmp_path, "codex", "one")
    answers = FakeDriver([Turn(says=[Say(b"0.161\n")]), Turn(says=[Say(b"0.162\n")])])

    async def ask() -> str:
        cache = VersionCache(tmp_path / "deep" / "cache.json", now=lambda: NOW)
        version = await probe_version(path, profile(), {}, cache=cache, driver=answers)
        cache.save()
        return version.text

    first, second = await ask(), await ask()
    tool(tmp_path, "codex", "another")
    third, fourth = await ask(), await ask()

    assert [first, second, third, fourth] == ["0.161", "0.161", "0.162", "0.162"]
    assert [list(spec.argv) for spec in answers.specs] == [[path, "--version"]] * 2
    assert answers.specs[0].stdin is None
    assert sorted(p.name for p in (tmp_path / "deep").iterdir()) == ["cache.json"]


async def test_failures_are_asked_again(autojump_clock: MockClock, tmp_path: Path) -> None:
    """A CLI that could not start is not broken for a day."""
    path = tool(tmp_path, "codex", "one")
    cache = VersionCache(tmp_path / "cache.json", now=lambda: NOW)
    answers = FakeDriver(
        [
            Turn(fault=BinaryMissing("codex: gone")),
            Turn(exit_code=1, says=[Say(b"what?", Stream.STDERR)]),
            Turn(hangs=True),
            Turn(says=[Say(b"0.163")]),
        ]
    )

    got = [await probe_version(path, profile(), {}, cache=cache, driver=answers) for _ in range(4)]

    assert [(v.text, v.is_dead) for v in got] == [
        ("", True),
        ("", False),
        ("", False),
        ("0.163", False),
    ]
    assert got[0].fault == "codex: gone"
    assert repr(cache) == "<VersionCache: 1 known, 0 hits, 4 misses>"


@pytest.mark.parametrize(
    ("turn", "is_dead", "fault"),
    [
        (Turn(exit_code=1, says=[Say(b"unknown flag", Stream.STDERR)]), False, "exit code 1"),
        (Turn(exit_code=2), False, "exit code 2"),
        (Turn(exit_code=127, says=[Say(b"env: node: no", Stream.STDERR)]), True, "exit code 127"),
        (Turn(exit_code=126), True, "exit code 126"),
    ],
)
async def test_a_failing_version_command_alone_does_not_make_a_cli_broken(
    autojump_clock: MockClock, tmp_path: Path, turn: Turn, is_dead: bool, fault: str
) -> None:
    """What cannot be started, or crashes, is; what only does not like the question is usable."""
    path = tool(tmp_path, "codex", "one")
    cache = VersionCache(tmp_path / "cache.json", now=lambda: NOW)
    drive = FakeDriver([turn])
    version = await probe_version(path, profile(), {}, cache=cache, driver=drive)
    standing = judge(profile(), Found(path, "PATH"), version)

    assert (version.is_dead, version.fault.startswith(fault)) == (is_dead, True)
    assert standing.state is (State.BROKEN if is_dead else State.UNTESTED_VERSION)
    assert standing.remedy


def keep_in(cache: VersionCache, path: str) -> None:
    cache.keep(path, ["-v"], "1.0")
    cache.save()


def test_memory_ends_after_a_day(tmp_path: Path) -> None:
    """A shim's file does not change when the version behind it does."""
    path, file = tool(tmp_path, "x", ""), tmp_path / "cache.json"
    keep_in(VersionCache(file, now=lambda: NOW), path)

    def recall(hours: float, args: Sequence[str] = ("-v",)) -> str | None:
        later = NOW + datetime.timedelta(hours=hours)
        return VersionCache(file, now=lambda: later).recall(path, args)

    assert [recall(23), recall(25), recall(-1), recall(1, ("-V",))] == ["1.0", None, None, None]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"schema": 99}', b'{"entries": 1}'])
def test_broken_memory_is_an_empty_one(tmp_path: Path, content: bytes) -> None:
    """A file of another version or half a file costs a question, nothing more."""
    path, file = tool(tmp_path, "x", ""), tmp_path / "cache.json"
    file.write_bytes(content)
    cache = VersionCache(file, now=lambda: NOW)

    assert cache.recall(path, ["-v"]) is None
    keep_in(cache, path)

    assert VersionCache(file, now=lambda: NOW).recall(path, ["-v"]) == "1.0"


def test_two_processes_do_not_lose_each_others_answers(tmp_path: Path) -> None:
    """What the other wrote since we read is kept."""
    one, two, file = tool(tmp_path, "1", ""), tool(tmp_path, "2", ""), tmp_path / "cache.json"
    first, second = VersionCache(file, now=lambda: NOW), VersionCache(file, now=lambda: NOW)
    keep_in(first, one)
    keep_in(second, two)

    third = VersionCache(file, now=lambda: NOW)
    assert (third.recall(one, ["-v"]), third.recall(two, ["-v"])) == ("1.0", "1.0")


def test_unwritable_directory_is_told_and_harmless(tmp_path: Path) -> None:
    """A read-only cache directory makes probes slower, not wrong."""
    path = tool(tmp_path, "x", "")
    (tmp_path / "file").touch()
    cache = VersionCache(tmp_path / "file" / "cache.json", now=lambda: NOW)
    keep_in(cache, path)

    assert cache.recall(path, ["-v"]) == "1.0"
    assert cache.statistics().unwritable
    assert "not kept: " in repr(cache)


def test_vanished_binary_is_not_remembered(tmp_path: Path) -> None:
    """A path without a file has no facts to go by."""
    cache = VersionCache(tmp_path / "cache.json", now=lambda: NOW)
    cache.keep("/no/such", [], "1.0")

    assert cache.recall("/no/such", []) is None
    assert cache.statistics().known == 0
