"""Which CLIs there are, for a client's own PATH and profiles.

Two questions with two prices: `ready` (is there a binary) is asked by every call and kept for
`FRESH_S`, unless what was found is too little for the call; `probe` (which version, is it a tested
one, what is the remedy) asks the programs themselves, with a cache that notices a changed file.
"""

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs
import trio

from aimux.config import Snapshot
from aimux.drivers import (
    Driver,
    Found,
    Missing,
    Standing,
    State,
    VersionCache,
    discover,
    judge,
    probe_version,
    run_piped,
)
from aimux.errors import AimuxError
from aimux.model import Profile
from aimux.rules import probe_environment

FRESH_S: Final = 10.0  # one more CLI shows up after this long, a missing one at once
KEPT_FINDINGS: Final = 64  # clients with a PATH or configuration of their own
PROBES_AT_ONCE: Final = 4  # version commands of real CLIs take up to two seconds of a core
NOT_READY: Final = frozenset({State.MISSING, State.BROKEN})


@attrs.frozen(kw_only=True)
class Cli:
    """An installed CLI: where it is and how it is run."""

    name: str
    path: str
    profile: Profile
    places: Sequence[str] = ()


@attrs.frozen(kw_only=True)
class CliState:
    """One CLI as health shows it. `read_strength` says how hard its read mode is."""

    name: str
    display_name: str
    state: str
    is_ready: bool
    path: str
    version: str
    reason: str
    remedy: str
    places: Sequence[str]
    read_strength: str
    resumable: bool
    capabilities: Sequence[str]


@attrs.frozen
class _Finding:
    at: float
    found: Mapping[str, Found | Missing]

    def has(self, wanted: Collection[str]) -> bool:
        """Whether nothing that is wanted was missing, and not everything."""
        if any(isinstance(self.found.get(name), Missing) for name in wanted):
            return False
        return any(isinstance(where, Found) for where in self.found.values())


class CliRegistry:
    """Knows the CLIs of every client's environment."""

    def __init__(self, versions_file: Path, drive: Driver = run_piped) -> None:
        """`drive` runs the version commands."""
        self._versions_file = versions_file
        self._drive = drive
        self._cache: VersionCache | None = None
        self._findings: OrderedDict[tuple[str, ...], _Finding] = OrderedDict()

    def __repr__(self) -> str:
        return f"<CliRegistry: {len(self._findings)} environments, {self._cache!r}>"

    async def ready(
        self,
        snapshot: Snapshot,
        env: Mapping[str, str],
        *,
        refresh: bool = False,
        wanted: Collection[str] = (),
    ) -> dict[str, Cli]:
        """The installed CLIs by name, in the order of the profiles; disabled ones are left out.

        One of `wanted` that was missing is looked for again, and so is every one if there was none.
        Cancelled, it remembers nothing new.
        """
        found = await self._find(snapshot, env, refresh=refresh, wanted=wanted)
        return {
            name: Cli(name=name, path=where.path, profile=snapshot.profiles[name])
            for name, where in found.items()
            if isinstance(where, Found)
        }

    async def probe(
        self, snapshot: Snapshot, env: Mapping[str, str], *, refresh: bool = False
    ) -> list[CliState]:
        """Every CLI with its version, state, reason and remedy; asks those not asked before.

        Cancelling it stops the version commands that run.
        """
        found = await self._find(snapshot, env, refresh=refresh)
        if self._cache is None:
            self._cache = await trio.to_thread.run_sync(VersionCache, self._versions_file)
        cache = self._cache
        places = trio.CapacityLimiter(PROBES_AT_ONCE)
        standings: dict[str, Standing] = {}

        async def ask(profile: Profile, where: Found) -> None:
            async with places:
                try:
                    child_env = probe_environment(profile, where.path, env)
                except AimuxError:
                    child_env = dict(env)  # the profile's own fault shows elsewhere
                version = await probe_version(
                    where.path, profile, child_env, cache=cache, driver=self._drive
                )
            standings[profile.name] = judge(profile, where, version)

        async with trio.open_nursery() as asking:
            for name, where in found.items():
                if isinstance(where, Found):
                    asking.start_soon(ask, snapshot.profiles[name], where)
                else:
                    standings[name] = judge(snapshot.profiles[name], where, None)
        await trio.to_thread.run_sync(cache.save)
        disabled = [
            _disabled(profile)
            for profile in snapshot.profiles.values()
            if profile.name not in found
        ]
        return [_state(snapshot.profiles[name], standings[name]) for name in found] + disabled

    async def _find(
        self,
        snapshot: Snapshot,
        env: Mapping[str, str],
        *,
        refresh: bool,
        wanted: Collection[str] = (),
    ) -> Mapping[str, Found | Missing]:
        key = (snapshot.fingerprint, *(env.get(name, "") for name in _LOOKED_AT))
        now = trio.current_time()
        known = self._findings.get(key)
        is_fresh = known is not None and not refresh and now - known.at < FRESH_S
        if known is not None and is_fresh and known.has(wanted):
            await trio.lowlevel.checkpoint()
            return known.found
        enabled = [
            profile
            for profile in snapshot.profiles.values()
            if profile.name not in snapshot.settings.server.disabled_clis
        ]
        finding = _Finding(now, await discover(enabled, env))
        self._findings[key] = finding
        self._findings.move_to_end(key)
        while len(self._findings) > KEPT_FINDINGS:
            self._findings.popitem(last=False)
        return finding.found


_LOOKED_AT: Final = ("PATH", "HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "GOPATH")


def _state(profile: Profile, standing: Standing) -> CliState:
    read = next((rule for mode, rule in profile.modes.items() if mode == "read"), None)
    return CliState(
        name=profile.name,
        display_name=profile.display_name or profile.name,
        state=str(standing.state),
        is_ready=standing.state not in NOT_READY,
        path=standing.path,
        version=standing.version,
        reason=standing.reason,
        remedy=standing.remedy,
        places=tuple(standing.places),
        read_strength=str(read.strength) if read is not None else "none",
        resumable=bool(profile.resume.flags),
        capabilities=tuple(profile.capabilities),
    )


def _disabled(profile: Profile) -> CliState:
    standing = Standing(
        name=profile.name,
        state=State.MISSING,
        reason="disabled by server.disabled_clis",
        remedy="take it out of server.disabled_clis",
    )
    return attrs.evolve(_state(profile, standing), state="disabled")
