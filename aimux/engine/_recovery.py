"""After a crash: jobs of a dead owner become aborted, children and files that outlived it go."""

import logging
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import trio

from aimux.drivers import OWNER, end_survivors
from aimux.files.temporary import each_leftover, leftovers, owned_directory, remove_leftovers
from aimux.model import JobId
from aimux.store import Store
from aimux.times import utc_now

from .copies import copies_root, settle_copy

log = logging.getLogger("aimux.recovery")


def temporary_roots(state_dir: Path) -> tuple[Path, Path]:
    """Where temporary files of all owners are; in the second those of earlier versions."""
    return state_dir / "tmp", state_dir / "scratch"


@asynccontextmanager
async def open_temporary(state_dir: Path, owner: str) -> AsyncIterator[Path]:
    """The directory of this server's temporary files, removed at the end whatever is in it.

    Its lock file holds what the marks of our children begin with. Where it cannot be made, whoever
    needs a file in it is told that. It never waits: cancelled, it is removed.
    """
    root = temporary_roots(state_dir)[0]
    with ExitStack() as stack:
        try:
            stack.enter_context(owned_directory(root, owner, OWNER))
        except OSError as error:
            log.warning("no directory for temporary files", extra={"error": str(error)})
        yield root / owner


async def recover(store: Store, owner: str, state_dir: Path | None = None) -> list[JobId]:
    """Abort what another owner left running, end its children, and return which jobs it was.

    Children are found by recorded pid and start time, so a reused pid is left alone, and by the
    marks of dead owners that left temporary files in `state_dir`. Cancelled after the jobs were
    marked, it may leave such children alive.
    """
    orphans = await store.abort_orphans(owner, utc_now())
    children = [child for orphan in orphans for child in orphan.children]
    marks = await trio.to_thread.run_sync(_dead_owners, state_dir) if state_dir else []
    if children or marks:
        ended = await end_survivors(children, marks)
        if ended or children:
            log.warning("ended children of a server that died", extra={"children": ended})
    if state_dir is not None:  # a landing that was cut off: before anybody works in that tree
        await trio.to_thread.run_sync(_settle, copies_root(state_dir))
    if orphans:
        log.warning("jobs aborted by the death of their server", extra={"jobs": len(orphans)})
    return [orphan.job_id for orphan in orphans]


async def clear_leftovers(state_dir: Path) -> int:
    """Remove the temporary files of dead owners, and first end who may use them; how many owners.

    Cancelled or not, what has begun is removed.
    """
    marks = await trio.to_thread.run_sync(_dead_owners, state_dir)
    if marks:
        await end_survivors([], marks)
    gone = await trio.to_thread.run_sync(remove_leftovers, *temporary_roots(state_dir))
    gone += await trio.to_thread.run_sync(each_leftover, settle_copy, copies_root(state_dir))
    if gone:
        log.info("temporary files of dead servers removed", extra={"servers": gone})
    return gone


def _dead_owners(state_dir: Path) -> list[str]:
    return [each.word for each in leftovers(*temporary_roots(state_dir)) if each.word]


def _settle(root: Path) -> None:
    """Finish or undo what dead owners began to land; their copies are removed later."""

    def settled(path: Path) -> bool:
        if not settle_copy(path):
            log.error("a landing can neither be finished nor undone", extra={"copy": str(path)})
        return False

    each_leftover(settled, root)
