"""Looking at jobs and sessions, and ending them."""

import datetime
import json
import shlex
from collections.abc import Sequence
from typing import Final

import click

from aimux.model import plural
from aimux.times import MAX_AGE_HOURS, utc_now

from ._client import Json, McpClient
from ._output import note, one_line, say, say_json, say_markdown, table
from ._screen import (
    DONE,
    GOES_ON,
    Finite,
    Whole,
    exit_code,
    job_of,
    json_option,
    rows_of,
    say_error,
    with_server,
)
from ._seats import turn_lines
from ._table import Column

OPEN: Final = ("queued", "running")
LONG_POLL_S: Final = 45
PAGE: Final = 20
GONE: Final = ("jobs", "sessions", "think_sessions")  # what gc removes
FACTS: Final = (
    "job_id", "session_id", "turn", "seat", "status", "role", "cli", "model", "effort", "mode",
    "created_at", "duration_ms", "exit_code",
)  # fmt: skip
STATUS: Final = Column("status", flex=8)  # beside an id at 40 columns
AGE: Final = Column("age", drop=8)
CLI: Final = Column("CLI", drop=7)
ROLE: Final = Column("role", drop=3)
JOBS: Final = (
    Column("job"), STATUS, CLI, Column("model", drop=1), ROLE, AGE, Column("took", drop=2),
    Column("prompt", flex=20, drop=5),
)  # fmt: skip
SESSIONS: Final = (
    Column("session"), STATUS, CLI, ROLE, Column("turns", drop=2), AGE,
    Column("directory", flex=20, drop=5, keeps_end=True),
)  # fmt: skip


@click.command(epilog="Example: aimux ps -a")
@click.option("-a", "--all", "is_all", is_flag=True, help="Ended jobs too, latest first.")
@click.option(
    "-n", "--limit", type=Whole(1, 100), default=PAGE, show_default=True,
    help="Jobs to list; with --tree those at the top.",
)  # fmt: skip
@click.option(
    "--tree", "is_tree", is_flag=True, help="Below each job the jobs it started, ended ones too."
)
@json_option
def ps(*, is_all: bool, limit: int, is_tree: bool, as_json: bool) -> None:
    """List the jobs that wait or run."""

    async def work(client: McpClient) -> int:
        jobs = await _jobs(client, limit, is_all=is_all, is_tree=is_tree)
        if as_json:
            say_json(jobs)
            return DONE
        rows = [
            (
                "  " * _number(job.get("depth")) + str(job["id"]), job["status"],
                job.get("cli"), job.get("model"), job.get("role"),
                _age(job.get("created_at")), _took(job.get("duration_ms")),
                " ".join(str(job.get("prompt_preview") or "").split()),
            )
            for job in jobs
        ]  # fmt: skip
        if rows:
            table(JOBS, rows)
        else:
            note("no jobs" if is_all else "no job waits or runs; aimux ps -a lists ended ones")
        return DONE

    with_server(work)


async def _jobs(client: McpClient, limit: int, *, is_all: bool, is_tree: bool) -> list[Json]:
    """The latest jobs, latest first; as a tree each is followed by those below it, with `depth`."""
    found = rows_of(json.loads(await client.read("aimux://jobs")), "jobs")
    if is_all:
        found = await _with_older(client, found, limit)
    if is_tree:
        return _tree(found, limit, is_all=is_all)
    return [job for job in found if is_all or job["status"] in OPEN][:limit]


async def _with_older(client: McpClient, newest: Sequence[Json], limit: int) -> list[Json]:
    """These jobs and older ones: sessions come by their last activity, and each has a job."""
    found = {job["id"]: job for job in newest}
    wanted: Json = {"action": "list", "status": "all", "limit": limit}
    for session in rows_of(await client.call("sessions", wanted), "sessions"):
        info: Json = {"action": "info", "session_id": session["id"], "limit": limit}
        rows = rows_of(await client.call("sessions", info), "jobs")
        found |= {job["id"]: job for job in rows}
    return sorted(found.values(), key=lambda job: str(job.get("created_at")), reverse=True)


