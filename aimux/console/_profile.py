"""`aimux profile test`: what a profile promises, tried on the CLI it is about."""

import os
import sys
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

import attrs
import click
import psutil
import trio

from aimux.config import ClientContext, Snapshot, load, user_dir
from aimux.daemon import own_directory
from aimux.errors import SetupFault
from aimux.model import Profile

from ._client import open_client
from ._conformance import GREEN, RED, Row, Subject, run_matrix
from ._demo import emulated_env
from ._output import note, say_json, table
from ._screen import DONE, FAILED, json_option
from ._table import Column

# a run of faults is no reason to leave a CLI alone, and waits between its retries are not tested
EMULATED: Final = {"AIMUX_CIRCUIT_BREAKER_FAILURE_THRESHOLD": "1000", "AIMUX_RATE_LIMIT_RPS": "0"}
TIME_SCALE: Final = 0.01


@click.group()
def profile() -> None:
    """Profiles of CLIs: try one on its CLI."""


@profile.command(epilog="Example: aimux profile test codex --emulated")
@click.argument("name")
@click.option("--emulated", is_flag=True, help="Test against the embedded emulator of this CLI.")
@json_option
def test(name: str, *, emulated: bool, as_json: bool) -> None:
    """Try the profile NAME on its CLI.

    It runs the conformance matrix and says what the profile may claim. On the installed CLI this
    makes about a dozen calls of its model, with your account, in a throw-away directory; rows that
    need a CLI that misbehaves are left out. Exit code 1 if a row is red.
    """
    tested = _profile_of(load(ClientContext(cwd=own_directory(), env=os.environ)), name)
    with tempfile.TemporaryDirectory(prefix="aimux-test-", ignore_cleanup_errors=True) as kept:
        place = Path(kept).resolve()
        (place / "project").mkdir()
        (place / "project" / "orders.py").write_text("TOTAL = 1\n", encoding="utf-8")
        env: dict[str, str] = dict(os.environ)
        if emulated:
            env = {
                **emulated_env(place, [Path(tested.binary).name], time_scale=TIME_SCALE),
                **EMULATED,
                "AIMUX_CONFIG_DIR": str(user_dir(os.environ)),  # the profile as it is in use here
            }
        rows = trio.run(partial(_test, tested, place / "project", env, is_emulated=emulated))
    _show(tested, rows, is_emulated=emulated, as_json=as_json)
    sys.exit(FAILED if any(row.verdict == RED for row in rows) else DONE)


async def _test(
    tested: Profile, work: Path, env: Mapping[str, str], *, is_emulated: bool
) -> list[Row]:
    async with open_client(env=env) as client:
        health = await client.call("sessions", {"action": "health"})
        ready = health.get("clis_ready")
        if not isinstance(ready, list) or tested.name not in ready:
            raise SetupFault(
                f"{tested.name} is not ready here",
                hint="aimux clis says why; with --emulated no CLI is needed",
                code="cli_not_ready",
            )
        subject = Subject(
            client=client,
            profile=tested,
            is_emulated=is_emulated,
            work=work,
            server=psutil.Process(int(str(health["pid"]))),
        )
        return await run_matrix(subject)


def _profile_of(snapshot: Snapshot, name: str) -> Profile:
    found = snapshot.profiles.get(name)
    if found is None and name in snapshot.broken:
        faults = "; ".join(str(each) for each in snapshot.broken[name])
        raise SetupFault(f"the profile of {name} is left out: {faults}", code="profile_broken")
    if found is None:
        known = ", ".join(snapshot.profiles)
        raise SetupFault(f"no profile {name}", hint=f"there are {known}", code="profile_unknown")
    return found


def _show(tested: Profile, rows: list[Row], *, is_emulated: bool, as_json: bool) -> None:
    claims = [row for row in rows if row.feature]
    may = [row.feature for row in claims if row.verdict == GREEN]
    may_not = [row.feature for row in claims if row.verdict == RED]
    if as_json:
        say_json(
            {
                "profile": tested.name,
                "origin": tested.origin,
                "emulated": is_emulated,
                "rows": [attrs.asdict(row) for row in rows],
                "may_claim": may,
                "may_not_claim": may_not,
                "green": not any(row.verdict == RED for row in rows),
            }
        )
        return
    columns = (tested.name, "verdict", Column("", flex=16))
    table(columns, [(row.name, row.verdict, row.said) for row in rows])
    note(f"the profile ({tested.origin}) may claim: {', '.join(may) or 'nothing'}")
    if may_not:
        note(f"it may not claim: {', '.join(may_not)}")
