"""Files watched while the server runs: a valid change is swapped in whole, a bad one reported.

Directories are watched one by one, without what is below them: a client's working directory may be
a home with a million files. One that is missing is awaited in the nearest directory above it. After
each change the list is made anew, and a new watch stands before the files are looked at again, so
nothing falls between two watches.
"""

import contextlib
import pathlib
from collections.abc import Callable, Collection, Iterator
from typing import Final

import attrs
import trio

from ._find import ClientContext, Places
from ._load import Loader, Snapshot

DEBOUNCE_MS: Final = 200  # editors write a file in several steps
STEP_MS: Final = 50  # how soon a watch ends when asked


@attrs.frozen(kw_only=True)
class Change:
    """What a change of files came to.

    `snapshot` is in effect from now on. A refused change keeps the old values there, with the new
    problems.
    """

    snapshot: Snapshot
    is_accepted: bool


async def serve_changes(
    client: ClientContext,
    loader: Loader,
    changed: Callable[[Change], None],
    *,
    task_status: trio.TaskStatus[Snapshot] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Call `changed` after each change of the client's files, until cancelled.

    Starts with the snapshot in effect. A change that brings new errors is refused as a whole;
    `changed` is called for it once. Cancelling ends the watching thread within a tenth of a second.
    """
    looked_at = current = await trio.to_thread.run_sync(loader.load, client)
    is_started = False
    while True:
        watched = _watched(current.places)
        async with trio.open_nursery() as nursery:
            send, receive = trio.open_memory_channel[None](1)
            stop = trio.Event()
            nursery.start_soon(_relay, watched, current.places, send, stop)
            nursery.start_soon(_set_when_cancelled, stop)
            # The relay runs until its watch stands before a thread can answer this.
            fresh = await trio.to_thread.run_sync(loader.load, client)
            if not is_started:
                is_started = True
                task_status.started(current)
            while True:
                if fresh.fingerprint != looked_at.fingerprint:
                    looked_at = fresh
                    change = _judged(current, fresh)
                    current = change.snapshot
                    changed(change)
                if _watched(current.places) != watched:
                    break
                await receive.receive()
                fresh = await trio.to_thread.run_sync(loader.load, client)
            nursery.cancel_scope.cancel(reason="other directories to watch")


def _judged(current: Snapshot, fresh: Snapshot) -> Change:
    known = set(map(str, current.errors))
    is_accepted = all(str(each) in known for each in fresh.errors)
    if is_accepted:
        return Change(snapshot=fresh, is_accepted=True)
    return Change(snapshot=attrs.evolve(current, problems=fresh.problems), is_accepted=False)


async def _relay(
    watched: Collection[str], places: Places, send: trio.MemorySendChannel[None], stop: trio.Event
) -> None:
    import watchfiles  # 70 ms, and few processes watch

    roots = [str(each) for each in _roots(places)]

    def is_ours(_: object, path: str) -> bool:
        return any(path.startswith(root) or root.startswith(path) for root in roots)

    changes = watchfiles.awatch(
        *watched,
        watch_filter=is_ours,
        debounce=DEBOUNCE_MS,
        step=STEP_MS,
        stop_event=stop,
        recursive=False,
        ignore_permission_denied=True,
    )
    async for _ in changes:
        with contextlib.suppress(trio.WouldBlock):  # a look is due already
            send.send_nowait(None)


async def _set_when_cancelled(stop: trio.Event) -> None:
    """The watching thread does not notice a cancellation, but it asks this event."""
    try:
        await trio.sleep_forever()
    finally:
        stop.set()


def _roots(places: Places) -> Iterator[pathlib.Path]:
    yield from (places.shipped, places.prompts, places.user, places.project)


def _watched(places: Places) -> list[str]:
    """Existing directories that hold files of ours, and those where missing ones would appear."""
    found: set[str] = set()
    for root in _roots(places):
        near = root
        while not near.is_dir() and near != near.parent:
            near = near.parent
        found.add(str(near))
    for _, root in (*places.profile_roots, *places.prompt_roots):
        if root.is_dir():
            found.add(str(root))
            found |= {str(each) for each in root.iterdir() if each.is_dir()}
    return sorted(found)
