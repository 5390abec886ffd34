"""Settings refuse what could not work."""

import pytest

from aimux.model import TransportSettings


@pytest.mark.parametrize("endpoint", ["mcp", "", "/m cp"])
def test_an_endpoint_is_a_path(endpoint: str) -> None:
    with pytest.raises(ValueError, match="is not a URL path like /mcp"):
        TransportSettings(endpoint=endpoint)


@pytest.mark.parametrize("port", ["many", ":65536", "host:"])
def test_a_port_is_a_number_behind_an_address(port: str) -> None:
    with pytest.raises(ValueError, match="is not a port, :port or host:port"):
        TransportSettings(port=port)
