"""What a turn had said whose server died: every message, and no attempt takes away another's."""

import pytest

from aimux.model import Event, JobStarted, Message, Text, TurnStarted
from aimux.store import Store
from aimux.store._orphans import PARTIAL_CHARS

from ._values import at, log, make_job, make_session

FIRST = TurnStarted(turn=1, cli="codex")
SECOND = TurnStarted(turn=1, cli="gemini", attempt=2)


async def left(store: Store, *events: Event) -> tuple[str, bool]:
    """The content of a job that died after these events of its turn, and whether it is cut."""
    entries = [*log(JobStarted()), *log(*events, first=2, turn=1)]
    await store.create(make_job(), make_session(), entries)
    (orphan,) = await store.abort_orphans("two", at(500))
    outcome = (await store.job(orphan.job_id)).outcome
    assert outcome is not None
    return outcome.content, outcome.is_cut


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([FIRST, Message(text="I look."), Message(text="It is so.")], "I look.\n\nIt is so."),
        ([FIRST, Text(text="I lo"), Message(text="I look."), Text(text="It")], "I look.\n\nIt"),
        ([FIRST, Text(text="half an answer"), SECOND], "half an answer"),
        ([FIRST, Text(text="half an answer"), SECOND, Text(text="half")], "half an answer"),
        ([FIRST, Text(text="half"), SECOND, Message(text="another half")], "another half"),
        ([FIRST, SECOND], ""),
    ],
)
async def test_what_was_said_most_is_kept(store: Store, events: list[Event], said: str) -> None:
    assert await left(store, *events) == (said, False)


async def test_of_very_much_the_end_is_kept_and_told(store: Store) -> None:
    pieces = [Text(text=str(number % 10) * 1_000) for number in range(200)]
    content, is_cut = await left(store, FIRST, Message(text="begin"), *pieces)

    assert is_cut
    assert len(content) == PARTIAL_CHARS
    assert content.endswith("9" * 1_000)


async def test_what_just_fits_is_whole(store: Store) -> None:
    first, second = Message(text="x"), Message(text="y" * (PARTIAL_CHARS - 3))

    content, is_cut = await left(store, FIRST, first, second)

    assert (len(content), content[:4], is_cut) == (PARTIAL_CHARS, "x\n\ny", False)
