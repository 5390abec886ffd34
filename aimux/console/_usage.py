"""`aimux usage`: what turns have used, by CLI, model, role and day, from the store."""

import csv
import datetime
import io
import json
import re
from collections.abc import Sequence
from typing import Final

import click

from aimux.times import utc_now

from ._client import Json, McpClient
from ._output import note, say, say_json, table
from ._screen import DONE, json_option, rows_of, with_server
from ._table import Column

KEYS: Final = ("day", "cli", "model", "role")
SUMS: Final = (
    "turns", "completed", "input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens",
    "cost_usd", "duration_ms",
)  # fmt: skip
COST: Final = "cost_usd"
COST_DIGITS: Final = 9
_AGO: Final = re.compile(r"(\d{1,5})([hdw])")
_HOURS: Final = {"h": 1, "d": 24, "w": 168}


@click.command(
    epilog="""\b
Examples:
  aimux usage --since 7d
  aimux usage --by day,cli --csv > usage.csv"""
)
@click.option(
    "--by", default="cli,model", show_default=True, metavar="LIST",
    help="What makes a row: day, cli, model, role, with commas between.",
)  # fmt: skip
@click.option(
    "--since", metavar="TIME",
    help="Only jobs made since then: 2026-03-01, a time in ISO 8601, or 12h, 7d, 4w ago.",
)  # fmt: skip
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values.")
@json_option
def usage(by: str, since: str | None, *, as_csv: bool, as_json: bool) -> None:
    """Sum up the turns, tokens and cost of the jobs that are kept. Days are those of UTC.

    A turn counts where its last attempt ran, with the figures of all its attempts; what a CLI does
    not report counts as none, and a cost that none of them reports is a dash. Jobs that
    gc has removed are not counted.
    """
    if as_csv and as_json:
        raise click.UsageError("--csv and --json are two forms: give one")
    keys = keys_of(by)
    at = None if since is None else time_of(since, utc_now())

    async def work(client: McpClient) -> int:
        uri = "aimux://usage" + (f"/{at}" if at is not None else "")
        rows = summed(rows_of(json.loads(await client.read(uri)), "rows"), keys)
        if as_json:
            say_json(rows)
        elif as_csv:
            say(csv_of(rows, keys), nl=False)
        elif rows:
            _draw(rows, keys)
        else:
            note("no turn is kept" + (f" of jobs made since {at}" if at is not None else ""))
        return DONE

    with_server(work)


def keys_of(by: str) -> list[str]:
    """The columns that make a row.

    Raises:
        click.UsageError: one is unknown.
    """
    keys = list(dict.fromkeys(each.strip() for each in by.split(",") if each.strip()))
    unknown = [each for each in keys if each not in KEYS]
    if unknown or not keys:
        raise click.UsageError(f"--by {by!r}: takes {', '.join(KEYS)}, with commas between")
    return keys


def time_of(text: str, now: datetime.datetime) -> str:
    """A time in ISO 8601, UTC, from a day, a time, or a length of time before `now`.

    Raises:
        click.UsageError: it is none of these.
    """
    ago = _AGO.fullmatch(text.strip())
    if ago is not None:
        hours = int(ago[1]) * _HOURS[ago[2]]
        at = now - datetime.timedelta(hours=min(hours, 24 * 36_500))
    else:
        try:
            at = datetime.datetime.fromisoformat(text.strip())
        except ValueError as error:
            raise click.UsageError(
                f"{text!r} is not a time: give 2026-03-01, 2026-03-01T12:00:00Z, 12h, 7d or 4w"
            ) from error
        at = at.replace(tzinfo=datetime.UTC) if at.tzinfo is None else at.astimezone(datetime.UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def summed(rows: Sequence[Json], keys: Sequence[str]) -> list[Json]:
    """Rows with one line for each combination of `keys`, in the order of these."""
    found: dict[tuple[str, ...], Json] = {}
    for row in rows:
        key = tuple(str(row.get(each) or "") for each in keys)
        into = found.setdefault(
            key, dict(zip(keys, key, strict=True)) | dict.fromkeys(SUMS, 0) | {COST: None}
        )
        for name in SUMS:
            if name != COST:
                into[name] = _number(into[name]) + _number(row.get(name))
            elif row.get(name) is not None:  # what nobody reports is not free
                into[name] = round(_number(into[name]) + _number(row[name]), COST_DIGITS)
    return [found[key] for key in sorted(found)]


def _number(value: object) -> int | float:
    return value if isinstance(value, int | float) else 0


def csv_of(rows: Sequence[Json], keys: Sequence[str]) -> str:
    """The rows as comma-separated values under a line of names."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [*keys, *SUMS], lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    """A cell that a spreadsheet takes for text and not for a formula."""
    is_formula = isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"}
    return f"'{value}" if is_formula else value


def _draw(rows: Sequence[Json], keys: Sequence[str]) -> None:
    columns = [
        *(Column(each, flex=0 if each == "day" else 8) for each in keys),
        Column("turns"), Column("good", drop=2), Column("input"), Column("output"),
        Column("cached", drop=1), Column("cost", drop=4), Column("time", drop=3),
    ]  # fmt: skip
    total = summed(rows, ())
    lines = [*rows, *({**each, keys[0]: "all"} for each in total if len(rows) > 1)]
    table(
        columns,
        [
            (
                *(row.get(each) or ("" if row.get(keys[0]) == "all" else "-") for each in keys),
                row["turns"], row["completed"], f"{_number(row['input_tokens']):,}",
                f"{_number(row['output_tokens']):,}", f"{_number(row['cached_tokens']):,}",
                "-" if row[COST] is None else f"${_number(row[COST]):.4f}",
                f"{_number(row['duration_ms']) / 1000:.0f}s",
            )
            for row in lines
        ],
    )  # fmt: skip
