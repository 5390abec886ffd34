"""Where a daemon is looked for, and the line that is said to it."""

import os
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from aimux.config import state_dir, user_dir
from aimux.daemon._hello import is_newer, read_hello, reply
from aimux.errors import PeerFault
from aimux.shim.address import (
    MAX_SOCKET_PATH,
    ShimFault,
    check_private,
    connect,
    find_address,
    hello,
)

HOME = "/home/somebody"


@pytest.mark.parametrize(
    "named",
    [{}, {"AIMUX_STATE_DIR": "~/x"}, {"AIMUX_STATE_DIR": " /y "}, {"AIMUX_STATE_DIR": ""}],
)
def test_shim_and_settings_agree_on_the_directories(named: dict[str, str]) -> None:
    """The shim has a rule of its own because the settings cost an import."""
    env = {"HOME": HOME, **named}
    address = find_address(env)

    assert address.state_dir == os.path.realpath(state_dir(env))
    assert address.config_dir == str(user_dir(env))


@pytest.mark.parametrize(
    ("named", "directory"),
    [
        ({"AIMUX_RUNTIME_DIR": "/run/own", "XDG_RUNTIME_DIR": "/run/user/1"}, "/run/own"),
        ({"XDG_RUNTIME_DIR": "/run/user/1"}, "/run/user/1/aimux"),
        ({"XDG_RUNTIME_DIR": "/" + "x" * 100}, f"/tmp/aimux-{os.getuid()}"),
        ({"XDG_RUNTIME_DIR": "/" + "é" * 50}, f"/tmp/aimux-{os.getuid()}"),
        ({"XDG_RUNTIME_DIR": "relative"}, f"/tmp/aimux-{os.getuid()}"),
        ({"TMPDIR": "/var/folders/1"}, f"/tmp/aimux-{os.getuid()}"),
    ],
)
def test_the_socket_stands_in_a_short_directory(named: dict[str, str], directory: str) -> None:
    """Named, the system's own, or one that every process of the user finds."""
    address = find_address({"HOME": HOME, **named})

    assert address.runtime_dir == directory
    assert str(Path(address.socket).parent) == directory
    assert len(os.fsencode(address.socket)) <= MAX_SOCKET_PATH


def test_a_named_directory_that_is_too_long_is_refused() -> None:
    """An address that was asked for is not replaced in silence."""
    with pytest.raises(ShimFault, match="too long"):
        find_address({"HOME": HOME, "AIMUX_RUNTIME_DIR": "/" + "x" * MAX_SOCKET_PATH})


def test_two_names_of_one_state_directory_are_one_address(tmp_path: Path) -> None:
    """A link and a path with dots lead to the same daemon; another directory to another."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    sockets = [
        find_address({"HOME": HOME, "AIMUX_STATE_DIR": str(tmp_path / name)}).socket
        for name in ("real", "link", "real/../real", "other")
    ]

    assert len(set(sockets[:3])) == 1
    assert sockets[3] not in sockets[:3]


def test_a_directory_must_be_ours_and_closed(tmp_path: Path) -> None:
    """A link, a file, an open directory: none is trusted."""
    private, shared = tmp_path / "private", tmp_path / "shared"
    private.mkdir(mode=0o700)
    shared.mkdir()
    shared.chmod(0o750)
    link, file = tmp_path / "link", tmp_path / "file"
    link.symlink_to(private)
    file.touch()
    check_private(str(private))

    for bad in (shared, link, file):
        with pytest.raises(ShimFault, match="AIMUX_RUNTIME_DIR"):
            check_private(str(bad))
    with pytest.raises(FileNotFoundError):
        check_private(str(tmp_path / "missing"))


def test_nobody_listens_where_nothing_is(short_path: Path) -> None:
    """No directory, no socket: no connection, and no fault."""
    env = {"HOME": HOME, "AIMUX_RUNTIME_DIR": str(short_path / "r")}
    address = find_address(env)

    assert len(address.socket) > 20
    assert connect(address) is None


TEXT = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from([chr(0xDC80), chr(0xDCFF)])
)


@given(st.dictionaries(TEXT, TEXT))
def test_every_environment_arrives_as_it_is(env: dict[str, str]) -> None:
    """Control characters, quotes, other planes, bytes that are not UTF-8."""
    address = find_address({"HOME": HOME})
    line = hello(address, env)
    read = read_hello(line)

    assert line.count(b"\n") == 1
    assert read.env == env
    assert read.cwd == Path.cwd()
    assert read.state_dir == address.state_dir
    assert read.client_env == {**env, "AIMUX_CONFIG_DIR": f"{HOME}/.config/aimux"}


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"", "hello_invalid"),
        (b"GET / HTTP/1.1", "hello_invalid"),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping"}', "hello_invalid"),
        (b'{"aimux":2,"cwd":"/","env":{},"state_dir":"/"}', "hello_too_new"),
        (b'{"aimux":1,"cwd":"here","env":{},"state_dir":"/"}', "hello_invalid"),
        (b'{"aimux":1,"cwd":"/","env":[],"state_dir":"/"}', "hello_invalid"),
        (b'{"aimux":1,"cwd":"/","env":{}}', "hello_invalid"),
        (b'[{"aimux":1}]', "hello_invalid"),
    ],
)
def test_what_is_no_hello_is_refused(line: bytes, code: str) -> None:
    """The code says whether a restart would help."""
    with pytest.raises(PeerFault) as caught:
        read_hello(line)

    assert caught.value.code == code


def test_a_hello_may_hold_keys_of_later_versions() -> None:
    """They are not understood and do no harm."""
    line = b'{"aimux":1,"cwd":"/","env":{"A":"1","B":2},"state_dir":"/s","later":[1]}'
    read = read_hello(line)

    assert (read.env, read.pid, read.ask) == ({"A": "1"}, 0, "")


def test_the_reply_is_one_line() -> None:
    """The shim cuts it off at the first line end."""
    assert reply({"error": "a\nb"}).count(b"\n") == 1


@pytest.mark.parametrize(
    ("one", "other", "newer"),
    [("0.2", "0.1.9", True), ("0.10.0", "0.9.0", True), ("1.0", "1.0", False),
     ("1.0+x.9", "1.0", False), ("", "0.1", False), ("0.1", "0.2", False)],
)  # fmt: skip
def test_versions_are_compared_as_numbers(one: str, other: str, newer: bool) -> None:
    """What is not a number does not count."""
    assert is_newer(one, other) is newer
