"""Sessions of thinking: one row each, changed in one transaction, bounded and swept."""

from pathlib import Path

import attrs
import pytest
import trio

from aimux.errors import InvalidArguments, NotFound
from aimux.model import ThoughtId, ThoughtSession
from aimux.store import Store, _migrations, _thoughts, open_store
from aimux.store._files import connect
from aimux.store._migrations import STEPS, migrate
from aimux.think import stored

from ..think.helpers import steps
from ._values import at

WORDS = "the cache is filled by the first request of a day, so the evening is measured instead"


def session(number: int, **body: object) -> ThoughtSession:
    """One of them."""
    return ThoughtSession(
        id=ThoughtId(f"thk_{number}"),
        pattern="think",
        client="c",
        body=body,
        created_at=at(number),
        last_active_at=at(number),
    )


async def keep(store: Store, value: ThoughtSession) -> None:
    """A new one, as it is."""
    await store.change_thought(None, lambda _: (value, None))


async def test_a_step_sees_what_the_one_before_kept(store: Store) -> None:
    """The step is given the session and returns the next; what it came to is handed on."""
    await keep(store, session(1, n=1, text="ä\n\x00"))

    def step(kept: ThoughtSession | None) -> tuple[ThoughtSession | None, str]:
        assert kept is not None
        return attrs.evolve(kept, body={**kept.body, "n": 2}), "done"

    made = await store.change_thought(ThoughtId("thk_1"), step)
    kept = await store.thought(ThoughtId("thk_1"))

    assert made == "done"
    assert kept == session(1, n=2, text="ä\n\x00")


async def test_a_step_that_keeps_nothing_leaves_the_session(store: Store) -> None:
    """Refusals and looks change no row; an unknown id is told as such."""
    await keep(store, session(1, n=1))
    await store.change_thought(ThoughtId("thk_1"), lambda _: (None, None))

    assert await store.thought(ThoughtId("thk_1")) == session(1, n=1)
    for refused in (
        lambda: store.thought(ThoughtId("thk_9")),
        lambda: store.change_thought(ThoughtId("thk_9"), lambda _: (None, None)),
    ):
        with pytest.raises(NotFound) as fault:
            await refused()
        assert fault.value.code == "session_not_found"


async def test_steps_at_once_lose_nothing(store: Store) -> None:
    """Twenty callers on one session: twenty steps."""
    await keep(store, session(1, n=0))

    def step(kept: ThoughtSession | None) -> tuple[ThoughtSession | None, None]:
        assert kept is not None
        return attrs.evolve(kept, body={"n": int(str(kept.body["n"])) + 1}), None

    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(store.change_thought, ThoughtId("thk_1"), step)

    assert (await store.thought(ThoughtId("thk_1"))).body == {"n": 20}


async def test_it_survives_a_restart(tmp_path: Path) -> None:
    """What was told is on disk."""
    path = tmp_path / "sessions.db"
    async with open_store(path, owner="one") as store:
        await keep(store, session(1, n=7))
    async with open_store(path, owner="two") as store:
        assert (await store.thought(ThoughtId("thk_1"))).body == {"n": 7}


async def test_a_file_of_the_version_before_gets_the_table(tmp_path: Path) -> None:
    """It is brought up to date when it is opened."""
    path = tmp_path / "sessions.db"
    older = connect(path)
    migrate(older, path, steps=STEPS[: STEPS.index(_migrations.THOUGHTS)])
    older.close()
    async with open_store(path, owner="one") as store:
        await keep(store, session(1, n=1))

        assert (await store.thought(ThoughtId("thk_1"))).body == {"n": 1}


async def test_the_oldest_goes_when_there_are_too_many(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a new one counts; going on with a session takes no other's space."""
    monkeypatch.setattr(_thoughts, "MAX_SESSIONS", 3)
    for number in range(1, 5):
        await keep(store, session(number))

    with pytest.raises(NotFound):
        await store.thought(ThoughtId("thk_1"))
    assert await store.thought(ThoughtId("thk_2")) == session(2)


async def test_they_are_listed_by_their_last_use_and_deleted_by_id(store: Store) -> None:
    """In pages, each with how many there are; what is gone is not deleted again."""
    for number in (2, 1, 4, 3):
        await keep(store, session(number))
    first = await store.thoughts(limit=3)
    rest = await store.thoughts(limit=3, cursor=first.cursor)
    await store.forget_thought(ThoughtId("thk_4"))
    left = await store.thoughts()

    assert [each.id for each in first.thoughts] == ["thk_4", "thk_3", "thk_2"]
    assert ([each.id for each in rest.thoughts], rest.cursor) == (["thk_1"], None)
    assert (first.total, rest.total, left.total) == (4, 4, 3)
    with pytest.raises(NotFound):
        await store.forget_thought(ThoughtId("thk_4"))
    with pytest.raises(InvalidArguments):
        await store.thoughts(cursor="nonsense")


async def test_a_thousand_of_them_stay_below_five_mebibytes(tmp_path: Path) -> None:
    """Of six steps each, as `think` keeps them: on disk, the log of writes included."""
    path = tmp_path / "sessions.db"
    said = [{"thought": f"Step {at}: {WORDS}", "totalThoughts": 6} for at in range(1, 7)]
    last = steps("sequential_thinking", *said).session
    assert last is not None
    body = stored(last)
    async with open_store(path, owner="one") as store:
        async with trio.open_nursery() as nursery:
            for number in range(1_000):
                nursery.start_soon(keep, store, session(number, **body))
        page = await store.thoughts(limit=1)

    assert page.total == 1_000
    assert size_of(tmp_path) < 5 * 2**20


def size_of(directory: Path) -> int:
    """Bytes of all files in it."""
    return sum(each.stat().st_size for each in directory.iterdir() if each.is_file())


async def test_what_nobody_uses_is_swept(store: Store) -> None:
    """By its last use; a dry run only counts."""
    for number in (1, 2, 30):
        await keep(store, session(number))
    before = at(10)
    dry = await store.collect(before, dry_run=True)
    found = await store.collect(before)
    left = await store.thought(ThoughtId("thk_30"))

    assert left.last_active_at > before
    assert (dry.thoughts, found.thoughts) == (2, 2)
    assert (await store.collect(before)).thoughts == 0
    assert (await store.collect(at(40), limit=1)).has_more
