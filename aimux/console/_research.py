"""`aimux research`: a topic, its report and sources on stdout."""

import os

import click

from aimux.daemon import own_directory

from ._client import Json, McpClient
from ._ended import call_to_end
from ._output import as_text, note, one_line, say, say_json
from ._screen import Finite, exit_code, json_option, part_of, rows_of, say_error, with_server


@click.command(
    epilog="""\b
Examples:
  aimux research "What is known about SQLite's WAL mode under power cuts?"
  aimux research "Which of these designs is used elsewhere?" -a design.pdf -f table
  aimux research "..." --force --json

With GEMINI_API_KEY or GOOGLE_API_KEY set, Gemini's research agent looks on the web; without, a CLI
answers of what it knows.
Exit codes: 0 the job completed, 1 it did not, 2 it could not be asked for, 130 interrupted."""
)
@click.argument("topic")
@click.option(
    "-f",
    "--format",
    "output_format",
    help="report, executive_summary, bullet_points, table, json, adr, or your own words.",
)
@click.option("-m", "--model", help="The vendor's research agent or model.")
@click.option(
    "-a",
    "--attach",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False),
    help="A file in the directory that goes along; may be given several times.",
)
@click.option(
    "-C",
    "--directory",
    type=click.Path(exists=True, file_okay=False, resolve_path=True),
    help="Directory that files are in; this one if not given.",
)
@click.option("--force", is_flag=True, help="Ask again although an answer is kept.")
@click.option(
    "--timeout", type=Finite(0.1), metavar="SECONDS", help="Deadline of the whole, in seconds."
)
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
@json_option
def research(topic: str, *, quiet: bool, as_json: bool, **given: object) -> None:
    """Research TOPIC and print the report with its sources.

    Progress goes to stderr. An interrupt cancels the research, at the vendor too.
    """
    if not topic.strip():
        raise click.UsageError("give a topic")
    arguments = _arguments(topic, given)

    async def work(client: McpClient) -> int:
        body = await call_to_end(client, "deepresearch", arguments, is_quiet=quiet)
        if as_json:
            say_json(body)
            return exit_code(body)
        content = str(body.get("content") or "")
        say(content, nl=bool(content) and not content.endswith("\n"))
        _say_end(body, is_quiet=quiet)
        return exit_code(body)

    with_server(work)


def _arguments(topic: str, given: Json) -> Json:
    """What `deepresearch` is called with; the paths are those of this shell."""
    files = given["files"]
    named: Json = {
        "topic": topic,
        "output_format": given["output_format"],
        "model": given["model"],
        "files": [os.path.abspath(each) for each in files] if isinstance(files, tuple) else None,  # noqa: PTH100  # links stay
        "cwd": given["directory"] or str(own_directory()),
        "force": given["force"],
        "timeout_seconds": given["timeout"],
    }
    return {name: value for name, value in named.items() if value}


def _say_end(body: Json, *, is_quiet: bool) -> None:
    for warning in rows_of(body, "warnings"):
        note(f"warning: {one_line(str(warning.get('message')))}")
    say_error(body)
    if not is_quiet:
        data = part_of(body, "data")
        whose = data.get("fallback_cli") or data.get("provider")
        kept = "kept" if data.get("cached") else None
        facts = [whose, data.get("model"), body.get("status"), kept, body.get("job_id")]
        note(" · ".join(as_text(each) for each in facts if each))
