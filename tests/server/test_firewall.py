"""What a bug or a broken store costs: one answer, told, and nothing else."""

import pathlib
from typing import Any

import orjson
import pytest
import trio
import trio.testing

from aimux.errors import StoreUnavailable
from aimux.testing import Say, Turn
from aimux.tools import open_app

from ..engine.house import open_house, record
from .wire import attach, open_pair

Clock = trio.testing.MockClock
HANG = Turn(says=[Say(record(answer="so far"))], hangs=True)


class Broken(Exception):
    """Stands for a bug."""


@pytest.mark.parametrize(
    ("method", "params", "where"),
    [
        (
            "tools/call",
            {"name": "sessions", "arguments": {"action": "list"}},
            "aimux.tools._sessions.answer",
        ),
        (
            "tools/call",
            {"name": "status", "arguments": {"job_id": "x"}},
            "aimux.tools._status.answer_nowait",
        ),
        ("resources/list", {}, "aimux.tools._resources.Resources.listed"),
    ],
)
@pytest.mark.parametrize("strict", [True, False])
async def test_a_bug_is_an_internal_error(
    tmp_path: pathlib.Path,
    autojump_clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    params: dict[str, Any],
    where: str,
    strict: bool,
) -> None:
    """Firewall 2: no details outside, the session lives; strict lets it through."""

    def bug(*_: object) -> None:
        raise Broken("secret detail")

    async def play() -> None:
        async with open_pair(tmp_path, strict=strict) as (_, peer):
            await peer.open()
            monkeypatch.setattr(where, bug)
            answer = await peer.call(method, params)
            text = orjson.dumps(answer).decode()
            assert "internal error in" in text
            assert "secret" not in text
            assert await peer.result("ping") == {}

    if strict:
        with pytest.RaisesGroup(pytest.RaisesExc(BaseException), flatten_subgroups=True) as raised:
            await play()
        assert raised.group_contains(Broken)  # type: ignore[attr-defined]
    else:
        await play()


async def test_a_store_that_cannot_be_opened_is_told(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Each call says why; watching a resource meanwhile costs the session nothing."""

    async with open_house(tmp_path) as house:

        def make() -> Any:
            raise StoreUnavailable("locked by another server", hint="stop it")

        async with open_app(make) as app, attach(app, house) as peer:
            await peer.open()
            await peer.result("resources/subscribe", {"uri": "aimux://health"})
            await trio.sleep(1)
            result = await peer.result(
                "tools/call", {"name": "exec", "arguments": {"prompt": "x", "cli": "alpha"}}
            )
            assert result["structuredContent"]["error"]["code"] == "store_unavailable"
            read = await peer.call("resources/read", {"uri": "aimux://health"})
            assert read["error"]["code"] == -32603
            assert read["error"]["data"]["hint"] == "stop it"
            assert await peer.result("ping") == {}
