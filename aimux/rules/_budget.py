"""When a job has spent what it may over all its turns."""

from aimux.model import Budget, Spent


def exhausted(budget: Budget, spent: Spent) -> str:
    """The first figure of which nothing is left, in words: "turns (3 of 3)"; else empty."""
    if budget.turns is not None and spent.turns >= budget.turns:
        return f"turns ({spent.turns} of {budget.turns})"
    if budget.tokens is not None and spent.tokens >= budget.tokens:
        return f"tokens ({spent.tokens} of {budget.tokens})"
    # ten cents eight times are a little less than 0.8
    if budget.cost_usd is not None and round(spent.cost_usd, 9) >= budget.cost_usd:
        return f"cost ({_dollars(spent.cost_usd)} of {_dollars(budget.cost_usd)} US dollars)"
    return ""


def _dollars(amount: float) -> str:
    return f"{amount:.6f}".rstrip("0").rstrip(".")
