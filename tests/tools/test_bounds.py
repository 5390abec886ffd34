"""What the tools keep of those who are gone: never more than a named number."""

import pathlib

import attrs
import trio
import trio.testing

from aimux.model import ServerSettings
from aimux.tools._calls import ToolCall
from aimux.tools._context import CACHED_PAYLOAD_CHARS, CACHED_PAYLOADS
from aimux.tools._runner import KEPT_BUCKETS

from ..engine.house import Heard, House, answers, open_house

Clock = trio.testing.MockClock


async def _ask_as(house: House, key: str) -> None:
    client = attrs.evolve(house.client, key=key)
    arguments = {"prompt": "x", "async": True}
    await house.app.call(ToolCall(name="exec", arguments=arguments, client=client, caller=Heard()))


async def test_rates_of_clients_that_left_are_forgotten(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Every attach is a client with a key of its own, and a daemon stays for weeks."""
    server = ServerSettings(rate_limit_rps=0.001, rate_limit_burst=1)
    async with open_house(tmp_path, [answers()], server=server) as house:
        runner = (await house.app.ready()).runner
        for number in range(KEPT_BUCKETS + 10):
            runner._take_token(
                ToolCall(
                    name="exec",
                    arguments={},
                    client=attrs.evolve(house.client, key=f"local-{number}"),
                    caller=Heard(),
                )
            )
        await _ask_as(house, "local-0")  # forgotten: begins anew, and is the newest now

        assert len(runner._buckets) == KEPT_BUCKETS
        assert ("local-0", "exec") in runner._buckets
        assert ("local-10", "exec") not in runner._buckets


async def test_few_answers_are_cached_and_no_long_one(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Who asks for much at once pays for making it each time."""
    said = "x" * (CACHED_PAYLOAD_CHARS + 1)
    async with open_house(tmp_path, [answers(said)]) as house:
        job, context = await house.run(), (await house.app.ready()).context
        whole = await house.ask("status", job_id=job.id, max_chars=len(said))
        assert len(context._cache) == 0
        for number in range(CACHED_PAYLOADS + 5):
            await house.ask("status", job_id=job.id, offset=number, max_chars=10)

        assert whole["content"] == said
        assert len(context._cache) == CACHED_PAYLOADS
