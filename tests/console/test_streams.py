"""What an operator's command may print."""

import io
import sys

import click
import pytest

from aimux.console import _main


def test_an_answer_may_hold_what_the_code_page_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files and pipes get UTF-8; with the code page of a Windows system it would be a traceback."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="cp1252", newline="\n")
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(_main, "commands", lambda: click.echo("snow \u2603, half \udc80"))

    _main.main()

    out.flush()
    raw = out.buffer
    assert isinstance(raw, io.BytesIO)
    assert raw.getvalue().decode("utf-8") == "snow \u2603, half ?\n"
