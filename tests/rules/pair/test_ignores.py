"""Ignore files above a directory, as said from the directory."""

from aimux.rules.pair import patterns_below


def test_patterns_are_said_from_below() -> None:
    """Those of any depth as they are, anchored ones without the way down, others not at all."""
    text = (
        "# a comment\n\n*.log\ndist/\n!keep.log\n/pkg/out\n!pkg/out/x\n/other/y\n**/deep/z\n/pkg/\n"
    )

    assert patterns_below(text, "pkg") == [
        "*.log", "dist/", "!keep.log", "/out", "!/out/x", "**/deep/z",
    ]  # fmt: skip
    assert patterns_below("/a/b/c\n/a/x\n", "a/b") == ["/c"]
