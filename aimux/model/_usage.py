"""What the turns of kept jobs have used, as a table."""

import attrs


@attrs.frozen(kw_only=True)
class DayUsage:
    """What the turns of one CLI, model and role came to on one day, UTC.

    A turn counts where its last attempt ran; its figures are those of all its attempts. Tokens that
    no CLI reported are not guessed: they count as none.
    """

    day: str  # YYYY-MM-DD, of the job's creation
    cli: str
    model: str
    role: str
    turns: int
    completed: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    cost_usd: float
    duration_ms: int
