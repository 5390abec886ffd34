"""What changes in files while nobody calls: found by looking, told to those who watch.

Theory of operation. A `FileSource` is something of a client's that files decide: its configuration,
its prompts. `read` gives it as it is; it is remembered by the facts of its files, so that a look at
what stands costs a `stat` for each. `compare` says which lists and which resources differ between
two looks. Nothing is kept here: who watches holds the look before.

This module is on the path to the first answer: hosts ask for the list of prompts when they start.
"""

from collections.abc import Awaitable, Callable
from typing import Final

import attrs

from ._calls import Client

CONFIGURATION: Final = "configuration"  # looking at it opens the engine
PROMPTS: Final = "prompts"


@attrs.frozen(kw_only=True)
class Changed:
    """The lists (tools, prompts, resources) that are not what they were, and the resources."""

    lists: frozenset[str] = frozenset()
    uris: frozenset[str] = frozenset()


@attrs.frozen(kw_only=True)
class FileSource:
    """Something of a client's that files decide.

    `read` gives it as it is now, the same object while no file changed; `compare` says what a
    client sees of the difference between two of them. It is not asked about one and the same.
    Cancelled or not, `read` reads files to their end.
    """

    name: str
    read: Callable[[Client], Awaitable[object]]
    compare: Callable[[object, object], Changed]


def compare_prompts(before: object, after: object) -> Changed:
    """Whether one list of prompts is another than the other."""
    return Changed(lists=frozenset({PROMPTS} if before != after else ()))
