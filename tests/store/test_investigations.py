"""Investigations in the store: kept, changed one step at a time, found by what they say."""

from functools import partial
from pathlib import Path

import attrs
import pytest
import trio

from aimux.errors import InvalidArguments, NotFound
from aimux.investigate import Investigation, InvestigationId, add_finding
from aimux.store import Store, _investigations as rows, open_store
from aimux.store._files import connect, connect_memory
from aimux.store._migrations import STEPS, migrate

from ..investigate._values import BIRTH, MISSING, add, clear, draft, judged, make
from ._values import at, make_job, make_session

MOST_BYTES = 5 * 1024 * 1024


def numbered(number: int, question: str = "Why?", project: str = "/one") -> Investigation:
    return make(
        id=InvestigationId(f"inv_{number}"),
        question=question,
        project=project,
        last_active_at=at(number),
    )


async def test_an_investigation_is_read_as_it_was_written(store: Store) -> None:
    """With everything in it."""
    whole = add(make(), "locks are taken twice", area="alpha", severity="P0", by="codex")
    whole = add(whole, "only the writer does", corrects="F-0-1", places=(MISSING,))
    whole = clear(judged(whole)[0], "beta")
    await store.investigations.create(whole)

    assert await store.investigations.get("inv_1") == whole


async def test_one_that_is_not_there_is_said_to_be_missing(store: Store) -> None:
    """By reading and by changing."""
    for asked in (
        store.investigations.get("inv_9"),
        store.investigations.change("inv_9", lambda state: (state, None)),
    ):
        with pytest.raises(NotFound) as refused:
            await asked

        assert refused.value.code == "investigation_not_found"


async def test_changes_at_the_same_time_are_all_kept(store: Store) -> None:
    """Each step is taken on what the one before has left."""
    await store.investigations.create(make())

    async def say(number: int) -> None:
        step = partial(add_finding, draft=draft(f"case{number} fails"), at=at(number))
        await store.investigations.change("inv_1", step)

    async with trio.open_nursery() as saying:
        for number in range(20):
            saying.start_soon(say, number)
    found = await store.investigations.get("inv_1")

    assert {each.description for each in found.findings} == {f"case{n} fails" for n in range(20)}
    assert len({each.id for each in found.findings}) == 20


async def test_a_step_that_is_refused_changes_nothing(store: Store) -> None:
    """What it raises reaches the caller."""
    await store.investigations.create(make())

    with pytest.raises(InvalidArguments):
        await store.investigations.change(
            "inv_1", partial(add_finding, draft=draft("x", severity="P9"), at=BIRTH)
        )

    assert await store.investigations.get("inv_1") == make()


async def test_they_are_listed_by_their_last_activity(store: Store) -> None:
    """In pages, of one project or of all."""
    for number, project in [(1, "/one"), (2, "/two"), (3, "/one"), (4, "/one")]:
        await store.investigations.create(numbered(number, project=project))
    moved = attrs.evolve(numbered(1), last_active_at=at(9))
    await store.investigations.change("inv_1", lambda _: (moved, None))
    first = await store.investigations.listing(project="/one", limit=2)
    rest = await store.investigations.listing(project="/one", limit=2, cursor=first.cursor)
    every = await store.investigations.listing()

    assert [each.id for each in first.investigations] == ["inv_1", "inv_4"]
    assert [each.id for each in rest.investigations] == ["inv_3"]
    assert rest.cursor is None
    assert [each.id for each in every.investigations] == ["inv_1", "inv_4", "inv_3", "inv_2"]


async def test_they_are_recalled_by_question_and_findings(store: Store) -> None:
    """In any form of the word, questions first, within a project or everywhere."""
    recall = store.investigations.recall
    await store.investigations.create(numbered(1, "Why do evictions stall?"))
    said = add(numbered(2, "What is slow?"), "the cache evicts the wrong entry")
    await store.investigations.create(said)
    await store.investigations.create(numbered(3, "Does eviction work?", project="/two"))
    mine = await recall("evicting caches", project="/one", limit=5)
    every = await recall("evicting", limit=5)

    assert {each.investigation.id for each in mine} == {"inv_1", "inv_2"}
    assert {each.investigation.id for each in every} == {"inv_1", "inv_2", "inv_3"}
    assert [each.score for each in mine] == sorted((each.score for each in mine), reverse=True)
    assert [each.investigation.id for each in await recall("stalls", limit=1)] == ["inv_1"]
    assert await recall("elephants", limit=5) == []


