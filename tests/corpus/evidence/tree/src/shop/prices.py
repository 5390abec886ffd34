import sqlite3
from decimal import Decimal

CONNECTION = sqlite3.connect("prices.db")


def price_of(name: str) -> Decimal:
    query = f"SELECT price FROM prices WHERE name = '{name}'"
    row = CONNECTION.execute(query).fetchone()
    return Decimal(row[0])


def all_prices() -> list[Decimal]:
    rows = CONNECTION.execute("SELECT price FROM prices").fetchall()
    return [Decimal(row[0]) for row in rows]
