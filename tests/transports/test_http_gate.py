"""Who may come in: tokens, origins, hosts, sizes. And where a server listens at all."""

import logging
import stat
from pathlib import Path

import attrs
import pytest
import trio
from trio.testing import MockClock

from aimux.errors import SetupFault
from aimux.transports import _request
from aimux.transports._gate import MAX_HEADERS
from aimux.transports.network import choose_address, find_token, require_token

from .. import needs
from .asgi import ADDRESS, TOKEN, call, initialize, modern, open_browser

PATHS = [
    ("POST", "/mcp"), ("GET", "/mcp"), ("DELETE", "/mcp"), ("GET", "/sse"), ("POST", "/message"),
    ("GET", "/metrics"),
]  # fmt: skip

# ---------------------------------------------------------------- tokens


@pytest.mark.parametrize(("method", "path"), PATHS)
@pytest.mark.parametrize(
    "given",
    [None, "", "Bearer", "Bearer ", "Bearer wrong", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x"],
)
async def test_without_the_token_nothing_is_served(
    autojump_clock: MockClock, method: str, path: str, given: str | None
) -> None:
    async with open_browser() as browser:
        answer = await browser.send(method, path, headers={"authorization": given})
        await answer.wait_over()

    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_token_in_the_query_is_no_token(autojump_clock: MockClock) -> None:
    async with open_browser() as browser:
        answer = await browser.send(
            "POST", f"/mcp?token={TOKEN}&access_token={TOKEN}", headers={"authorization": None}
        )
        await answer.wait_over()

    assert answer.status == 401


async def test_two_authorizations_are_none(autojump_clock: MockClock) -> None:
    async with open_browser() as browser:
        answer = await browser.send(
            "POST", body=initialize(), raw_headers=[(b"authorization", b"Bearer x")]
        )
        await answer.wait_over()

    assert answer.status == 401


async def test_scheme_is_read_in_any_case(autojump_clock: MockClock) -> None:
    async with open_browser() as browser:
        answer = await browser.post(initialize(), authorization=f"bearer {TOKEN}")
        await answer.wait_over()

    assert answer.status == 200


async def test_server_without_a_token_lets_everybody_in(autojump_clock: MockClock) -> None:
    async with open_browser(attrs.evolve(ADDRESS, token=None)) as browser:
        answer = await browser.post(initialize(), authorization=None)
        await answer.wait_over()

    assert answer.status == 200


async def test_failures_are_logged_but_not_every_one(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    """One line, without the token that was tried; then a count."""
    async with open_browser() as browser:
        with caplog.at_level(logging.WARNING, "aimux.http"):
            for _ in range(50):
                answer = await browser.post(initialize(), authorization="Bearer guessed")
                await answer.wait_over()
            await trio.sleep(6)
            await (await browser.post(initialize(), authorization=None)).wait_over()

    assert [record.getMessage() for record in caplog.records] == [
        "wrong token from 127.0.0.1 on /mcp (0 more since the last line)",
        "no token from 127.0.0.1 on /mcp (49 more since the last line)",
    ]
    assert "guessed" not in caplog.text


# ---------------------------------------------------------------- origins and hosts


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 200),
        ("http://localhost:3000", 200),
        ("http://127.0.0.1", 200),
        ("http://[::1]:9", 200),
        ("http://evil.example", 403),
        ("http://localhost.evil.example", 403),
        ("http://127.0.0.1.evil.example", 403),
        ("null", 403),
        ("http://[", 403),
    ],
)
async def test_foreign_origins_are_403(
    autojump_clock: MockClock, origin: str | None, status: int
) -> None:
    """X-1: also on paths that are not served."""
    async with open_browser() as browser:
        answer = await (await browser.post(initialize(), origin=origin)).wait_over()
        other = await browser.send("GET", "/other", headers={"origin": origin})
        await other.wait_over()

    assert answer.status == status
    assert other.status == (404 if status == 200 else 403)
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8080", 200),
        ("127.0.0.1:1", 200),
        ("[::1]:8080", 200),
        ("LOCALHOST", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.nip.example:8080", 421),
        (None, 421),
    ],
)
async def test_foreign_hosts_are_421(
    autojump_clock: MockClock, host: str | None, status: int
) -> None:
    async with open_browser() as browser:
        answer = await (await browser.post(initialize(), host=host)).wait_over()

    assert answer.status == status


async def test_named_hosts_are_allowed(autojump_clock: MockClock) -> None:
    address = choose_address(
        ("127.0.0.1", 0),
        token=TOKEN,
        env={"AIMUX_ALLOWED_HOSTS": "box.lan, Other.Example"},
    )
    async with open_browser(address) as browser:
        statuses = [
            (await (await browser.post(initialize(), host=host)).wait_over()).status
            for host in ("box.lan:80", "other.example", "third.example")
        ]

    assert statuses == [200, 200, 421]


# ---------------------------------------------------------------- sizes and times


async def test_body_over_the_limit_is_413(autojump_clock: MockClock) -> None:
    """Whether its length is told or not; the rest of it is read away."""
    big = b"x" * (_request.BODY_BYTES + 1)
    async with open_browser() as browser:
        told = await browser.send("POST", headers={"content-length": "104857600"})
        untold = await browser.send("POST", body=big)
        await told.wait_over()
        await untold.wait_over()
        fine = await (await browser.post(initialize())).wait_over()

    assert (told.status, untold.status, fine.status) == (413, 413, 200)
    assert told.headers["connection"] == "close"


