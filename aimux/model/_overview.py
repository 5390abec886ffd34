"""What somebody who watches sees of many jobs at once."""

from collections.abc import Mapping, Sequence

import attrs

from ._jobs import Job


@attrs.frozen(kw_only=True)
class Glance:
    """A job as a list shows it: its row without prompt and answer, and what it came to in short."""

    job: Job
    failure: Mapping[str, object] | None = None
    usage: Mapping[str, object] | None = None
    cli: str = ""
    model: str = ""
    duration_ms: int = 0
    state: str = ""  # a strategy's own word for its end
    resumable_from: str = ""  # the step of a workflow that could go on


@attrs.frozen(kw_only=True)
class GlancePage:
    """One page of glances, newest first; `cursor` names the next one, None on the last."""

    glances: Sequence[Glance]
    cursor: str | None = None


@attrs.frozen(kw_only=True)
class Silence:
    """A time in which a turn said nothing, in seconds since its job was born."""

    turn: int
    begin_s: float
    end_s: float
