"""Agents: instructions for a kind of task, with the way they want to be run."""

from collections.abc import Sequence

import attrs

from ._settings import Source
from ._turns import Mode


@attrs.frozen(kw_only=True)
class Agent:
    """One agent. `text` is all that a CLI is told of it; empty and None mean: not said.

    `cli` is the one whose names `model` and `tools` are from. `host` is whose place the file lies
    in, `hidden` are the files of the same id that it replaces.
    """

    id: str
    name: str = ""
    description: str = ""
    when: str = ""
    domain: str = ""
    keywords: Sequence[str] = ()
    role: str = ""
    cli: str = ""
    model: str = ""
    effort: str = ""
    mode: Mode | None = None
    tools: Sequence[str] = ()
    max_turns: int | None = None
    timeout_s: float | None = None
    text: str = ""
    host: str = "aimux"
    origin: str = ""
    source: Source = Source.SHIPPED
    hidden: Sequence[str] = ()
