"""Which files an audit looks at: patterns as .gitignore means them, and as callers name paths."""

import pytest

from aimux.rules.audit import is_ignored, is_wanted, read_ignored


def test_patterns_are_lines_that_are_no_comment_and_no_exception() -> None:
    """White space at the end is none of a pattern."""
    assert read_ignored("# a\n\n*.log  \n!keep.log\n/build/\n #b\n") == ["*.log", "/build/", " #b"]


@pytest.mark.parametrize(
    ("path", "patterns", "ignored"),
    [
        ("a.log", ["*.log"], True),
        ("x/y/a.log", ["*.log"], True),
        ("a.log/b.py", ["*.log"], True),
        ("a.py", ["*.log"], False),
        ("a.py", ["*.log", "*.py"], True),
        ("build/a.py", ["build/"], True),
        ("x/build/a.py", ["build/"], True),
        ("x/build/a.py", ["/build"], False),
        ("build/a.py", ["/build"], True),
        ("build/x/a.py", ["/build/"], True),
        ("x/y/a.py", ["x/y"], True),
        ("x/y/a.py", ["x/*.py"], True),
        ("z/x/y", ["x/y"], False),
        ("x", ["x/y"], False),
        ("A.log", ["*.LOG"], False),
        ("builder/a.py", ["build"], False),
        ("a.py", [], False),
    ],
)
def test_a_file_is_ignored_with_what_it_is_in(
    path: str, patterns: list[str], ignored: bool
) -> None:
    """A pattern with a slash begins at the root, another is any part of a path."""
    assert is_ignored(path, patterns) is ignored


@pytest.mark.parametrize(
    ("path", "patterns", "wanted"),
    [
        ("a.py", [], True),
        ("src/a.py", ["src"], True),
        ("src/a.py", ["src/"], True),
        ("src/x/a.py", ["src/*"], True),
        ("src/a.py", ["src/a.py"], True),
        ("src/a.py", ["*.py"], True),
        ("src/a.py", ["a.py"], True),
        ("src/a.py", ["lib", "src"], True),
        ("srcs/a.py", ["src"], False),
        ("lib/src/a.py", ["src"], False),
        ("src/a.py", ["A.py"], False),
        ("src/a.py", ["x/a.py"], False),
    ],
)
def test_a_file_is_wanted_by_path_directory_or_name(
    path: str, patterns: list[str], wanted: bool
) -> None:
    """Without patterns all are."""
    assert is_wanted(path, patterns) is wanted
