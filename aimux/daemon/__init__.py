"""The long-lived server: what is open, in which order, and how it stops."""

from ._run import (
    open_own_engine as open_own_engine,
    own_context as own_context,
    serve_stdio as serve_stdio,
)
