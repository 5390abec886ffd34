"""Invoices in PostgreSQL, as the billing service reads and writes them."""

import logging
from datetime import datetime

import psycopg2
import yaml

log = logging.getLogger(__name__)

SORTABLE = {"due": "due_at", "amount": "amount_cents", "customer": "customer_name"}


class InvoiceStore:
    """One connection, handed in by the application."""

    def __init__(self, connection, defaults={}):
        self._connection = connection
        self._defaults = defaults

    def by_customer(self, name, status="open"):
        with self._connection.cursor() as cursor:
            cursor.execute(
                f"SELECT id, amount_cents FROM invoices WHERE customer_name = '{name}'"
                " AND status = %s",
                (status,),
            )
            return cursor.fetchall()

    def by_ids(self, ids):
        marks = ", ".join(["%s"] * len(ids))
        with self._connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM invoices WHERE id IN ({marks})", tuple(ids))
            return cursor.fetchall()

    def page(self, sort, offset, limit=50):
        column = SORTABLE[sort]
        query = "SELECT * FROM invoices ORDER BY %s LIMIT %%s OFFSET %%s" % column
        with self._connection.cursor() as cursor:
            cursor.execute(query, (limit, offset))
            return cursor.fetchall()

    def mark_overdue(self):
        now = datetime.utcnow()
        with self._connection.cursor() as cursor:
            cursor.execute("UPDATE invoices SET status = 'late' WHERE due_at < %s", (now,))
        self._connection.commit()

    def close(self):
        try:
            self._connection.close()
        except psycopg2.InterfaceError:
            pass


def load_terms(path):
    """Payment terms by country."""
    with open(path, encoding="utf-8") as handle:
        return yaml.load(handle, Loader=yaml.SafeLoader)
