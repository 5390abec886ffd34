"""`aimux events`: what jobs do, as JSON lines, of one job or of all."""

import json
from typing import Final

import attrs
import click
import trio

from aimux.times import utc_now

from ._client import Json, McpClient, ServerSaid
from ._output import say_json
from ._screen import DONE, GOES_ON, exit_code, job_of, rows_of, with_server
from ._usage import time_of

OPEN: Final = frozenset({"queued", "running"})
JOBS: Final = "aimux://jobs"
LONG_POLL_S: Final = 45
GATHER_S: Final = 0.1  # in which events come together into one answer
PAGE: Final = 1_000  # jobs in one answer about ended ones


@click.command(
    short_help="Print the events of jobs as JSON lines.",
    epilog="""\b
Examples:
  aimux events job_01K...
  aimux events --follow job_01K... --after 120
  aimux events --follow --after 2026-03-01T12:00:00Z | jq -c 'select(.kind == "job_finished")'""",
)
@click.argument("job", metavar="[JOB|SESSION]", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on: of one job to its end, else for ever.")
@click.option(
    "--after",
    metavar="SEQ|TIME",
    help="Go on after this sequence number of the job; without a job from this time on.",
)
def events(job: str | None, *, follow: bool, after: str | None) -> None:
    """Print the events of JOB, or of all jobs, as JSON lines: job_id, seq, at, kind, turn, line.

    Whoever was interrupted goes on with --after and what the last line said: its seq of one job,
    its at of all jobs. From a time on, events of that same moment come once more; job_id and seq
    tell them. Without JOB and --after, what is open is followed from now on.

    With --follow and a job the exit code is the job's: 0 if it completed, 1 if not.
    """
    if job is None and not follow and after is None:
        raise click.UsageError("name a job, or say --follow or --after TIME")
    seq = 0 if job is None else _sequence(after)
    since = time_of(after, utc_now()) if job is None and after is not None else ""

    async def work(client: McpClient) -> int:
        if job is not None:
            own = await job_of(client, job)
            body = await tell(client, own, after=seq, follow=follow)
            return exit_code(body) if follow else DONE
        await _All(client=client, since=since, is_followed=follow).run()
        return DONE

    with_server(work, told=GOES_ON)


def _sequence(after: str | None) -> int:
    """Raises click.UsageError: it is no sequence number."""
    if after is None:
        return 0
    if not after.isdecimal() or len(after) > 15:
        raise click.UsageError(f"--after {after!r}: of one job it is a sequence number, like 120")
    return int(after)


async def tell(
    client: McpClient, job_id: str, *, after: int, follow: bool, since: str = ""
) -> Json:
    """Print a job's events after `after` and, with `follow`, those that come until it ends.

    What was before `since` is left out. Returns the job's state as it was last. Cancelling it ends
    the printing; the job goes on.

    Raises:
        ServerSaid: there is no such job.
    """
    while True:
        body = await client.call(
            "status",
            {
                "job_id": job_id,
                "events_after": after,
                "max_chars": 1,
                **({"wait_seconds": LONG_POLL_S} if follow else {}),
            },
        )
        rows = rows_of(body, "events_list")
        for event in rows:
            seq = event.get("seq")
            after = max(after, seq) if isinstance(seq, int) else after
            if str(event.get("at")) >= since:
                say_json({"job_id": job_id, **event}, is_line=True)
        if rows:
            await trio.sleep(GATHER_S if follow else 0)
        elif not follow or body.get("status") not in OPEN:
            return body


@attrs.define(eq=False, kw_only=True)
class _All:
    """The events of all jobs: those that are open, those to come, and with `since` those that
    have ended since then.
    """

    client: McpClient
    since: str
    is_followed: bool
    known: set[str] = attrs.field(factory=set)

    async def run(self) -> None:
        began = self.since or _stamp()
        for job in await self._ended() if self.since else ():
            await self._tell(str(job["id"]), since=began)
        if self.is_followed:
            await self.client.request("resources/subscribe", {"uri": JOBS})
        async with trio.open_nursery() as following:
            while True:
                changed = self.client.changed  # before looking: a change meanwhile is not lost
                for job in reversed(rows_of(json.loads(await self.client.read(JOBS)), "jobs")):
                    is_new = str(job.get("created_at")) >= began or job.get("status") in OPEN
                    if is_new and job["id"] not in self.known:
                        self.known.add(str(job["id"]))
                        following.start_soon(self._tell, str(job["id"]), began)
                if not self.is_followed:
                    break
                await changed.wait()
                self.client.check_there()

    async def _ended(self) -> list[Json]:
        found: dict[str, Json] = {}
        since = self.since
        while True:
            rows = rows_of(json.loads(await self.client.read(f"aimux://ended/{since}")), "jobs")
            fresh = [job for job in rows if str(job["id"]) not in found]
            found |= {str(job["id"]): job for job in fresh}
            if len(rows) < PAGE or not fresh:
                return list(found.values())
            since = str(rows[-1].get("finished_at"))

    async def _tell(self, job_id: str, since: str) -> None:
        self.known.add(job_id)
        try:
            await tell(self.client, job_id, after=0, follow=self.is_followed, since=since)
        except ServerSaid as error:
            if error.code != "job_not_found":  # gc was faster
                raise


def _stamp() -> str:
    return time_of("0h", utc_now())
