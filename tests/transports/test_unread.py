"""Requests that cannot be read end for whoever sent them: each is answered by its id."""

from typing import Final

import pytest
from trio.testing import MockClock

from aimux.transports._request import BODY_BYTES

from .asgi import call, initialize, open_browser
from .test_websocket import open_socket

DEEP: Final = b"[" * 2_000 + b"]" * 2_000
BROKEN: Final = (b'"\\ud800"', DEEP)
BIG: Final = b'"%s"' % (b"x" * BODY_BYTES)


def _call(argument: bytes) -> bytes:
    """As many clients write it: the id comes last."""
    return b'{"method":"tools/call","params":{"arguments":%s},"jsonrpc":"2.0","id":"seven"}' % (
        argument
    )


@pytest.mark.parametrize("argument", BROKEN, ids=["surrogate", "deep"])
@pytest.mark.parametrize("revision", ["2025-11-25", "2026-07-28"])
async def test_a_post_that_is_no_json_is_refused_by_its_id(
    autojump_clock: MockClock, argument: bytes, revision: str
) -> None:
    async with open_browser() as browser:
        answer = await browser.send(
            "POST", body=_call(argument), headers={"mcp-protocol-version": revision}
        )
        said = await answer.message()

    assert answer.status == 400
    assert (said["id"], said["error"]["code"]) == ("seven", -32700)


async def test_a_batch_that_is_no_json_is_refused_by_its_ids(autojump_clock: MockClock) -> None:
    batch = b'[{"id":1,"method":"ping"},{"method":"n"},' + _call(BROKEN[0]) + b"]"
    async with open_browser() as browser:
        answer = await browser.send("POST", body=batch)
        (said,) = await answer.messages()

    assert [each["id"] for each in said] == [1, "seven"]


@pytest.mark.parametrize("is_told", [True, False])
async def test_a_body_over_the_limit_is_refused_by_its_id(
    autojump_clock: MockClock, is_told: bool
) -> None:
    """Whether its length is told or not; nothing of it is kept."""
    body = _call(BIG)
    pieces = [body[at : at + 65_536] for at in range(0, len(body), 65_536)]
    length = str(len(body)) if is_told else None
    async with open_browser() as browser:
        answer = await browser.send("POST", headers={"content-length": length}, chunks=pieces)
        said = await answer.message()

    assert answer.status == 413
    assert (said["id"], said["error"]["code"]) == ("seven", -32600)


async def test_an_upload_without_an_end_is_refused_soon(autojump_clock: MockClock) -> None:
    """The id is waited for, but not for long."""
    async with open_browser() as browser:
        answer = await browser.send("POST", chunks=[b'{"params":"' + b"x" * BODY_BYTES])
        said = await answer.message()

    assert answer.status == 413
    assert "id" not in said


@pytest.mark.parametrize("argument", BROKEN, ids=["surrogate", "deep"])
async def test_a_message_over_sse_is_refused_by_its_id(
    autojump_clock: MockClock, argument: bytes
) -> None:
    async with open_browser() as browser:
        stream = await browser.send("GET", "/sse")
        endpoint = await stream.next_event()
        assert endpoint is not None
        await browser.send("POST", endpoint.data, initialize())
        await stream.next_event()
        taken = await (await browser.send("POST", endpoint.data, _call(argument))).wait_over()
        said = await stream.next_event()
        await browser.send("POST", endpoint.data, call("echo", at=8))
        fine = await stream.next_event()

    assert taken.status == 202
    assert said is not None
    assert '"id":"seven"' in said.data
    assert fine is not None
    assert '"id":8' in fine.data


@pytest.mark.parametrize("argument", BROKEN, ids=["surrogate", "deep"])
async def test_a_frame_that_is_no_json_is_refused_by_its_id(
    autojump_clock: MockClock, argument: bytes
) -> None:
    async with open_browser() as browser, open_socket(browser) as socket:
        assert (await socket.out.receive())["type"] == "websocket.accept"
        await socket.say(_call(argument).decode())
        said = await socket.hear()

    assert (said["id"], said["error"]["code"]) == ("seven", -32700)
