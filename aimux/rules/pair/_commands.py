"""Commands of a user as argument lists: split as a shell would, and no shell runs them."""

import shlex
from collections.abc import Sequence
from typing import Final

_OPERATORS: Final = frozenset({"&&", "||", "|", ";", "&", ">", ">>", "<", "2>", "2>&1", "|&"})


class CommandFault(Exception):
    """A command cannot be run as it is given; says why."""


def split_command(command: object) -> tuple[str, ...]:
    """The argument list of a command that is a text or a list of texts.

    Raises:
        CommandFault: it is neither, it is empty, or only a shell could run it.
    """
    if isinstance(command, str):
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise CommandFault(f"{command!r} cannot be split: {error}") from error
        found = next((word for word in words if word in _OPERATORS), None)
        if found is not None:
            raise CommandFault(
                f"{command!r}: no shell runs it, so {found!r} would be an argument; give several "
                'commands, or a list like ["sh", "-c", "…"]'
            )
    elif isinstance(command, Sequence) and all(isinstance(word, str) for word in command):
        words = [str(word) for word in command]
    else:
        raise CommandFault(f"{command!r} is no text and no list of texts")
    if not words or not words[0]:
        raise CommandFault("an empty command")
    if any("\0" in word for word in words):
        raise CommandFault("a command with a NUL character")
    return tuple(words)