@pytest.mark.parametrize("text", ["", "the of and", '" OR 1=1', "NEAR(", "a* -b ^c", "snake_case"])
async def test_a_search_is_words_and_nothing_else(store: Store, text: str) -> None:
    """Whatever is typed: no syntax of the index, no error."""
    await store.investigations.create(numbered(1, "Is the snake_case name right?"))
    found = await store.investigations.recall(text, limit=5)

    assert [each.investigation.id for each in found] == (["inv_1"] if "snake" in text else [])


async def test_what_is_not_said_any_more_is_not_found(store: Store) -> None:
    """The index follows each change, and a row that goes."""
    await store.investigations.create(add(numbered(1), "zebras cross"))
    after = attrs.evolve(numbered(1), question="Who crosses?")
    await store.investigations.change("inv_1", lambda _: (after, None))

    assert await store.investigations.recall("zebras", limit=5) == []
    assert len(await store.investigations.recall("crosses", limit=5)) == 1


def test_the_oldest_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond so many, those that rested longest go, and with them their words."""
    monkeypatch.setattr(rows, "KEPT", 3)
    connection = connect_memory()
    migrate(connection)
    for number in range(1, 6):
        rows._create(connection, numbered(number, f"Why case{number}?"))
    page = rows._listing(connection, None, 10, None)
    connection.execute(
        "INSERT INTO investigation_index (investigation_index) VALUES ('integrity-check')"
    )
    found = rows._recall(connection, "case1 case5", None, 10)
    connection.close()

    assert [each.id for each in page.investigations] == ["inv_5", "inv_4", "inv_3"]
    assert [each.investigation.id for each in found] == ["inv_5"]


async def test_they_survive_a_restart(tmp_path: Path) -> None:
    """The file has them, and the index."""
    path = tmp_path / "sessions.db"
    async with open_store(path, owner="one") as store:
        await store.investigations.create(numbered(1, "Why evict?"))
    async with open_store(path, owner="two") as store:
        found = await store.investigations.recall("eviction", limit=1)

    assert [each.investigation.id for each in found] == ["inv_1"]


async def test_an_older_file_gets_the_table(tmp_path: Path) -> None:
    """What was in it stays."""
    path = tmp_path / "sessions.db"
    before = next(at for at, step in enumerate(STEPS) if "investigations" in step)
    connection = connect(path)
    migrate(connection, path, steps=STEPS[:before])
    connection.close()
    async with open_store(path, owner="one") as store:
        await store.create(make_job(), make_session())
        await store.investigations.create(make())

        assert await store.investigations.get("inv_1") == make()


@pytest.mark.slow
def test_a_thousand_take_less_than_five_mebibytes(tmp_path: Path) -> None:
    """Of twelve findings each, the index included."""
    path = tmp_path / "sessions.db"
    connection = connect(path)
    migrate(connection, path)
    vocabulary = [f"{one}{two}" for one in _BEGINNINGS for two in _ENDINGS]
    for number in range(1_000):
        state = numbered(number, " ".join(vocabulary[number % 90 :][:8]))
        for at_finding in range(12):
            start = (number * 7 + at_finding * 13) % (len(vocabulary) - 14)
            said = f"case{at_finding} {' '.join(vocabulary[start : start + 13])}"
            state = add(state, said, area="alpha", source=f"src/module{at_finding}.py:{number}")
        rows._create(connection, state)
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()

    assert path.stat().st_size < MOST_BYTES


_BEGINNINGS = (
    "cache",
    "retry",
    "session",
    "parse",
    "lock",
    "query",
    "socket",
    "index",
    "token",
    "job",
)
_ENDINGS = (
    "s",
    "ing",
    " stalls",
    " leaks",
    " waits",
    " fails",
    " repeats",
    " grows",
    "less",
    " ends",
)


@pytest.mark.parametrize("project", [None, "/one"])
def test_every_question_is_answered_by_an_index(project: str | None) -> None:
    """So its cost does not grow with the file."""
    connection = connect_memory()
    migrate(connection)
    seen: list[str] = []
    connection.set_trace_callback(seen.append)
    rows._listing(connection, project, 5, None)
    rows._create(connection, numbered(1))
    rows._get(connection, "inv_1")
    connection.set_trace_callback(None)
    plans = [
        row[3]
        for statement in seen
        if statement.startswith(("SELECT", "UPDATE"))
        for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")
    ]
    connection.close()

    assert plans
    assert not [plan for plan in plans if plan == "SCAN investigations"]
    assert not [plan for plan in plans if "TEMP B-TREE" in plan]
