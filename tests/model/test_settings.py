"""Settings refuse what could not work."""

import pytest

from aimux.model import Problem, ResearchSettings, Severity, TransportSettings


@pytest.mark.parametrize("endpoint", ["mcp", "", "/m cp"])
def test_an_endpoint_is_a_path(endpoint: str) -> None:
    with pytest.raises(ValueError, match="is not a URL path like /mcp"):
        TransportSettings(endpoint=endpoint)


@pytest.mark.parametrize("port", ["many", ":65536", "host:"])
def test_a_port_is_a_number_behind_an_address(port: str) -> None:
    with pytest.raises(ValueError, match="is not a port, :port or host:port"):
        TransportSettings(port=port)


@pytest.mark.parametrize(
    ("port", "address"),
    [
        ("8080", ("127.0.0.1", 8080)),
        (":0", ("127.0.0.1", 0)),
        ("[::1]:9", ("::1", 9)),
        ("box.lan:65535", ("box.lan", 65535)),
    ],
)
def test_a_port_alone_is_on_this_machine(port: str, address: tuple[str, int]) -> None:
    assert TransportSettings(port=port).address == address


def test_a_problem_reads_as_what_where_and_what_was_meant() -> None:
    plain = Problem(severity=Severity.ERROR, where="a.yaml:3", message="unknown key rolse")
    meant = Problem(severity=Severity.ERROR, where="a:3", message="unknown", suggestion="roles")

    assert str(plain) == "unknown key rolse @ a.yaml:3"
    assert str(meant) == "unknown @ a:3 (did you mean roles?)"


@pytest.mark.parametrize(
    "url",
    [
        *("http://vendor.example", "vendor.example", "ftp://127.0.0.1", "https://", "https://[x"),
        *("https://me@vendor.example", "https://vendor.example?key=1", "http://127.0.0.1.example"),
    ],
)
def test_a_key_is_sent_over_tls_or_not_off_this_machine(url: str) -> None:
    """And to a place without anything of its own to say."""
    with pytest.raises(ValueError, match="URL"):
        ResearchSettings(base_url=url)


@pytest.mark.parametrize(
    "url",
    ["https://vendor.example/v2", "http://127.0.0.1:80", "http://[::1]:1", "http://localhost"],
)
def test_a_vendor_may_be_elsewhere(url: str) -> None:
    """Behind a gateway, or a stand-in."""
    assert ResearchSettings(base_url=url).base_url == url
