"""Roots as clients tell them."""

import pytest

from aimux.protocol import read_roots

from .. import needs


@needs.posix
@pytest.mark.parametrize(
    ("uri", "paths"),
    [
        ("file:///srv/a%20b", ["/srv/a b"]),
        ("file://localhost/srv/%C3%BC", ["/srv/ü"]),
        ("file:///srv/%FF", ["/srv/\udcff"]),
        ("file:///", ["/"]),
        ("file:/srv", ["/srv"]),
        ("file://elsewhere/srv", []),
        ("https://example.com/srv", []),
        ("file:work", []),
        ("file:///a%00b", []),
        ("file://[/srv", []),
        ("/srv", []),
        (7, []),
        (None, []),
    ],
)
def test_a_root_is_a_directory_of_this_machine(uri: object, paths: list[str]) -> None:
    """Anything else is left out."""
    assert read_roots({"roots": [{"uri": uri, "name": "x"}]}) == paths


@pytest.mark.parametrize("result", [None, [], {}, {"roots": None}, {"roots": {}}, "x"])
def test_what_is_no_answer_is_told(result: object) -> None:
    assert read_roots(result) is None


def test_roots_keep_their_order_and_have_a_bound() -> None:
    roots: list[object] = [{"uri": f"file:///{at}"} for at in range(200)]
    found = read_roots({"roots": ["junk", *roots]})

    assert found is not None
    assert found[:2] == ["/0", "/1"]
    assert len(found) < 100
