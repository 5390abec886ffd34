"""What the turns of kept jobs have used, as a table."""

import datetime

import attrs


@attrs.frozen(kw_only=True)
class UsageRow:
    """What the turns of one CLI, model and role came to in one stretch of time.

    A turn counts where its last attempt ran; its figures are those of all its attempts. Tokens that
    no CLI reported are not guessed: they count as none. `cost_usd` is None where none was reported.
    """

    begin_at: datetime.datetime  # of the stretch that the job was created in, UTC
    cli: str
    model: str
    role: str
    turns: int
    completed: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    cost_usd: float | None
    duration_ms: int