def _tree(jobs: Sequence[Json], limit: int, *, is_all: bool) -> list[Json]:
    """Each job before those it started, oldest first; of jobs latest first `limit` at the top.

    A job whose parent is not among them is at the top. Without `is_all` a job that has ended is
    shown only below one that has not.
    """
    known = {job["id"] for job in jobs}
    below: dict[object, list[Json]] = {}
    for job in jobs:
        parent = job.get("parent_id")
        below.setdefault(parent if parent in known else "", []).append(job)
    tops = [job for job in below.get("", []) if is_all or job["status"] in OPEN][:limit]
    rest = [(0, job) for job in reversed(tops)]
    shown: list[Json] = []
    while rest:
        depth, job = rest.pop()
        shown.append({**job, "depth": depth})
        rest += [(depth + 1, child) for child in below.get(job["id"], [])]
    return shown


@click.command(epilog="Example: aimux logs -f job_01K...")
@click.argument("job", metavar="JOB|SESSION")
@click.option("-f", "--follow", is_flag=True, help="Go on until the job ends.")
@click.option("--json", "as_json", is_flag=True, help="Print each event as one line of JSON.")
@click.option("--raw", "is_raw", is_flag=True, help="Print what the CLI printed, turn by turn.")
def logs(job: str, *, follow: bool, as_json: bool, is_raw: bool) -> None:
    """Show what JOB did, event by event. Of a session it is the latest job.

    With -f the exit code is the job's: 0 if it completed, 1 if not.
    """
    if is_raw and (follow or as_json):
        raise click.UsageError("--raw is neither followed nor JSON: leave -f and --json out")

    async def show_raw(client: McpClient) -> int:
        text = await client.read(f"aimux://jobs/{await job_of(client, job)}/raw")
        say(text, nl=False)
        return DONE

    async def work(client: McpClient) -> int:
        after = 0
        own = await job_of(client, job)
        while True:
            wait: Json = {"wait_seconds": LONG_POLL_S} if follow else {}
            body = await client.call(
                "status", {"job_id": own, "events_after": after, "max_chars": 1, **wait}
            )
            events = rows_of(body, "events_list")
            for event in events:
                after = max(after, _number(event.get("seq")))
                _show_event(event, as_json=as_json)
            if events:
                continue  # one answer has at most a page of them
            if not follow:
                return DONE
            if body.get("status") not in OPEN:
                say_error(body)
                return exit_code(body)

    with_server(show_raw if is_raw else work, told=GOES_ON)


def _show_event(event: Json, *, as_json: bool) -> None:
    if as_json:
        say_json(event, is_line=True)
    elif event.get("line"):
        at = _when(event.get("at"))
        clock = at.astimezone().strftime("%H:%M:%S") if at is not None else ""
        say(f"{clock} {one_line(str(event['line']))}")


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


@click.command(epilog="Example: aimux show job_01K...")
@click.argument("job", metavar="JOB|SESSION|INVESTIGATION")
@click.option("--turn", type=Whole(1), help="What this turn of the job answered.")
@json_option
def show(job: str, *, turn: int | None, as_json: bool) -> None:
    """Print the answer of JOB. Its facts go to stderr; a job at work prints what there is.

    Of a session it is the latest job, of an investigation its report as it stands. A job of several
    seats lists its turns.
    """

    async def work(client: McpClient) -> int:
        if job.startswith("inv_"):
            return await _show_investigation(client, job, as_json=as_json)
        own = await job_of(client, job)
        wanted: Json = {"job_id": own, "include_content": True}
        body = await client.call("status", wanted | ({} if turn is None else {"turn": turn}))
        if as_json:
            say_json(body)
            return exit_code(body)
        for name in FACTS:
            if body.get(name) is not None:
                note(f"{name:12} {body[name]}")
        for attempt in rows_of(body, "attempts"):
            note(f"{'attempt':12} {attempt.get('cli')}: {attempt.get('outcome')}")
        for line in turn_lines(body):
            note(f"{'turn':12} {one_line(line)}")
        for warning in rows_of(body, "warnings"):
            note(f"{'warning':12} {one_line(str(warning.get('message')))}")
        say_error(body)
        content = str(body.get("content") or "")
        # what has no session is no CLI's own answer but a report of ours, which is Markdown
        if isinstance(body.get("data"), dict) and body.get("session_id") is None:
            say_markdown(content)
        else:
            say(content)
        return exit_code(body)

    with_server(work)


async def _show_investigation(client: McpClient, name: str, *, as_json: bool) -> int:
    if as_json:
        body = await client.call("investigate", {"action": "status", "session_id": name})
        say_json(body.get("result"))
    else:
        say(await client.read(f"aimux://investigations/{name}"), nl=False)
    return DONE


