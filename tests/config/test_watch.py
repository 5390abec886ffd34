"""Changes of files while the server runs."""

import functools
import math
import pathlib

import pytest
import trio

from aimux.config import Change, serve_changes

from .conftest import Desk

TINY = "{schema_version: 1, name: tiny, binary: tiny, command: [tiny]}"

pytestmark = pytest.mark.slow


async def test_a_valid_change_is_swapped_in_and_a_bad_one_keeps_the_old(desk: Desk) -> None:
    """Each is reported once, and a repaired file is taken again."""
    path = desk.write_user("server: {max_chars: 5}")
    send, receive = trio.open_memory_channel[Change](math.inf)
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            first = await nursery.start(
                functools.partial(serve_changes, desk.client(), desk.loader, send.send_nowait)
            )
            assert first.settings.server.max_chars == 5

            path.write_text("server: {max_chars: 6}", encoding="utf-8")
            good = await receive.receive()
            path.write_text("server: {max_chars: many}", encoding="utf-8")
            bad = await receive.receive()
            path.write_text("server: {max_chars: 7}", encoding="utf-8")
            again = await receive.receive()
            nursery.cancel_scope.cancel()

    assert good.is_accepted
    assert good.snapshot.settings.server.max_chars == 6
    assert not bad.is_accepted
    assert bad.snapshot.settings.server.max_chars == 6
    assert "'many' is not a whole number" in bad.snapshot.errors[0].message
    assert again.is_accepted
    assert again.snapshot.settings.server.max_chars == 7
    assert not again.snapshot.problems


async def test_directories_that_come_later_are_noticed(desk: Desk, tmp_path: pathlib.Path) -> None:
    """A first profile, and a first project file."""
    send, receive = trio.open_memory_channel[Change](math.inf)
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            await nursery.start(
                functools.partial(serve_changes, desk.client(), desk.loader, send.send_nowait)
            )
            desk.write_profile("tiny", TINY)
            change = await receive.receive()
            while "tiny" not in change.snapshot.profiles:  # the directory may come first
                change = await receive.receive()
            desk.write_project("server: {max_chars: 9}")
            while change.snapshot.settings.server.max_chars != 9:
                change = await receive.receive()
            nursery.cancel_scope.cancel()

    assert change.is_accepted
