"""`investigate(action=report)`: the report, and the file it is written to."""

from pathlib import Path
from typing import Final

import attrs
import trio

from aimux.engine import find_directory
from aimux.files.inside import NotInside, write_new
from aimux.investigate import (
    Assessment,
    Domain,
    Gate,
    Investigation,
    Move,
    judge_report,
    look_over,
    moved,
    render_report,
    report_name,
)
from aimux.times import utc_now

from ._calls import Payload, ToolCall
from ._context import ToolContext
from ._investigation_json import guided, report_json
from ._results import Json

REPORTS: Final = (".agent", "reports")  # below the project


async def report(context: ToolContext, call: ToolCall, domain: Domain | None) -> Payload:
    """The report of the investigation that a call names, in a file too if it names a directory.

    Cancelling it leaves what was written.

    Raises:
        AimuxError: there is no such investigation, or no such directory.
    """
    given = call.arguments
    session_id = str(given["session_id"])
    store = context.engine.store.investigations
    is_forced, now = bool(given.get("force")), utc_now()

    def step(state: Investigation) -> tuple[Investigation, tuple[str, Gate, Assessment]]:
        found = look_over(state, domain)
        gate = judge_report(state, found, is_forced=is_forced)
        after = moved(state, Move.REPORT, now) if gate.is_ready else state
        return after, (render_report(after, found, gate, now), gate, found)

    state, (text, gate, found) = await store.change(session_id, step)
    result = report_json(state, text, gate, is_forced=is_forced)
    cwd = str(given.get("cwd") or "")
    if cwd and gate.is_written:
        saved = await _save(call, cwd, report_name(state, now), text)
        result |= saved
        if saved["saved_to"]:
            path = str(saved["saved_to"])
            state, _ = await store.change(
                session_id, lambda each: (attrs.evolve(each, saved_to=path), None)
            )
    elif cwd:
        result |= {"saved_to": None, "save_error": "blocked: there is nothing to write"}
    return guided("report", state, found, result, report_state=gate.state, gaps=list(gate.gaps))


async def _save(call: ToolCall, cwd: str, name: str, text: str) -> Json:
    """Write a report below `cwd`. What keeps it from being written is told, not raised.

    Raises:
        InvalidArguments: there is no such directory.
    """

    def write() -> Json:
        root = find_directory(cwd, (), call.client.cwd, call.client.env).path
        try:
            path = write_new(Path(root), REPORTS, name, ".md", text.encode(errors="replace"))
        except NotInside as error:
            why = f"{error.filename}: {error.strerror}; reports are written below cwd only"
            return {"saved_to": None, "save_error": why}
        except OSError as error:
            return {"saved_to": None, "save_error": f"{error.strerror or error}"}
        return {"saved_to": str(path)}

    return await trio.to_thread.run_sync(write)
