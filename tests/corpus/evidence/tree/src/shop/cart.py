"""The cart of a shop."""

from decimal import Decimal

from .prices import price_of


class Cart:
    """What somebody means to buy."""

    def __init__(self) -> None:
        self.items: dict[str, int] = {}

    def add(self, name: str, count: int = 1) -> None:
        """Put something in."""
        if count < 0:
            raise ValueError("a negative count")
        self.items[name] = self.items.get(name, 0) + count

    def total(self) -> Decimal:
        """What it costs."""
        whole = Decimal(0)
        for name, count in self.items.items():
            whole += price_of(name) * count
        return whole

    def clear(self) -> None:
        """Take everything out."""
        self.items = {}
