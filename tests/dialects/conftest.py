"""The switch that rewrites expectations of recorded output."""

import contextlib

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--update-golden`, unless a conftest above did."""
    with contextlib.suppress(ValueError):
        parser.addoption("--update-golden", action="store_true", help="rewrite expected.json files")
