"""Who a network client is."""

from pathlib import Path

import pytest

from aimux.daemon._network import _client


@pytest.mark.requirement("traces:child")
def test_a_network_client_has_no_secret_and_no_trace_of_the_servers() -> None:
    """It works where the daemon was started, not in what started the daemon."""
    env = {
        "PATH": "/bin",
        "AIMUX_AUTH_TOKEN": "t",
        "AIMUX_AUTH_TOKEN_FILE": "f",
        "TRACEPARENT": f"00-{'a' * 32}-{'b' * 16}-01",
        "TRACESTATE": "v=1",
    }
    client = _client(env, Path("/srv"))

    assert client.env == {"PATH": "/bin"}
    assert client.cwd == Path("/srv")
    assert client.trace == {}
