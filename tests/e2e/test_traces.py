"""Traces from a client's call to a CLI's environment, and to a collector after a kill."""

from pathlib import Path
from typing import Any

import pytest
import trio

from ..collector import attributes, bind, open_collector
from ._host import Host, Server, attach, start_server
from ._stand import Stand

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
META = {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "v=1"}

# prints what it was told of its trace; asked to wait, it does so then
PROGRAM = """#!/bin/sh
if [ "$1" = --version ]; then echo "teller 1.0.0"; exit; fi
read -r prompt
echo "told ${TRACEPARENT-nothing} ${TRACESTATE-nothing}"
if [ "$prompt" = wait ]; then exec sleep 600; fi
"""


@pytest.fixture
def machine(tmp_path: Path) -> Stand:
    """A machine with one CLI, which needs no code."""
    stand = Stand(root=tmp_path)
    stand.home.mkdir()
    stand.bin.mkdir()
    stand.configure()
    program = stand.bin / "teller"
    program.write_text(PROGRAM, encoding="utf-8")
    program.chmod(0o755)
    stand.overlay(
        "teller",
        schema_version=1,
        binary="teller",
        command=["teller"],
        prompt={"ways": ["stdin"]},
    )
    return stand


async def ask(host: Host, prompt: str, meta: dict[str, str], **more: object) -> dict[str, Any]:
    """One `exec` with this in its `_meta`."""
    arguments = {"prompt": prompt, "cli": "teller", **more}
    params = {"name": "exec", "arguments": arguments, "_meta": meta}
    response: Any = await host.answer(await host.post("tools/call", params))
    body: dict[str, Any] = response["result"]["structuredContent"]
    return body


@pytest.mark.requirement("traces:child")
def test_a_clis_environment_has_the_clients_context(machine: Stand) -> None:
    """Without any setting and without a collector; none where there is none, or a broken one."""

    async def play(server: Server) -> list[str]:
        async with attach(server) as host:
            bodies = [
                await ask(host, "go", META),
                await ask(host, "go", {}),
                await ask(host, "go", {"traceparent": "00-broken", "tracestate": "v=1"}),
            ]
        return [str(body["content"]).strip() for body in bodies]

    with start_server(machine.env, machine.project(), machine.root / "stderr") as server:
        said = trio.run(play, server)

    nothing = "told nothing nothing"
    assert said == [f"told {META['traceparent']} v=1", nothing, nothing]


@pytest.mark.slow
@pytest.mark.requirement("traces:restart")
@pytest.mark.requirement("traces:export")
def test_a_killed_servers_spans_come_from_the_next_one(machine: Stand) -> None:
    """Below the client's span, the child's as the child was told, all of them errors; and further
    jobs are traced, without a word of what was asked.
    """
    place, url = bind()
    env = {**machine.env, "OTEL_EXPORTER_OTLP_ENDPOINT": url}
    said: list[str] = []

    async def begin(server: Server) -> None:
        async with attach(server) as host:
            job = await ask(host, "wait", META, **{"async": True})
            with trio.fail_after(60):
                while "told" not in "".join(said):
                    body = await host.call("status", job_id=job["job_id"], wait_seconds=0.3)
                    said.append(str(body["content"]).strip())
            # what was said is stored by the time it was looked at again
            await host.call("status", job_id=job["job_id"], wait_seconds=0.5)
        server.process.kill()

    async def end(server: Server) -> list[Any]:
        with trio.fail_after(60):
            async with open_collector(place) as collector, attach(server) as host:
                body = await ask(host, "a fine secret", {})
                assert str(body["content"]).startswith("told 00-")
                return await collector.wait_spans(8)

    stderr = machine.root / "stderr"
    with (
        pytest.raises(AssertionError),  # it does not leave with 0
        start_server(env, machine.project(), stderr) as server,
    ):
        trio.run(begin, server)
    with start_server(env, machine.project(), stderr) as server:
        spans = trio.run(end, server)

    dead = [span for span in spans if span.trace_id.hex() == TRACE]
    of = {attributes(span)["aimux.span"]: span for span in dead}
    assert len(spans) == 8
    assert list(of) == ["job", "turn", "attempt", "child"]
    assert of["job"].parent_span_id.hex() == SPAN
    for above, below in (("job", "turn"), ("turn", "attempt"), ("attempt", "child")):
        assert of[below].parent_span_id == of[above].span_id
    assert {attributes(span)["error.type"] for span in dead} == {"aborted"}
    assert {span.status.code for span in dead} == {2}
    assert said[-1] == f"told 00-{TRACE}-{of['child'].span_id.hex()}-01 v=1"
    assert {span.trace_state for span in dead} == {"v=1"}
    assert "a fine secret" not in repr(spans)
