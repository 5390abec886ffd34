"""Jobs whose log is longer than what a store gives at once."""

import json
import pathlib

from aimux.engine import JobHandle
from aimux.model import JobStatus
from aimux.rules.workflow import StepEnd
from aimux.strategies import Ask, Note, Report
from aimux.tools._steps import ends_of

from ..engine.house import House, open_house
from .calls import Clock

NOTES = 2_300
LAST = StepEnd(id="last", tool="think", status="completed", content="done")


async def run_long(house: House) -> JobHandle:
    """A job that says much, and something that matters at the end."""

    async def work(ask: Ask, note: Note) -> Report:
        for number in range(NOTES):
            note(f"{number}")
        note("the end", step=LAST.record())
        return Report(status=JobStatus.COMPLETED, content="done")

    prepared = await house.engine.prepare(house.request())
    handle = await house.engine.start(prepared, work)
    await handle.done.wait()
    return handle


async def test_the_events_of_a_long_job_are_read_whole(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Not the first thousand alone."""
    async with open_house(tmp_path) as house:
        job_id = (await run_long(house)).id
        resources = (await house.app.ready()).resources
        content = await resources.read(house.client, f"aimux://jobs/{job_id}/events")
        events = json.loads(str(content["text"]))

    assert [each["seq"] for each in events] == list(range(1, len(events) + 1))
    assert events[-1]["kind"] == "job_finished"
    assert len(events) > NOTES


async def test_a_step_at_the_end_of_a_long_log_is_reused(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """As any other."""
    async with open_house(tmp_path) as house:
        found = await ends_of(house.engine, (await run_long(house)).id)

    assert found == {"last": LAST}
