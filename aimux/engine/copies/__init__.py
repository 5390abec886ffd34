"""Trees to work in: facts of git, scratch and work copies, what changed in them."""

from ._base_facts import BaseFacts as BaseFacts
from ._changes import changed_files as changed_files
from ._scratch import Scratch as Scratch, open_scratch as open_scratch
from ._work_copy import (
    WorkCopies as WorkCopies,
    WorkCopy as WorkCopy,
    copies_root as copies_root,
    settle_copy as settle_copy,
    work_copies as work_copies,
)
