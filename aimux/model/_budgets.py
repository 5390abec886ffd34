"""What a job may use, and what it has used."""

import attrs
from attrs.validators import ge, gt, optional

from ._said import Usage


@attrs.frozen(kw_only=True)
class Budget:
    """What a job may use before it is given no further turn; None is no limit."""

    turns: int | None = attrs.field(default=None, validator=optional(ge(1)))
    tokens: int | None = attrs.field(default=None, validator=optional(ge(1)))
    cost_usd: float | None = attrs.field(default=None, validator=optional(gt(0)))


@attrs.frozen(kw_only=True)
class Spent:
    """What a job has used so far, the jobs below it included."""

    turns: int = 0
    tokens: int = 0
    cost_usd: float = 0.0

    def plus(self, usage: Usage | None) -> "Spent":
        """What is spent with the tokens and the cost of one more turn.

        Figures that nobody reported count nothing. The turn itself was counted when it was asked
        for.
        """
        if usage is None:
            return self
        tokens = (usage.input_tokens or 0) + (usage.output_tokens or 0)
        return attrs.evolve(
            self, tokens=self.tokens + tokens, cost_usd=self.cost_usd + (usage.cost_usd or 0.0)
        )
