"""Bad input: a clear error, and a server that answers the next call."""

import json
from pathlib import Path

import pytest

from ._host import Host, Json, payload

LIST = {"jsonrpc": "2.0", "id": "list", "method": "tools/list", "params": {}}


async def _is_alive(host: Host) -> bool:
    answer = await host.answer(await host.post("tools/list"))
    tools = answer["result"]["tools"]  # type: ignore[index]
    return {"exec", "status", "sessions"} <= {tool["name"] for tool in tools}


async def _error(host: Host, data: bytes) -> Json:
    """The error that raw bytes are answered with; it names no request."""
    known = len(host.heard)
    await host.write(data)
    await host.answer(await host.post("ping"))
    errors = [message for message in host.heard[known:] if "error" in message]
    assert len(errors) == 1, host.heard[known:]
    error = errors[0]["error"]
    assert isinstance(error, dict)
    return error


@pytest.mark.requirement("bad:line")
@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"hello?\n", -32700),
        (b'{"jsonrpc": "2.0", "id": 1, "method"\n', -32700),
        (b'{"jsonrpc": "2.0", "id": 77, "method": "ping", "x": "\xff\xfe"}\n', -32700),
        (b'{"jsonrpc": "2.0", "id": 78, "method": "ping", "x": "\xe6\x97"}\n', -32700),
        (b"[]\n", -32600),
        (b'[{"jsonrpc": "2.0", "id": 79, "method": "ping"}]\n', -32600),
        (b"7\n", -32600),
        (b'{"jsonrpc": "1.0", "id": 80, "method": "ping"}\n', -32600),
        (b'{"jsonrpc": "2.0", "id": {"a": 1}, "method": "ping"}\n', -32600),
        (b'{"jsonrpc": "2.0", "id": 81, "method": "no/such"}\n', -32601),
        (b'{"jsonrpc": "2.0", "id": 82, "method": "tools/call", "params": [1]}\n', None),
        (b"[" * 100_000 + b"\n", -32700),
    ],
    ids=[
        *("junk", "half", "not utf-8", "split utf-8", "empty array", "array", "number"),
        *("version", "id", "method", "params", "deep"),
    ],
)
async def test_a_bad_line_is_answered_with_its_fault(
    host: Host, data: bytes, code: int | None
) -> None:
    """One error with the right code; then business as usual."""
    error = await _error(host, data)

    assert error["code"] == code or code is None
    assert error["message"]
    assert await _is_alive(host)


@pytest.mark.requirement("bad:oversize")
@pytest.mark.slow
async def test_a_line_of_twenty_megabytes_is_refused_without_being_kept(host: Host) -> None:
    """The error says how much is allowed; what follows on the next line is served."""
    error = await _error(host, b'{"x": "' + b"y" * 20_000_000 + b'"}\n')

    assert "bytes" in str(error["message"])
    assert await _is_alive(host)


@pytest.mark.requirement("bad:split_utf8")
async def test_a_character_split_between_two_writes_is_whole(host: Host) -> None:
    """Bytes may be cut anywhere, lines may come together."""
    host.server.last_id += 1
    call_id = host.server.last_id
    arguments = {"prompt": "日本語 ✓", "cli": "codex"}
    message = {"jsonrpc": "2.0", "id": call_id, "method": "tools/call", "params": {"name": "exec", "arguments": arguments}}  # fmt: skip  # noqa: E501
    data = json.dumps(message, ensure_ascii=False).encode()
    cut = data.index("本".encode()) + 1
    await host.write(data[:cut])
    await host.write(data[cut:] + b"\r\n\n" + json.dumps(LIST).encode() + b"\n")
    body = payload(await host.answer(call_id))

    assert "日本語 ✓" in str(body["content"])
    assert "result" in await host.answer("list")


@pytest.mark.requirement("bad:tool")
async def test_an_unknown_tool_is_told_with_the_known_ones(host: Host) -> None:
    """A protocol error, as the specification wants it."""
    answer = await host.answer(await host.post("tools/call", {"name": "exek", "arguments": {}}))
    error = answer["error"]
    assert isinstance(error, dict)

    assert error["code"] == -32602
    assert "exek" in error["message"]
    assert "exec" in error["message"]
    assert await _is_alive(host)


@pytest.mark.requirement("bad:arguments")
async def test_every_wrong_argument_is_named_at_once(host: Host) -> None:
    """Unknown, misspelt, of a wrong type, not in the list: path, value and what was expected."""
    body = await host.call("exec", promt="x", mode="reed", timeout_seconds="soon", wat=1)
    error = body["error"]
    assert isinstance(error, dict)
    problems = {str(problem["path"]): problem for problem in error["problems"]}

    assert error["code"] == "invalid_arguments"
    assert {"promt", "mode", "timeout_seconds", "wat", "prompt"} <= set(problems)
    assert problems["promt"]["suggestion"] == "prompt"
    assert problems["mode"]["value"] == "reed"
    assert all(problem["expected"] for problem in problems.values())
    assert await _is_alive(host)


@pytest.mark.requirement("bad:cwd")
async def test_a_working_directory_must_be_one(host: Host, module_dir: Path) -> None:
    """Missing, a file, relative: each says which."""
    file = module_dir / "file"
    file.write_text("", encoding="utf-8")
    told = {
        cwd: (await host.exec("hello", cli="codex", cwd=cwd))["error"]
        for cwd in (str(module_dir / "nowhere"), str(file), "relative/path", "~")
    }

    assert {error["code"] for error in told.values()} == {"cwd_invalid"}  # type: ignore[index]
    assert "nothing of that name" in told[str(module_dir / "nowhere")]["message"]  # type: ignore[index]
    assert "a file" in told[str(file)]["message"]  # type: ignore[index]
    assert "absolute" in told["relative/path"]["message"]  # type: ignore[index]
    assert await _is_alive(host)


@pytest.mark.requirement("bad:cli")
@pytest.mark.requirement("bad:role")
async def test_unknown_names_come_with_the_known_ones(host: Host) -> None:
    """A CLI or a role that is not there: which are, and which was probably meant."""
    cli = (await host.exec("hello", cli="codx"))["error"]
    role = (await host.exec("hello", role="codereveiw"))["error"]
    assert isinstance(cli, dict)
    assert isinstance(role, dict)

    assert "codex" in json.dumps(cli)
    assert "goose" in json.dumps(cli)
    assert "codereview" in json.dumps(role)
    assert "planner" in json.dumps(role)
    assert (cli["retryable"], role["retryable"]) == (False, False)
    assert await _is_alive(host)


@pytest.mark.requirement("bad:ids")
async def test_duplicate_ids_of_open_calls_are_refused(host: Host) -> None:
    """The first call keeps its id, the second is told."""
    call = {"name": "exec", "arguments": {"prompt": "[[sleep 0.5]]", "cli": "codex"}}
    line = json.dumps({"jsonrpc": "2.0", "id": "twin", "method": "tools/call", "params": call})
    await host.write(f"{line}\n{line}\n".encode())
    first = await host.answer("twin")
    await host.answer(await host.post("ping"))
    known = len([message for message in host.heard if message.get("id") == "twin"])

    assert "error" in first or known == 1
    assert await _is_alive(host)