@click.command(epilog="Example: aimux cancel job_01K...")
@click.argument("job", metavar="JOB|SESSION")
@json_option
def cancel(job: str, *, as_json: bool) -> None:
    """End JOB politely. Its CLI is asked to leave, then stopped. Of a session it is the latest."""
    _end("cancel", "job_id", job, as_json=as_json)


@click.command(epilog="Example: aimux kill ses_01K...")
@click.argument("session", metavar="SESSION|JOB")
@json_option
def kill(session: str, *, as_json: bool) -> None:
    """End all jobs of SESSION at once. A job's id will do for that job alone."""
    _end("kill", "session_id", session, as_json=as_json)


def _end(action: str, key: str, name: str, *, as_json: bool) -> None:
    async def work(client: McpClient) -> int:
        own = await job_of(client, name) if key == "job_id" else name
        body = await client.call("sessions", {"action": action, key: own})
        if as_json:
            say_json(body)
        elif body.get("already_terminal"):
            note("nothing was running")
        elif "killed_jobs" in body:
            say("killed " + ", ".join(map(str, _list(body["killed_jobs"]))))
        else:
            say(f"{body.get('job_id')} {body.get('status')}")
        return DONE

    with_server(work)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


@click.command(epilog="Example: aimux sessions --status completed -c codex")
@click.option("--status", default="all", show_default=True, help="active, finished or a status.")
@click.option("-c", "--cli", help="Only sessions of this CLI.")
@click.option("-n", "--limit", type=Whole(1, 100), default=PAGE, show_default=True)
@click.option("--cursor", help="Go on after the page that named it.")
@json_option
def sessions(status: str, cli: str | None, limit: int, cursor: str | None, as_json: bool) -> None:
    """List kept conversations, latest first. Continue one with aimux run -s ID."""
    wanted: Json = {"action": "list", "status": status, "limit": limit}
    wanted |= {"cli": cli} if cli else {}
    wanted |= {"cursor": cursor} if cursor else {}

    async def work(client: McpClient) -> int:
        body = await client.call("sessions", wanted)
        if as_json:
            say_json(body)
            return DONE
        rows = [
            (each["id"], each["status"], each.get("cli"), each.get("role"), each.get("turns"),
             _age(each.get("last_active_at")), each.get("cwd"))
            for each in rows_of(body, "sessions")
        ]  # fmt: skip
        if rows:
            table(SESSIONS, rows)
        else:
            note("no sessions")
        if body.get("next_cursor"):
            same = {"--status": status if status != "all" else None, "-c": cli}
            words = [part for name, value in same.items() if value for part in (name, value)]
            words += ["-n", str(limit)] if limit != PAGE else []
            words += ["--cursor", str(body["next_cursor"])]  # good for the same filters only
            note(f"more: aimux sessions {shlex.join(words)}")
        return DONE

    with_server(work)


@click.command(epilog="Example: aimux gc --older-than 48 --dry-run")
@click.option("--older-than", type=Finite(0, MAX_AGE_HOURS), metavar="HOURS",
              help="Hours since they ended; server.session_ttl_hours if not given.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only count.")
@json_option
def gc(older_than: float | None, *, dry_run: bool, as_json: bool) -> None:
    """Remove old ended jobs and sessions."""
    wanted: Json = {"action": "gc", "dry_run": dry_run}
    wanted |= {} if older_than is None else {"older_than_hours": older_than}

    async def work(client: McpClient) -> int:
        body = await client.call("sessions", wanted)
        if as_json:
            say_json(body)
        else:
            verb = "would remove" if dry_run else "removed"
            jobs, sessions, thoughts = (int(str(body[f"removed_{each}"])) for each in GONE)
            say(
                f"{verb} {plural(jobs, 'job')}, {plural(sessions, 'session')} and "
                f"{plural(thoughts, 'session')} of think "
                f"older than {body['older_than_hours']:g} hours"
            )
        return DONE

    with_server(work)


def _when(stamp: object) -> datetime.datetime | None:
    return datetime.datetime.fromisoformat(stamp) if isinstance(stamp, str) else None


def _age(stamp: object) -> str:
    at = _when(stamp)
    if at is None:
        return ""
    seconds = (utc_now() - at).total_seconds()
    return _took(seconds * 1000)


def _took(milliseconds: object) -> str:
    """A length of time in its largest fitting unit."""
    if not isinstance(milliseconds, int | float):
        return ""
    seconds = milliseconds / 1000
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.0f}s" if seconds >= 10 else f"{seconds:.1f}s"
