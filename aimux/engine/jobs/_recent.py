"""Jobs that have ended and are still answered from memory, within limits of number and size."""

from collections import OrderedDict
from typing import Final

import attrs

from aimux.model import JobId

from ._handle import JobHandle

KEPT_HANDLES: Final = 100  # finished jobs that status answers without asking the store
KEPT_HANDLES_CHARS: Final = 4 * 2**20  # of prompts and logs of these, together
KEPT_HANDLE_CHARS: Final = 1_000_000  # a job that said more is read from the store


@attrs.define(eq=False)
class RecentJobs:
    """The jobs that ended last, oldest first."""

    _handles: OrderedDict[JobId, JobHandle] = attrs.field(factory=OrderedDict)
    _chars: int = 0

    def __repr__(self) -> str:
        return f"<RecentJobs: {len(self._handles)} jobs, {self._chars} chars>"

    def find(self, job_id: JobId) -> JobHandle | None:
        """A job that is still kept."""
        return self._handles.get(job_id)

    def keep(self, handle: JobHandle) -> None:
        """Keep a job that has ended, unless it is too large; the oldest make room."""
        size = handle.kept_chars
        if size <= KEPT_HANDLE_CHARS:
            self._handles[handle.id] = handle
            self._chars += size
        while len(self._handles) > KEPT_HANDLES or self._chars > KEPT_HANDLES_CHARS:
            self.drop(next(iter(self._handles)))

    def drop(self, job_id: JobId) -> None:
        """Forget a job; one that is not kept is no fault."""
        handle = self._handles.pop(job_id, None)
        if handle is not None:
            self._chars -= handle.kept_chars
