"""`aimux worktrees`: the copies of trees in which pairs work, and what is left of them."""

import os
from typing import Final

import click

from aimux.config import state_dir
from aimux.engine import copies_root, settle_copy
from aimux.files.temporary import each_leftover, owned_directories

from ._output import note, say, say_json, table
from ._screen import json_option
from ._table import Column

COLUMNS: Final = (
    "copy", "state", Column("pid", drop=2), Column("job", drop=3), Column("size", drop=1),
)  # fmt: skip
KILO: Final = 1024


@click.command(
    short_help="List the copies that changes are made in.",
    epilog="Example: aimux worktrees --clear",
)
@click.option(
    "--clear", is_flag=True, help="Remove those of processes that have died; others stay."
)
@json_option
def worktrees(*, clear: bool, as_json: bool) -> None:
    """List the copies in which changes are made before they land (exec with pair=true).

    A copy goes with its job. What a process that was killed has left goes when the next server
    starts, or with --clear. A landing that was cut off is finished or undone first.
    """
    root = copies_root(state_dir(os.environ))
    gone = each_leftover(settle_copy, root) if clear else 0
    rows = []
    for each in owned_directories(root):
        pid, _, job = each.word.partition(" ")
        rows.append(
            {
                "name": each.path.name,
                "path": str(each.path),
                "state": "in use" if each.is_alive else "left over",
                "pid": int(pid) if pid.isdecimal() else None,
                "job_id": job or None,
                "size_bytes": each.size_bytes,
            }
        )
    if as_json:
        say_json({"copies": rows, "removed": gone})
    else:
        if clear:
            say(f"removed {gone}")
        if rows:
            keys = ("name", "state", "pid", "job_id")
            table(COLUMNS, [(*map(row.get, keys), _size(row["size_bytes"])) for row in rows])
        elif not clear:
            note(f"no copy in {root}")


def _size(size: object) -> str:
    assert isinstance(size, int)
    return f"{size / KILO / KILO:.1f} MB" if size >= KILO * KILO else f"{size / KILO:.0f} kB"
