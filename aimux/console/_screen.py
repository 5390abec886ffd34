"""What commands share: one road to the server, and how its answers are read."""

import math
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import click
import trio

from ._client import Json, McpClient, open_client
from ._output import note, say, say_json
from ._ways import at_a_terminal

DONE: Final = 0
FAILED: Final = 1  # the job, or what was checked
INTERRUPTED: Final = 130  # as a shell has it
CANCELLED: Final = "what was asked for is cancelled"
GOES_ON: Final = "what jobs do goes on"

Work = Callable[[McpClient], Awaitable[int]]

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


class Whole(click.IntRange):
    """A whole number within limits."""

    name = "number"  # click calls it a range, in faults too


class Finite(click.FloatRange):
    """A number within limits that JSON can say: neither infinite nor none."""

    name = "number"

    def convert(
        self,
        value: Any,  # noqa: ANN401  # as click has it
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        """The number; click reports what is raised as a usage error."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a number that can be counted with", param, ctx)
        return number


def with_server(work: Work, *, told: str = CANCELLED) -> None:
    """Run `work` on a connected client and leave the process with the code it returns.

    The first SIGINT or SIGTERM cancels it: calls that are open are cancelled at the server too.
    `told` says then what that means for what was asked for.

    Raises:
        AimuxError: what `work` raised, or the server cannot be reached.
    """
    sys.exit(trio.run(_with_server, work, told))


async def _with_server(work: Work, told: str) -> int:
    code = INTERRUPTED
    failure: Exception | None = None
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:

            async def listen() -> None:
                async for _ in signals:
                    nursery.cancel_scope.cancel(reason="interrupted")

            nursery.start_soon(listen)
            try:
                async with open_client() as client:
                    code = await work(client)
            except Exception as error:  # noqa: BLE001  # raised below: bare, not in a group
                failure = error
            nursery.cancel_scope.cancel(reason="done")
    if failure is not None:
        raise failure
    if code == INTERRUPTED:
        note(f"interrupted: {told}")
    return code


async def job_of(client: McpClient, name: str) -> str:
    """The job that an argument means: its id, or the latest of a session, which is said.

    It only looks, so cancelling it changes nothing.

    Raises:
        ServerSaid: there is no such session.
    """
    if not name.startswith("ses_"):
        return name
    body = await client.call("sessions", {"action": "info", "session_id": name})
    jobs = rows_of(body, "jobs")
    if not jobs:
        raise click.UsageError(f"session {name} has no job yet")
    latest = max(jobs, key=lambda job: str(job.get("created_at")))
    note(f"{'session':12} {name}: the latest of {part_of(body, 'session').get('turns')} turns")
    return str(latest["id"])


async def session_of(client: McpClient, name: str) -> str:
    """The session that an argument means: its id, or the one that a job belongs to.

    It only looks, so cancelling it changes nothing.

    Raises:
        ServerSaid: there is no such job.
    """
    if not name.startswith("job_"):
        return name
    return str((await client.call("status", {"job_id": name, "max_chars": 1}))["session_id"])


def rows_of(body: Mapping[str, object], key: str) -> list[Json]:
    """The list of objects under a key; empty if there is none."""
    found = body.get(key)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def part_of(body: Mapping[str, object], key: str) -> Json:
    """The object under a key; empty if there is none."""
    found = body.get(key)
    return found if isinstance(found, dict) else {}


def say_error(body: Mapping[str, object]) -> None:
    """A job's error and hint on stderr; nothing if it has none."""
    error = part_of(body, "error")
    if error:
        note(f"{error.get('code')}: {error.get('message')}")
        if error.get("hint"):
            note(f"  {at_a_terminal(str(error['hint']))}")


def exit_code(body: Mapping[str, object]) -> int:
    """0 for a job that completed or is still at work, 1 for one that did not make it."""
    return DONE if body.get("status") in {"completed", "queued", "running"} else FAILED


def read_stdin() -> str:
    """All of stdin. Raises click.UsageError: it is not UTF-8, or cannot be read."""
    if sys.stdin is None:  # it was closed when we were started
        return ""
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise click.UsageError(f"the prompt on stdin is not UTF-8: {error}") from error
    except OSError as error:
        raise click.UsageError(f"stdin cannot be read: {error.strerror}") from error


async def leave_running(
    client: McpClient, tool: str, arguments: Mapping[str, object], *, as_json: bool
) -> int:
    """Start a job that goes on without us and say its id; the exit code.

    Cancelling it before the job is there leaves none.

    Raises:
        click.UsageError: there is no daemon that it could go on in.
        ServerSaid: no job came of the call.
    """
    health = await client.call("sessions", {"action": "health"})
    if "stdio" in part_of(health, "clients"):
        raise click.UsageError(
            "--async needs the daemon: this server ends with the command, and its jobs with it "
            "(is AIMUX_DAEMON=off set?)"
        )
    body = await client.call(tool, {**arguments, "async": True})
    if as_json:
        say_json(body)
    else:
        say(str(body.get("job_id")))
        note(f"follow it with: aimux logs -f {body.get('job_id')}")
    return exit_code(body)
