"""Calls that cannot be read, or not be told again, over a stream of lines."""

import pathlib

import pytest
import trio.testing

from ..engine.house import open_house
from .wire import attach, open_pair

Clock = trio.testing.MockClock


@pytest.mark.parametrize(
    ("argument", "code"),
    [
        (b'"\\ud800"', -32700),
        (b"[" * 2_000 + b"]" * 2_000, -32700),
        (b'"%s"' % (b"x" * 9_000), -32600),
    ],
    ids=["surrogate", "deep", "long"],
)
async def test_a_call_that_cannot_be_read_is_answered_by_its_id(
    tmp_path: pathlib.Path, autojump_clock: Clock, argument: bytes, code: int
) -> None:
    """It ends for its client, and the session goes on; the id may be the last thing said."""
    line = b'{"method":"tools/call","params":{"name":"exec","arguments":{"prompt":%s}},"id":"x"}\n'
    async with open_house(tmp_path) as house, attach(house.app, house, max_bytes=8_000) as peer:
        await peer.open()
        await peer.stream.send_all(line % argument)
        answer = await peer.answer("x")
        assert answer["error"]["code"] == code
        assert await peer.result("ping") == {}


async def test_arguments_as_deep_as_can_be_read_are_told_in_words(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A value that no error can repeat is no internal error."""
    line = b'{"id":"x","jsonrpc":"2.0","method":"tools/call","params":{"name":"status","arguments":'
    async with open_pair(tmp_path) as (_, peer):
        await peer.open()
        for value in (b"[" * 990 + b"]" * 990, b'{"a":' * 990 + b"1" + b"}" * 990):
            await peer.stream.send_all(line + b'{"job_id":%s}}}\n' % value)
            answer = (await peer.answer("x"))["result"]["structuredContent"]
            assert answer["error"]["code"] == "invalid_arguments"
            assert "job_id: expected string" in answer["error"]["message"]
            del peer.answers["x"]
