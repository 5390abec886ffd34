"""What outlives the process: jobs, their logs, sessions and raw output."""

from ._files import is_foreign as is_foreign, refusal_of as refusal_of
from ._investigations import (
    InvestigationPage as InvestigationPage,
    Investigations as Investigations,
)
from ._jobs import JobPage as JobPage
from ._orphans import Orphan as Orphan
from ._reading import Tally as Tally
from ._sessions import SessionPage as SessionPage
from ._spool import Piece as Piece, Spool as Spool
from ._store import (
    Store as Store,
    StoreStatistics as StoreStatistics,
    inline_writer as inline_writer,
    open_store as open_store,
)
from ._sweep import Collected as Collected
