"""Files watched while the server runs: a valid change is swapped in whole, a bad one reported."""

import pathlib
from collections.abc import Callable

import attrs
import trio

from ._find import ClientContext
from ._load import Loader, Snapshot


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

    Starts with the snapshot in effect. A change that brings new errors is refused as a whole.
    Changes within 50 ms count as one. Cancelling leaves nothing behind.
    """
    import watchfiles  # 70 ms, and few processes watch

    current = await trio.to_thread.run_sync(loader.load, client)
    stop = trio.Event()
    changes = watchfiles.awatch(
        *_watched(current),
        debounce=200,
        step=50,
        stop_event=stop,
        recursive=True,
        ignore_permission_denied=True,
    )
    task_status.started(current)
    async for _ in changes:
        fresh = await trio.to_thread.run_sync(loader.load, client)
        if fresh.fingerprint == current.fingerprint:
            continue
        is_accepted = not set(map(str, fresh.errors)) - set(map(str, current.errors))
        current = fresh if is_accepted else attrs.evolve(current, problems=fresh.problems)
        changed(Change(snapshot=current, is_accepted=is_accepted))


def _watched(snapshot: Snapshot) -> list[pathlib.Path]:
    places = snapshot.places
    return [
        each
        for each in (places.shipped, places.prompts, places.user, places.project)
        if each.is_dir()
    ]
