"""The long-lived server: what is open, in which order, and how it stops."""

from ._ask import ask as ask, own_address as own_address, wait_gone as wait_gone
from ._entry import run_daemon as run_daemon
from ._lockfile import running as running
from ._network import NetworkListener as NetworkListener, serve_network as serve_network
from ._stdio import serve_stdio as serve_stdio
