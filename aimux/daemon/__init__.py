"""The long-lived server: what is open, in which order, and how it stops."""

from ._entry import run_daemon as run_daemon
from ._stdio import serve_stdio as serve_stdio
