"""`aimux agents` and `aimux answer`: who there is and at work, and words for a CLI that asks."""

from typing import Final

import click

from aimux.model import Mode

from ._client import Json, McpClient
from ._ended import call_to_end
from ._output import note, one_line, say, say_json, table
from ._screen import (
    DONE,
    Finite,
    Whole,
    exit_code,
    job_of,
    json_option,
    part_of,
    read_stdin,
    rows_of,
    say_error,
    with_server,
)
from ._table import Column

ROWS: Final = (
    Column("agent"), Column("from", flex=6, drop=3), Column("mode", flex=5, drop=1),
    Column("score", drop=2), Column("what for", flex=20),
)  # fmt: skip
directory_option = click.option(
    "-C",
    "--directory",
    type=click.Path(exists=True, file_okay=False, resolve_path=True),
    help="The project; this directory if not given.",
)


@click.group(invoke_without_command=True)
@click.pass_context
def agents(context: click.Context) -> None:
    """List agents, say who fits a task, and give a task to one.

    Agents are instructions for a kind of task: built-in ones, yours, and the project's.
    """
    if context.invoked_subcommand is None:
        context.invoke(list_agents)


@agents.command("list")
@directory_option
@json_option
def list_agents(*, directory: str | None = None, as_json: bool = False) -> None:
    """List the agents there are, and files that make none."""
    _show({"action": "list", **_cwd(directory)}, "agents", as_json=as_json)


@agents.command("find")
@click.argument("task")
@directory_option
@json_option
def find_agent(task: str, *, directory: str | None, as_json: bool) -> None:
    """Say who fits TASK, best first, and who would get it."""
    _show({"action": "find", "prompt": task, **_cwd(directory)}, "matches", as_json=as_json)


@agents.command("info")
@click.argument("agent")
@directory_option
@json_option
def show_agent(agent: str, *, directory: str | None, as_json: bool) -> None:
    """Print what AGENT is told; where its file lies goes to stderr."""
    wanted: Json = {"action": "info", "agent_id": agent, **_cwd(directory)}

    async def work(client: McpClient) -> int:
        body = await client.call("agents", wanted)
        if as_json:
            say_json(body)
            return DONE
        found = part_of(part_of(body, "data"), "agent")
        for name in ("id", "description", "when", "role", "mode", "cli", "model", "origin"):
            if found.get(name):
                note(f"{name:12} {one_line(str(found[name]))}")
        say(str(found.get("instructions") or ""))
        return DONE

    with_server(work)


@agents.command("run", epilog='Example: aimux agents run "Why does the import fail?"')
@click.argument("task")
@click.option("-a", "--agent", help="Who does it; chosen by the task if not given.")
@click.option("-c", "--cli", help="CLI to use instead of the agent's.")
@click.option("-m", "--model", help="Model, as the CLI names it.")
@click.option("--mode", type=click.Choice([str(mode) for mode in Mode]), help="What it may do.")
@click.option("-n", "--max-turns", type=Whole(1, 20), help="Turns at most.")
@click.option(
    "--timeout", type=Finite(0.1), metavar="SECONDS", help="Deadline of the whole, in seconds."
)
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
@directory_option
@json_option
def run_agent(
    task: str, *, agent: str | None, directory: str | None, quiet: bool, as_json: bool,
    **given: object,
) -> None:  # fmt: skip
    """Give TASK to an agent and print what it answers.

    - reads the task from stdin.
    """
    text = read_stdin() if task == "-" else task
    named = {"agent_id": agent, "timeout_seconds": given.pop("timeout"), **given}
    arguments: Json = {"action": "run", "prompt": text, **_cwd(directory)}
    arguments |= {name: value for name, value in named.items() if value is not None}

    async def work(client: McpClient) -> int:
        body = await call_to_end(client, "agents", arguments, is_quiet=quiet)
        if as_json:
            say_json(body)
            return exit_code(body)
        say(str(body.get("content") or ""))
        _say_end(body, is_quiet=quiet)
        return exit_code(body)

    with_server(work)


def _say_end(body: Json, *, is_quiet: bool) -> None:
    for warning in rows_of(body, "warnings"):
        note(f"warning: {one_line(str(warning.get('message')))}")
    say_error(body)
    if is_quiet:
        return
    data = part_of(body, "data")
    who = part_of(data, "agent").get("id")
    why = part_of(data, "selection").get("why")
    turns = f"{data.get('turns_used')} of {data.get('max_turns')} turns"
    facts = [who, body.get("cli"), body.get("status"), turns, body.get("session_id")]
    note(" · ".join(one_line(str(each)) for each in facts if each))
    if why:
        note(f"chosen: {one_line(str(why))}")


def _cwd(directory: str | None) -> Json:
    return {} if directory is None else {"cwd": directory}


def _show(wanted: Json, key: str, *, as_json: bool) -> None:
    async def work(client: McpClient) -> int:
        body = await client.call("agents", wanted)
        if as_json:
            say_json(body)
            return DONE
        data = part_of(body, "data")
        table(
            ROWS,
            [
                [
                    each.get("id"), each.get("source"), each.get("mode"), each.get("score"),
                    each.get("description"),
                ]
                for each in rows_of(data, key)
            ],
        )  # fmt: skip
        if key == "matches":
            note(f"would get it: {data.get('would_run') or 'nobody'}")
        problems = data.get("problems")
        for problem in problems if isinstance(problems, list) else []:
            note(one_line(str(problem)))
        return DONE

    with_server(work)


@click.command(
    short_help="Type a text for a CLI that asks something.",
    epilog='Example: aimux answer job_01K... "yes"',
)
@click.argument("job", metavar="JOB")
@click.argument("text", required=False)
@json_option
def answer(job: str, text: str | None, *, as_json: bool) -> None:
    """Type TEXT for the CLI of JOB that asks something; without TEXT say what it asks.

    JOB may be a session: then it is its latest job.
    """

    async def work(client: McpClient) -> int:
        own = await job_of(client, job)
        if text is None:
            body = await client.call("status", {"job_id": own, "max_chars": 1})
            if as_json:
                say_json(body)
            else:
                say(one_line(str(body.get("question") or "it asks nothing now")))
            return DONE if body.get("question") else 1
        body = await client.call("sessions", {"action": "answer", "job_id": own, "text": text})
        if as_json:
            say_json(body)
            return DONE
        note(f"{body.get('cli')} asked: {one_line(str(body.get('question')))}")
        note(f"follow it with: aimux logs -f {own}")
        return DONE

    with_server(work)
