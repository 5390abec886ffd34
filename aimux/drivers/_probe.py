"""Which CLIs are here, which version each is, and what to do about those that are not usable.

Looking for binaries is cheap and done anew each time. Asking one for its version starts a child
that may take seconds, so what it printed is kept on disk for as long as the file is the same.
Failures are never kept.
"""

import datetime
import enum
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import attrs
import orjson
import trio

from aimux.errors import AimuxError, Refusal
from aimux.files.cache import facts_of
from aimux.files.private import make_private
from aimux.model import Profile, Stream, VersionRule, dump_bytes
from aimux.rules import install_step
from aimux.times import utc_now

from ._base import Driver, ProcessSpec
from ._pipe import run_piped
from ._search import Found, Lack, Missing, find

VERSION_LIMIT_S: Final = 5.0  # the slowest real CLI takes 2.2 s
PRINTED_CHARS: Final = 2_000  # of what a version command prints
KEPT_S: Final = 86_400.0  # a shim's file stays the same when what it leads to changes
NOT_STARTED: Final = frozenset({126, 127, 9009})  # said by shells and by env: no such program
_SCHEMA: Final = 1


class Verdict(enum.StrEnum):
    """How a version stands to the range its profile was tested with."""

    TESTED = "tested"
    UNTESTED = "untested"
    UNKNOWN = "unknown"  # no version was recognised


@attrs.frozen(kw_only=True)
class Version:
    """What a CLI said about itself.

    `fault` tells why `text` is empty; `is_dead` that it does not even run.
    """

    text: str = ""
    verdict: Verdict = Verdict.UNKNOWN
    fault: str = ""
    is_dead: bool = False


class State(enum.StrEnum):
    """What a CLI is good for on this machine."""

    READY = "ready"
    UNTESTED_VERSION = "untested_version"  # usable, but its flags and output may have changed
    BROKEN = "broken"
    MISSING = "missing"


@attrs.frozen(kw_only=True)
class Standing:
    """One CLI on this machine: its state, why, and what a person can do about it."""

    name: str
    state: State
    path: str = ""
    via: str = ""
    version: str = ""
    reason: str = ""
    remedy: str = ""
    places: Sequence[str] = ()


# ------------------------------------------------------------------------------------- decisions


def read_version(printed: str, rule: VersionRule) -> Version:
    """Return the version in what a CLI printed, and whether it was tested.

    A bound holds for everything it is a prefix of: up to `2.1` includes 2.1.330. An empty bound is
    open; with none at all nothing was tested, and every version is as good as another.
    """
    found = re.search(rule.pattern, printed)
    if found is None:
        head = " ".join(printed.split())[:80]
        return Version(fault=f"no version in {head!r}" if head else "printed nothing")
    text = found[1] if found.re.groups else found[0]
    numbers = _numbers(text)
    low, high = _numbers(rule.tested_from), _numbers(rule.tested_to)
    is_tested = numbers[: len(low)] >= low and (not high or numbers[: len(high)] <= high)
    return Version(text=text, verdict=Verdict.TESTED if is_tested else Verdict.UNTESTED)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))


def judge(profile: Profile, found: Found | Missing, version: Version | None) -> Standing:
    """Return how a CLI stands. `version` None means that it was not asked."""
    shown = profile.display_name or profile.name
    if isinstance(found, Missing):
        return _judge_missing(profile, shown, found)
    standing = Standing(name=profile.name, state=State.READY, path=found.path, via=found.via)
    if version is None:
        return standing
    if version.is_dead:
        return attrs.evolve(
            standing,
            state=State.BROKEN,
            reason=version.fault,
            remedy=f"run {_command(found.path, profile)} by hand; reinstalling {shown} may help",
        )
    if version.verdict is Verdict.TESTED:
        return attrs.evolve(standing, version=version.text)
    bounds = " to ".join(filter(None, (profile.version.tested_from, profile.version.tested_to)))
    reason = version.fault or f"version {version.text} is outside the tested range ({bounds})"
    return attrs.evolve(
        standing,
        state=State.UNTESTED_VERSION,
        version=version.text,
        reason=reason,
        remedy=f"if calls fail, check with `aimux profile test {profile.name}`",
    )


def _judge_missing(profile: Profile, shown: str, found: Missing) -> Standing:
    match found.reason:
        case Lack.NOT_FOUND:
            state, reason = (
                State.MISSING,
                f"{profile.binary} is not on PATH nor in the usual places",
            )
            remedy = (
                f"{install_step(profile)}; or name its directory in search_paths of the profile"
            )
        case Lack.IS_DIRECTORY:
            state, reason = State.BROKEN, f"{found.path} is a directory"
            remedy = f"remove it, or name the directory of {shown} in search_paths of the profile"
        case Lack.NOT_EXECUTABLE:
            state, reason = State.BROKEN, f"{found.path} is not executable"
            remedy = f"chmod +x {found.path}"
    return Standing(
        name=profile.name,
        state=state,
        path=found.path,
        reason=reason,
        remedy=remedy,
        places=list(found.places),
    )


def _command(path: str, profile: Profile) -> str:
    return " ".join([path, *profile.version.args])


# ------------------------------------------------------------------------------------ the memory


@attrs.frozen(kw_only=True)
class VersionStatistics:
    """What a `VersionCache` has done: entries known, questions answered and not, why not kept."""

    known: int
    hits: int
    misses: int
    unwritable: str


class Clock(Protocol):
    """Tells the time, aware."""

    def __call__(self) -> datetime.datetime:
        """Return now."""


