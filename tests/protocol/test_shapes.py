"""Results cut to a revision: the corners that no transcript reaches."""

import pytest

from aimux.protocol import REVISIONS, VERSIONS, ServerInfo
from aimux.protocol._revisions import TABLE, negotiate
from aimux.protocol._shapes import adapter_for, content_cutter


def test_newest_revisions_need_no_cutting() -> None:
    """The hot path of tools/call stays free of copies."""
    newest = REVISIONS["2026-07-28"]
    result: dict[str, object] = {"content": [], "structuredContent": [1]}

    adapt = adapter_for("tools/call", newest)

    assert adapt is not None
    assert adapt(result) is result
    assert adapter_for("resources/list", newest) is None
    assert adapter_for("prompts/get", newest) is None
    assert adapter_for("completion/complete", REVISIONS["2024-11-05"]) is None


@pytest.mark.parametrize("version", VERSIONS)
def test_created_tasks_pass_uncut(version: str) -> None:
    adapt = adapter_for("tools/call", REVISIONS[version])

    assert adapt is not None
    assert adapt({"task": {"taskId": "t"}}) == {"task": {"taskId": "t"}}
    assert adapt({}) == {"content": []}


def test_dropped_structure_leaves_text_alone() -> None:
    """F-4: the text was made for those who cannot read the structure."""
    adapt = adapter_for("tools/call", REVISIONS["2024-11-05"])
    text = {"type": "text", "text": "t"}

    assert adapt is not None
    assert adapt({"content": [text], "structuredContent": {"a": 1}}) == {"content": [text]}


def test_odd_shapes_are_passed_on() -> None:
    """A server's mistake is shown by the client's schema, not hidden by a crash here."""
    old = REVISIONS["2024-11-05"]
    tools, prompts, messages = (
        adapter_for(method, old) for method in ("tools/list", "prompts/list", "prompts/get")
    )
    assert tools is not None
    assert prompts is not None
    assert messages is not None

    assert tools({}) == {"tools": []}
    assert prompts({"prompts": [{"name": "p"}]}) == {"prompts": [{"name": "p"}]}
    assert messages({"messages": [{"role": "user", "content": "x"}]}) == {
        "messages": [{"role": "user", "content": "x"}]
    }


def test_audio_and_nameless_links_become_text() -> None:
    cut = content_cutter(REVISIONS["2024-11-05"])
    assert cut is not None

    assert cut({"type": "audio"}) == {"type": "text", "text": "[audio left out: unknown type]"}
    assert cut({"type": "resource_link", "uri": "a://b"})["text"] == "resource: a://b"


def test_implementation_has_the_fields_of_each_revision() -> None:
    full = ServerInfo(
        name="n", version="1", title="T", description="D", website_url="u", icons=({"src": "s"},)
    )

    assert [len(full.shape(REVISIONS[version])) for version in VERSIONS] == [2, 2, 3, 6, 6]
    assert ServerInfo(name="n", version="1").shape(REVISIONS["2026-07-28"]) == {
        "name": "n",
        "version": "1",
    }


def test_table_spans_are_revisions_in_order() -> None:
    for first, last in TABLE.values():
        assert VERSIONS.index(first) <= VERSIONS.index(last)


@pytest.mark.parametrize(
    ("requested", "settled"),
    [(version, version) for version in VERSIONS[:4]]
    + [("2026-07-28", "2025-11-25"), ("", "2025-11-25"), ("2024-10-07", "2025-11-25")],
)
def test_initialize_never_settles_on_a_modern_revision(requested: str, settled: str) -> None:
    """R-3, H-1."""
    assert negotiate(requested).version == settled
