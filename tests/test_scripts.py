"""Golden scripts say each thing once."""

from pathlib import Path

import pytest

from .scripts import PINNED_BY, without_repeats

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize(
    "opening", ['"instructions":"aimux', '"tools":[{', '"resourceTemplates":[{"uriTemplate":"aimux']
)
def test_what_every_session_begins_with_stands_in_one_script(opening: str) -> None:
    """Elsewhere it is masked, so that a changed word is one changed line."""
    scripts = [*GOLDEN.glob("server/*.txt"), *GOLDEN.glob("transports/*.txt")]

    assert [path.name for path in scripts if opening in path.read_text(encoding="utf-8")] == [
        PINNED_BY
    ]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            r'<< {"content":[{"text":"{\"a\":<any>}"}],"structuredContent":{"a":<any>}}',
            '<< {"content":[{"text":<structured>}],"structuredContent":{"a":<any>}}',
        ),
        (
            r'<< {"content":[{"type":"text","text":"{\"a\":2}"}],"structuredContent":{"a":1}}',
            r'<< {"content":[{"type":"text","text":"{\"a\":2}"}],"structuredContent":{"a":1}}',
        ),
        (
            '<< {"capabilities":{"tools":{}},"instructions":"be \\"kind\\"","more":1}',
            '<< {"capabilities":{"tools":{}},"instructions":<any>,"more":1}',
        ),
        ('>> {"tools":[1]}', '>> {"tools":[1]}'),
    ],
    ids=["same", "other", "instructions", "client"],
)
def test_only_what_is_said_twice_is_masked(said: str, shown: str) -> None:
    """A text block that differs from the structured content is shown whole."""
    assert without_repeats(said) == shown
