"""Ways to run a child process: pipe, pseudo-terminal, Windows console."""

from ._activity import Activity as Activity, activity as activity
from ._base import (
    CHUNK_BYTES as CHUNK_BYTES,
    LINGER_MAX_S as LINGER_MAX_S,
    LINGER_S as LINGER_S,
    Child as Child,
    Driver as Driver,
    Exit as Exit,
    OnOutput as OnOutput,
    ProcessSpec as ProcessSpec,
)
from ._choice import choose_driver as choose_driver
from ._life import shelter as shelter
from ._pipe import run_piped as run_piped
from ._probe import (
    Standing as Standing,
    State as State,
    Verdict as Verdict,
    Version as Version,
    VersionCache as VersionCache,
    discover as discover,
    judge as judge,
    probe_version as probe_version,
    read_version as read_version,
)
from ._processes import MARK as MARK
from ._search import Found as Found, Lack as Lack, Missing as Missing, find as find
from ._stop import (
    OWNER as OWNER,
    become_subreaper as become_subreaper,
    serve_orphans as serve_orphans,
)
from ._survivors import end_survivors as end_survivors
from ._watchdog import Watchdog as Watchdog, open_watchdog as open_watchdog
