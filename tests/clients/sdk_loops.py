"""The official Python SDK's client against our stdio server: `nox -s sdk`.

A script, not a test: the SDK is installed in that session's environment only. The conversation is
played on asyncio and on Trio, since the SDK offers both.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import anyio
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

INSTALL = Path(__file__).parents[2] / "emulators" / "install.py"
LIMIT_S = 120


def _machine(root: Path) -> dict[str, str]:
    """The environment of a machine with emulated CLIs."""
    subprocess.run(
        [sys.executable, str(INSTALL), str(root / "bin")], check=True, stdout=subprocess.DEVNULL
    )
    (root / "home").mkdir()
    return {
        "PATH": f"{root / 'bin'}:/usr/bin:/bin",
        "HOME": str(root / "home"),
        "AIMUX_STATE_DIR": str(root / "state"),
        "AIMUX_CACHE_DIR": str(root / "cache"),
        "AIMUX_DAEMON": "off",
    }


async def _play(root: Path) -> None:
    env = _machine(root)
    project = root / "project"
    project.mkdir()
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "aimux"], env=env, cwd=project
    )
    with anyio.fail_after(LIMIT_S):
        async with stdio_client(server) as streams, ClientSession(*streams) as session:
            await _converse(session)


async def _converse(session: ClientSession) -> None:
    hello = await session.initialize()
    assert hello.server_info.name == "aimux", hello
    tools = {tool.name: tool for tool in (await session.list_tools()).tools}
    assert {"exec", "status", "sessions"} <= set(tools), sorted(tools)
    assert tools["exec"].input_schema["required"] == ["prompt"]
    print(f"  initialize, list: {', '.join(sorted(tools))}")

    steps: list[float] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        assert "[[say" not in str(message)
        steps.append(done)

    arguments = {"cli": "codex", "prompt": "[[say 50]] [[sleep 0.5]]"}
    result = await session.call_tool("exec", arguments, progress_callback=progress)
    body = result.structured_content
    assert body is not None
    assert (body["status"], len(body["content"])) == ("completed", 50), body
    assert steps, "no progress came"
    assert steps == sorted(set(steps)), steps
    print(f"  exec: completed in {body['duration_ms']} ms, {len(steps)} progress notifications")

    started = anyio.Event()

    async def begun(done: float, total: float | None, message: str | None) -> None:
        started.set()

    async def doomed() -> None:
        await session.call_tool(
            "exec", {"cli": "claude", "prompt": "[[sleep 300]]"}, progress_callback=begun
        )

    async with anyio.create_task_group() as calls:
        calls.start_soon(doomed)
        await started.wait()
        calls.cancel_scope.cancel()
    job = await _newest_job(session)
    ended = await session.call_tool("status", {"job_id": job, "wait_seconds": 30})
    assert ended.structured_content is not None
    assert ended.structured_content["status"] == "cancelled", ended.structured_content
    print("  cancelled in flight: the job is cancelled")

    again = await session.call_tool("status", {"job_id": body["job_id"]})
    assert again.structured_content is not None
    assert again.structured_content["content"] == body["content"]
    wrong = await session.call_tool("exec", {"promt": "x"})
    assert wrong.is_error
    print("  result read again; wrong arguments are an error of the tool")


async def _newest_job(session: ClientSession) -> str:
    listed = await session.call_tool("sessions", {"action": "list", "limit": 1})
    assert listed.structured_content is not None
    newest = listed.structured_content["sessions"][0]["id"]
    info = await session.call_tool("sessions", {"action": "info", "session_id": newest})
    assert info.structured_content is not None
    return str(info.structured_content["jobs"][0]["id"])


def main() -> None:
    """Play the conversation on each loop; an assertion is the exit code."""
    for backend in ("asyncio", "trio"):
        print(f"{backend}:")
        with tempfile.TemporaryDirectory(prefix="aimux-sdk-") as kept:
            anyio.run(_play, Path(kept).resolve(), backend=backend)


if __name__ == "__main__":
    main()