class VersionCache:
    """What version commands printed, by path and file facts (mtime, size, inode), in a JSON file.

    A file that is missing, broken or of another schema is an empty one. A directory that cannot be
    written is told in `statistics()` and changes nothing else. Methods block for a small file's
    time.
    """

    def __init__(self, file: str | os.PathLike[str], *, now: Clock = utc_now) -> None:
        self._file = Path(file)
        self._now = now
        self._own: dict[str, dict[str, object]] = {}
        self._known = self._read()
        self._hits = self._misses = 0
        self._unwritable = ""

    def __repr__(self) -> str:
        facts = self.statistics()
        tail = f", not kept: {facts.unwritable}" if facts.unwritable else ""
        return (
            f"<VersionCache: {facts.known} known, {facts.hits} hits, {facts.misses} misses{tail}>"
        )

    def statistics(self) -> VersionStatistics:
        """Return the counters so far."""
        return VersionStatistics(
            known=len(self._known),
            hits=self._hits,
            misses=self._misses,
            unwritable=self._unwritable,
        )

    def recall(self, path: str, args: Sequence[str]) -> str | None:
        """Return what this very file printed, None if that is not known any more."""
        facts = _facts(path)
        match self._known.get(_key(path, args)):
            case {"facts": list(known), "printed": str(printed), "at": float(at)} if (
                known == facts and 0 <= self._now().timestamp() - at < KEPT_S
            ):
                self._hits += 1
                return printed
        self._misses += 1
        return None

    def keep(self, path: str, args: Sequence[str], printed: str) -> None:
        """Remember what the file printed."""
        facts = _facts(path)
        if facts:
            entry: dict[str, object] = {
                "facts": facts,
                "printed": printed[:PRINTED_CHARS],
                "at": self._now().timestamp(),
            }
            self._own[_key(path, args)] = self._known[_key(path, args)] = entry

    def save(self) -> None:
        """Write what was kept since the last time, beside what others wrote meanwhile."""
        if not self._own:
            return
        self._known = {**self._read(), **self._own}
        data = dump_bytes({"schema": _SCHEMA, "entries": self._known})
        try:
            make_private(self._file.parent)
            fd, name = tempfile.mkstemp(dir=self._file.parent, prefix=self._file.name)
            try:
                with os.fdopen(fd, "wb") as out:
                    out.write(data)
                Path(name).replace(self._file)
            except OSError:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            self._unwritable = str(error)
            return
        self._unwritable = ""
        self._own.clear()

    def _read(self) -> dict[str, dict[str, object]]:
        try:
            read: object = orjson.loads(self._file.read_bytes())
        except (OSError, ValueError):
            return {}
        match read:
            case {"schema": 1, "entries": dict(entries)}:
                return {key: entry for key, entry in entries.items() if isinstance(entry, dict)}
        return {}


def _key(path: str, args: Sequence[str]) -> str:
    return "\0".join([path, *args])


def _facts(path: str) -> list[int]:
    return list(facts_of(Path(path)) or ())


# ----------------------------------------------------------------------------------- the search


async def discover(
    profiles: Sequence[Profile], env: Mapping[str, str]
) -> dict[str, Found | Missing]:
    """Look for the binaries of all profiles at once, in threads; keys are their names, in order.

    It only looks; cancelled, it waits for the looks under way.
    """
    results: dict[str, Found | Missing] = {}
    limiter = trio.CapacityLimiter(len(profiles) or 1)

    async def search(profile: Profile) -> None:
        ask = partial(find, profile.binary, env=env, search_paths=profile.search_paths)
        results[profile.name] = await trio.to_thread.run_sync(ask, limiter=limiter)

    async with trio.open_nursery() as nursery:
        for profile in profiles:
            nursery.start_soon(search, profile)
    return {profile.name: results[profile.name] for profile in profiles}


async def probe_version(
    path: str,
    profile: Profile,
    env: Mapping[str, str],
    *,
    cache: VersionCache,
    driver: Driver = run_piped,
) -> Version:
    """Return a CLI's version, from the cache or by asking it for at most `VERSION_LIMIT_S`.

    It never raises for what the CLI does: that is in `fault`. Cancelling it stops the child.
    """
    args = profile.version.args
    known = cache.recall(path, args)
    if known is not None:
        await trio.lowlevel.checkpoint()
        return read_version(known, profile.version)
    heard: dict[Stream, bytearray] = {Stream.STDOUT: bytearray(), Stream.STDERR: bytearray()}

    def take(stream: Stream, data: bytes) -> None:
        heard[stream] += data[: PRINTED_CHARS - len(heard[stream])]

    spec = ProcessSpec(argv=[path, *args], cwd=tempfile.gettempdir(), env=env, grace_s=0.5)
    try:
        with trio.move_on_after(VERSION_LIMIT_S) as limit:
            exit_ = await driver(spec, take)
    except Refusal as error:  # by this machine, now; the CLI may be as good as ever
        return Version(fault=error.message)
    except AimuxError as error:
        return Version(fault=error.message, is_dead=True)
    if limit.cancelled_caught:
        return Version(fault=f"did not tell its version within {VERSION_LIMIT_S:g} s")
    # stdout first: stderr may name the version of something else, Node's for one
    printed = (heard[Stream.STDOUT] + b"\n" + heard[Stream.STDERR]).decode(errors="replace")
    version = read_version(printed, profile.version)
    if version.text:
        cache.keep(path, args, printed)
    elif exit_.exit_code != 0:
        how = exit_.signal or f"exit code {exit_.exit_code}"
        # a CLI may not know the flag, or want a login first, and still answer prompts
        is_dead = bool(exit_.signal) or exit_.exit_code in NOT_STARTED
        return attrs.evolve(version, fault=f"{how}, {version.fault}", is_dead=is_dead)
    return version
