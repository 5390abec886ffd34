"""`aimux connect`: which address it dials, and which token goes there."""

from pathlib import Path

import pytest

from aimux.console._connect import find_token, socket_url
from aimux.errors import SetupFault


@pytest.mark.parametrize(
    ("url", "dialled"),
    [
        ("ws://host:1/ws", "ws://host:1/ws"),
        ("http://host:1/mcp", "ws://host:1/mcp"),
        ("https://host/mcp?x=1", "wss://host/mcp?x=1"),
        ("ws://host:1", "ws://host:1/ws"),
        ("ws://[::1]:1/ws", "ws://[::1]:1/ws"),
    ],
)
def test_address_is_that_of_the_socket(url: str, dialled: str) -> None:
    assert socket_url(url) == dialled


@pytest.mark.parametrize("url", ["", "host:1", "ftp://host", "ws://", "ws://host:x", "ws://["])
def test_what_is_no_address_is_told(url: str) -> None:
    with pytest.raises(SetupFault, match="is not a URL"):
        socket_url(url)


def test_own_token_stays_on_this_machine(tmp_path: Path) -> None:
    """A token file of the state directory opens this machine's CLIs: no other server may see it."""
    (tmp_path / "http-token").write_text("own\n", encoding="utf-8")
    env = {"AIMUX_STATE_DIR": str(tmp_path)}

    assert find_token("127.0.0.1", env) == "own"
    assert find_token("localhost", env) == "own"
    assert find_token("localhost.evil.example", env) is None
    assert find_token("127.0.0.1.evil.example", env) is None
    assert find_token("far.example", {**env, "AIMUX_AUTH_TOKEN": "given"}) == "given"


def test_named_token_file_is_read_or_told(tmp_path: Path) -> None:
    path = tmp_path / "token"
    env = {"AIMUX_AUTH_TOKEN_FILE": str(path), "AIMUX_STATE_DIR": str(tmp_path)}
    with pytest.raises(SetupFault, match="cannot be read"):
        find_token("far.example", env)
    path.write_text("named", encoding="utf-8")

    assert find_token("far.example", env) == "named"
