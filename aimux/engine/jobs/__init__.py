"""Jobs while they run and after: slots, handles, the supervisor, what is read of them."""

from ._handle import JobHandle as JobHandle
from ._job_reader import JobReader as JobReader
from ._jobs import (
    JobStart as JobStart,
    JobSupervisor as JobSupervisor,
    open_supervisor as open_supervisor,
    slot_limits as slot_limits,
)
from ._progress import BEFORE_ENTRIES as BEFORE_ENTRIES, heartbeat as heartbeat, line_at as line_at
from ._slots import Slot as Slot, Slots as Slots
from ._work import Run as Run
