"""`aimux config`: what is configured, by whom, and what is wrong with it."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from aimux.config import ClientContext, Snapshot, every_problem, explain, load, state_dir
from aimux.daemon import find_state_files, own_directory
from aimux.model import Problem, Severity
from aimux.rules import nearest

from ._output import as_text, note, say, say_json, table
from ._screen import DONE, FAILED, json_option
from ._table import Column

VALUE: Final = Column("value", flex=16)
# directories in a configuration directory: those that a project may not have, and the rest
YOURS: Final = (
    ("profiles", "cli.d"),
    ("domains", "domains.d"),
    ("audit rules", "audit-rules.d"),
    ("workflows", "workflows.d"),
)
ANYBODYS: Final = (
    ("prompts", "prompts.d"),
    ("skills", "skills.d"),
    ("agents", "agents.d"),
    ("panels", "panels.d"),
)


@click.group()
def config() -> None:
    """Show, explain and check the configuration.

    It is that of a client in this directory and environment.
    """


def own_snapshot() -> Snapshot:
    """The configuration a client here would have."""
    return load(ClientContext(cwd=own_directory(), env=os.environ))


@config.command(epilog="Example: aimux config show --origin server.max_concurrent_jobs")
@click.argument("key", required=False)
@click.option("--origin", "with_origin", is_flag=True, help="Say where each value is from.")
@json_option
def show(key: str | None, *, with_origin: bool, as_json: bool) -> None:
    """Show the values in effect.

    KEY is one of them or a section (server, roles.debug).
    """
    every = explain(own_snapshot())
    rows = [row for row in every if key is None or f"{row.key}.".startswith(f"{key}.")]
    if not rows:
        meant = nearest(str(key), [row.key for row in every])
        way_out = f"did you mean {meant}?" if meant else "aimux config show lists them"
        raise click.UsageError(f"no key {key}: {way_out}")
    if as_json:
        say_json(
            [
                {"key": row.key, "value": row.value}
                | ({"origin": row.origin, "where": row.where} if with_origin else {})
                for row in rows
            ]
        )
    elif with_origin:
        where = Column("where", flex=16, keeps_end=True)
        columns = ("key", VALUE, Column("origin", drop=1), where)
        table(columns, [(row.key, row.value, row.origin, row.where) for row in rows])
    elif [row.key for row in rows] == [key]:
        say(as_text(rows[0].value))
    else:
        table(("key", VALUE), [(row.key, row.value) for row in rows])


@config.command(epilog="Example: aimux config check && aimux run ...")
@json_option
def check(*, as_json: bool) -> None:
    """Name every problem with file and line. Exit code 1 if something was left out.

    It reads settings, panels, profiles, prompts, skills, agents, domains, audit rules and
    workflows.
    """
    snapshot = own_snapshot()
    problems = [*snapshot.problems, *library_problems()]
    if as_json:
        say_json(problems_json(problems))
    for problem in () if as_json else problems:
        say(f"{problem.severity}: {problem}")
    if not as_json and not problems:
        note(f"{len(snapshot.profiles)} profiles, {len(snapshot.roles)} roles, no problem")
    sys.exit(FAILED if any(each.severity is Severity.ERROR for each in problems) else DONE)


def library_problems() -> list[Problem]:
    """What is wrong with skills, agents, domains, audit rules and workflows that count here."""
    from aimux.tools.workflows import workflow_problems  # the tools' code, for two commands

    client = ClientContext(cwd=own_directory(), env=os.environ)
    return [*every_problem(client), *workflow_problems(own_snapshot().paths.workflow_roots)]


def problems_json(problems: Sequence[Problem]) -> list[dict[str, object]]:
    """The problems as data."""
    return [
        {
            "severity": str(each.severity),
            "where": each.where,
            "message": each.message,
            "suggestion": each.suggestion or None,
        }
        for each in problems
    ]


@config.command(epilog="Example: aimux config path")
@json_option
def path(*, as_json: bool) -> None:
    """List the paths that count here, and which exist."""
    paths = paths_of(own_snapshot())
    if as_json:
        say_json({name: str(place) for name, place in paths})
    else:
        rows = [(name, "" if is_there(place) else "missing", place) for name, place in paths]
        table(("what", "", "path"), rows)


def is_there(place: Path) -> bool:
    """Whether there is something, as far as can be seen: what is in a closed directory is not."""
    try:
        return place.exists()
    except OSError:  # not to be seen, or too long a name
        return False


def paths_of(snapshot: Snapshot) -> list[tuple[str, Path]]:
    """What each path is for, and where it is."""
    paths = snapshot.paths
    files = find_state_files(snapshot.settings.server, os.environ)
    beside = (
        []
        if paths.installation is None
        else [("installation settings", paths.installation / "default.yaml")]
    )
    return [
        ("shipped settings", paths.shipped / "default.yaml"),
        *beside,
        ("your settings", paths.user / "default.yaml"),
        *((f"your {what}", paths.user / name) for what, name in (*YOURS, *ANYBODYS)),
        ("project settings", paths.project / "config.yaml"),
        *((f"project {what}", paths.project / name) for what, name in ANYBODYS),
        ("state", state_dir(os.environ)),
        ("store", files.store),
        ("log", files.log),
    ]