async def test_body_of_the_limit_is_read(autojump_clock: MockClock) -> None:
    message, headers = modern(call("echo", text="x" * (_request.BODY_BYTES - 1_000)))
    async with open_browser() as browser:
        answer = await (await browser.post(message, **headers)).wait_over()

    assert answer.status == 200


async def test_body_that_does_not_come_is_408(autojump_clock: MockClock) -> None:
    async with open_browser() as browser:
        answer = await browser.send("POST", chunks=[b'{"jsonrpc"'])
        began = trio.current_time()
        await answer.wait_over()

    assert answer.status == 408
    assert trio.current_time() - began == pytest.approx(_request.BODY_S, abs=1)


async def test_client_that_leaves_in_its_body_is_forgotten(autojump_clock: MockClock) -> None:
    async with open_browser() as browser:
        answer = await browser.send("POST", chunks=[b'{"jsonrpc"'])
        await trio.testing.wait_all_tasks_blocked()
        answer.hang_up()
        await trio.testing.wait_all_tasks_blocked()

    assert answer.status == 0


async def test_too_many_headers_are_431(autojump_clock: MockClock) -> None:
    many = [(f"x-{number}".encode(), b"y") for number in range(MAX_HEADERS)]
    async with open_browser() as browser:
        answer = await browser.send("POST", body=initialize(), raw_headers=many)
        await answer.wait_over()

    assert answer.status == 431


# ---------------------------------------------------------------- where to listen


@pytest.mark.parametrize(
    "host",
    ["", "*", "0.0.0.0", "::", "0", "0x0", "::0", "0:0:0:0:0:0:0:0", "::ffff:0.0.0.0"],
)
def test_every_wildcard_stays_on_loopback(host: str) -> None:
    address = choose_address((host, 8080), token="t", env={})

    assert (address.host, address.is_public) == ("127.0.0.1", False)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.9.1", "0x7f000001"])
def test_loopback_is_recognised_by_address(host: str) -> None:
    address = choose_address((host, 8080), token=None, env={})

    assert (address.host, address.port, address.is_public) == (host, 8080, False)


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"])
def test_other_addresses_must_be_meant(host: str) -> None:
    with pytest.raises(SetupFault, match="reached from other machines"):
        choose_address((host, 8080), token="t", env={})


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.1"])
def test_public_bind_needs_a_token_that_is_there(host: str) -> None:
    """One that is made now and that nobody has read is of no use to whom the bind is meant for."""
    env = {"AIMUX_BIND_PUBLIC": "1"}
    with pytest.raises(SetupFault, match="needs a token"):
        choose_address((host, 8080), token=None, env=env)
    address = choose_address((host, 8080), token="t", env=env)

    assert (address.host, address.is_public) == (host or "0.0.0.0", True)


def test_name_that_does_not_resolve_is_told() -> None:
    with pytest.raises(SetupFault, match="no such host"):
        choose_address(("nowhere.invalid", 1), token="t", env={})


def test_token_comes_from_environment_then_file_then_yaml(tmp_path: Path) -> None:
    env = {"AIMUX_AUTH_TOKEN": "from env"}
    path = tmp_path / "http-token"
    assert find_token({}, "", tmp_path) is None
    assert find_token({}, "from yaml", tmp_path) == "from yaml"
    path.write_text("from file\n", encoding="utf-8")
    path.chmod(0o600)
    assert find_token({}, "from yaml", tmp_path) == "from file"
    assert find_token(env, "from yaml", tmp_path) == "from env"


def test_token_is_made_once_and_kept_private(tmp_path: Path) -> None:
    state = tmp_path / "state"
    bare = choose_address(("127.0.0.1", 0), token=None, env={})
    token = require_token(bare, {}, state).token
    again = require_token(bare, {}, state).token

    assert token == again == find_token({}, "", state)
    assert len(token or "") >= 43
    assert stat.S_IMODE((state / "http-token").stat().st_mode) == 0o600
    assert require_token(attrs.evolve(bare, token="mine"), {}, state).token == "mine"


def test_no_token_only_if_that_was_asked_for(tmp_path: Path) -> None:
    """The token of an earlier start does not count then; one that was configured does."""
    env = {"AIMUX_ALLOW_UNAUTHENTICATED_HTTP": "1"}
    bare = choose_address(("127.0.0.1", 0), token=None, env=env)
    require_token(bare, {}, tmp_path)

    assert require_token(bare, env, tmp_path).token is None
    assert find_token(env, "", tmp_path) is None
    assert find_token({**env, "AIMUX_AUTH_TOKEN": "t"}, "", tmp_path) == "t"
    assert find_token(env, "yaml", tmp_path) == "yaml"


@needs.modes
def test_token_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine"
    path.write_text("t", encoding="utf-8")
    path.chmod(0o644)
    with pytest.raises(SetupFault, match="open to others"):
        find_token({"AIMUX_AUTH_TOKEN_FILE": str(path)}, "", tmp_path)


def test_token_file_that_is_missing_or_empty_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine"
    env = {"AIMUX_AUTH_TOKEN_FILE": str(path)}
    with pytest.raises(SetupFault, match="cannot be read"):
        find_token(env, "", tmp_path)
    path.touch(0o600)
    with pytest.raises(SetupFault, match="is empty"):
        find_token(env, "", tmp_path)
