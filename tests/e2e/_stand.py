"""A throw-away machine: home, project, configuration and state of its own, emulators for CLIs."""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs
import psutil
import ruamel.yaml

from emulators.install import ALL, install

from ..surroundings import kept

CLIS: Final = (
    *("aider", "claude", "cline", "codex", "continue", "crush"),
    *("droid", "gemini", "goose", "gptme", "opencode", "qwen"),
)
BINARIES: Final = {cli: "cn" if cli == "continue" else cli for cli in CLIS}

# limits in tenths of seconds where the real ones are minutes; as many jobs as two cores carry
SERVER: Final[Mapping[str, object]] = {
    "max_concurrent_jobs": 4,
    "max_concurrent_turns": 4,
    "max_turns_per_cli": 4,
    "rate_limit_rps": 0,
    "progress_interval_seconds": 0.3,
    "drain_seconds": 0.5,
}
GRACE_S: Final = 0.4  # polite signal to KILL, and end-of-turn record to stop


@attrs.frozen(kw_only=True)
class Stand:
    """Directories and environment of one machine that nobody else uses."""

    root: Path

    @property
    def bin(self) -> Path:
        return self.root / "bin"

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def config(self) -> Path:
        return self.root / "config"

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def env(self) -> dict[str, str]:
        """What the server gets; nothing of the machine that runs the tests but the system."""
        return {
            "PATH": os.pathsep.join([str(self.bin), "/usr/bin", "/bin"]),
            "HOME": str(self.home),
            "AIMUX_CONFIG_DIR": str(self.config),
            "AIMUX_STATE_DIR": str(self.state),
            "AIMUX_CACHE_DIR": str(self.root / "cache"),
            "AIMUX_DAEMON": "off",
            **kept(),
        }

    def project(self, name: str = "project") -> Path:
        """A working directory with one file in it, made when it is first asked for."""
        project = self.root / name
        if not project.exists():
            project.mkdir()
            (project / "orders.py").write_text("TOTAL = 1\n", encoding="utf-8")
        return project

    def configure(
        self,
        *,
        server: Mapping[str, object] | None = None,
        breaker: Mapping[str, object] | None = None,
        roles: Mapping[str, object] | None = None,
        **sections: Mapping[str, object],
    ) -> None:
        """Write the user's default.yaml."""
        settings = {
            "server": {**SERVER, **(server or {})},
            "circuit_breaker": breaker or {"failure_threshold": 100},
            "roles": roles or {},
            **sections,
        }
        self._write(self.config / "default.yaml", settings)

    def overlay(self, cli: str, **keys: object) -> None:
        """Write the user's profile of a CLI, laid over the shipped one."""
        self._write(self.config / "cli.d" / cli / "profile.yaml", {"name": cli, **keys})

    def _write(self, path: Path, tree: Mapping[str, object]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as file:
            ruamel.yaml.YAML(typ="safe").dump(dict(tree), file)

    def emulate(
        self,
        clis: Iterable[str] = CLIS,
        *,
        faults: str = "",
        directives: str = "",
        script: Sequence[Mapping[str, object]] = (),
    ) -> None:
        """Put emulators on PATH, with waits a hundredth of the real ones."""
        install(
            self.bin,
            [BINARIES[cli] for cli in clis],
            python=sys.executable,
            home=self.home,
            faults=faults or None,
            directives=directives or None,
            time_scale=0.01,
            script=script or None,
        )

    def survivors(self) -> dict[int, str]:
        """Every process that lives in this machine's HOME, the servers left out."""
        found: dict[int, str] = {}
        for process in psutil.process_iter():
            try:
                is_ours = process.environ().get("HOME") == str(self.home)
                words = process.cmdline()
            except psutil.Error:  # gone, a zombie, or somebody else's
                continue
            if is_ours and ["-m", "aimux"] not in (words[1:3], words[2:4]):
                found[process.pid] = " ".join(words)[:200]
        return found

    def turns_log(self) -> list[int]:
        """Pids of the children that faults and sleeping tools left notes of."""
        notes = self.home / ".emulator" / "children"
        return (
            [int(pid) for pid in notes.read_text(encoding="utf-8").split()]
            if notes.exists()
            else []
        )


def make_stand(root: Path, **server: object) -> Stand:
    """A stand with all twelve emulators and quick limits."""
    stand = Stand(root=root)
    stand.home.mkdir(parents=True)
    stand.emulate()
    stand.configure(server=server)
    for cli in CLIS:
        stand.overlay(cli, stop={"grace_s": GRACE_S, "leave_s": GRACE_S})
    return stand


assert len(ALL) == len(CLIS), json.dumps(ALL)
