"""Named pipes; a package of its own because what they need is imported on demand."""

from aimux.transports._named_pipe import (
    PipeStream as PipeStream,
    new_key as new_key,
    open_pipe_stream as open_pipe_stream,
    serve_pipe as serve_pipe,
)
