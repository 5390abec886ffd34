"""The long-lived server: what is open, in which order, and how it stops."""

from ._ask import (
    DaemonSilent as DaemonSilent,
    ask as ask,
    own_address as own_address,
    wait_gone as wait_gone,
)
from ._entry import run_daemon as run_daemon
from ._lockfile import (
    Holder as Holder,
    forget_last as forget_last,
    running as running,
    wait_holder as wait_holder,
)
from ._network import NetworkListener as NetworkListener, serve_network as serve_network
from ._renewal import RENEW_WITHIN_S as RENEW_WITHIN_S
from ._state_files import StateFiles as StateFiles, find_state_files as find_state_files
from ._stdio import own_directory as own_directory, serve_stdio as serve_stdio
