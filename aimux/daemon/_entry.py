"""How to be the daemon; what that takes is imported when it is called."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._serve import Listener


def run_daemon(
    *,
    ready_fd: int | None = None,
    listeners: "Sequence[Listener]" = (),
    options: Sequence[str] = (),
) -> int:
    """Be the daemon of this environment until asked to stop; the exit code.

    `options` are the words after `aimux daemon run` that make the same listeners after a restart.
    `ready_fd` is told `ready` and a line break, or why there will be no daemon, and is closed.
    After a restart that was asked for this does not return: the process is the next daemon then.
    """
    from ._life import live

    return live(ready_fd, listeners, options)
