"""`aimux skills`: the prompts there are, where each is from, and what is wrong with files."""

import os
import sys
from typing import Final

import click

from aimux.config import ClientContext, load_skills
from aimux.daemon import own_directory
from aimux.library.skills import Skill, template_faults
from aimux.model import Severity

from ._client import Json, McpClient
from ._output import note, one_line, say, say_json, table
from ._screen import DONE, FAILED, json_option, rows_of, with_server
from ._table import Column

ROWS: Final = (
    Column("name"), Column("from", flex=6, drop=2), Column("path", flex=12, keeps_end=True, drop=1),
    Column("what for", flex=20),
)  # fmt: skip


@click.group(short_help="List the prompts that clients are offered.", invoke_without_command=True)
@click.pass_context
def skills(context: click.Context) -> None:
    """List the prompts that clients are offered, and show one filled in.

    They are the shipped ones, yours in skills.d, the project's in .aimux/skills.d, and what other
    programs keep as SKILL.md.
    """
    if context.invoked_subcommand is None:
        context.invoke(list_skills)


@skills.command("list")
@json_option
def list_skills(*, as_json: bool = False) -> None:
    """List the skills, and what is wrong with files. Exit code 1 if one was left out.

    No server is asked: they are those of a client in this directory and environment.
    """
    library = load_skills(ClientContext(cwd=own_directory(), env=os.environ))
    faults = template_faults(library)
    broken = {name: str(fault) for name, fault in faults.items()}
    if as_json:
        say_json(
            {
                "skills": [_row(each, broken) for each in library.skills.values()],
                "problems": [
                    {"severity": str(each.severity), "where": each.where, "message": each.message}
                    for each in library.problems
                ],
            }
        )
    else:
        rows = [
            [each.id, _source(each), each.origin, each.description]
            for each in library.skills.values()
        ]
        table(ROWS, rows)
        for problem in library.problems:
            note(one_line(f"{problem.severity}: {problem}"))
        for fault in broken.values():
            note(one_line(f"error: {fault}"))
    is_whole = not broken and all(each.severity is not Severity.ERROR for each in library.problems)
    sys.exit(DONE if is_whole else FAILED)


def _source(skill: Skill) -> str:
    layer = skill.source.name.lower()
    return layer if skill.host == "aimux" else f"{layer}, {skill.host}"


def _row(skill: Skill, broken: dict[str, str]) -> Json:
    return {
        "name": skill.id,
        "title": skill.title or None,
        "description": skill.description,
        "source": skill.source.name.lower(),
        "host": skill.host,
        "path": skill.origin,
        "replaces": list(skill.hidden),
        "arguments": [
            {"name": each.name, "description": each.description, "required": each.is_required}
            for each in skill.arguments
        ],
        "fault": broken.get(skill.id),
    }


@skills.command("show", epilog='Example: aimux skills show debug error="KeyError: name"')
@click.argument("name")
@click.argument("arguments", nargs=-1, metavar="[NAME=VALUE]...")
@json_option
def show_skill(name: str, arguments: tuple[str, ...], *, as_json: bool) -> None:
    """Print the prompt of skill NAME as a client here gets it."""
    given: dict[str, str] = {}
    for each in arguments:
        key, sign, value = each.partition("=")
        if not sign:
            raise click.UsageError(f"{each} is not NAME=VALUE")
        given[key] = value

    async def work(client: McpClient) -> int:
        body = await client.request("prompts/get", {"name": name, "arguments": given})
        if as_json:
            say_json(body)
            return DONE
        for message in rows_of(body, "messages"):
            content = message.get("content")
            if isinstance(content, dict):
                say(str(content.get("text") or ""))
        return DONE

    with_server(work)
