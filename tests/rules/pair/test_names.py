"""Names of files in a diff: both behind `diff --git`, as git quotes them, and none outside."""

import pytest

from aimux.rules.pair import DiffFault
from aimux.rules.pair._names import MAX_NAME, checked_name, header_names, quoted, unquoted


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a/x.py b/x.py", ("x.py", "x.py")),
        ("a/x.py b/x.py\r", ("x.py", "x.py")),
        ("a/x b/y b/x b/y", ("x b/y", "x b/y")),  # the same on both sides, a blank in it
        ("a/x.py b/longer.py", ("x.py", "longer.py")),
        ("a/longer.py b/x.py", ("longer.py", "x.py")),
        ("a/x b/y b/z", ("x", "y b/z")),  # cut at the first; later lines have the last word
        ('"a/\\303\\244" "b/\\303\\244"', ("ä", "ä")),
        ('"a/\\303\\244" b/y', ("ä", "y")),
        ('a/y "b/\\303\\244"', ("y", "ä")),
        ('"a/q\\"x" "b/q\\"x"', ('q"x', 'q"x')),
    ],
)
def test_both_names_are_read(text: str, names: tuple[str, str]) -> None:
    """Without the letters before them."""
    assert header_names(text) == names


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('"a/x b/x', "a quoted name without an end"),
        ("x y", "names behind `diff --git` begin with a/ and b/"),
        ("a/x y", "names behind `diff --git` begin with a/ and b/"),
        ("c/x b/x", "names behind `diff --git` begin with a/ and b/"),
    ],
)
def test_what_has_no_two_names_is_quoted(text: str, why: str) -> None:
    """With the reason."""
    with pytest.raises(DiffFault) as fault:
        header_names(text)

    assert (str(fault.value), fault.value.excerpt) == (why, text)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plain name.py", "plain name.py"),
        ("~", "~"),
        ('q"x', '"q\\042x"'),
        ("back\\slash", '"back\\134slash"'),
        ("tab\tx", '"tab\\011x"'),
        ("ä b", '"\\303\\244 b"'),
        ("\x7f", '"\\177"'),
        ("\udcff", '"\\377"'),  # a byte that is no UTF-8
        ("~ä", '"~\\303\\244"'),
    ],
)
def test_a_name_survives_its_quotes(name: str, shown: str) -> None:
    """As git reads it back."""
    assert quoted(name) == shown
    assert unquoted(shown) == name


@pytest.mark.parametrize(
    ("shown", "name"),
    [
        ('"', '"'),
        ('""', ""),
        ('"x', '"x'),
        ('x"', 'x"'),
        ('"\\a\\b\\f\\n\\r\\t\\v\\"\\\\"', '\a\b\f\n\r\t\v"\\'),
        ('"\\377\udcfe"', "\udcff\udcfe"),
        ('"x\udcfe\\377"', "x\udcfe\udcff"),
    ],
)
def test_quotes_are_read_as_git_means_them(shown: str, name: str) -> None:
    """A lone one is a character."""
    assert unquoted(shown) == name


@pytest.mark.parametrize("name", ["a", "a/b", ".gitignore", "x.git/y", "c:d"[1:], "a" * MAX_NAME])
def test_a_name_inside_the_tree_stays(name: str) -> None:
    """Also a long one, and one that only looks like a repository."""
    assert checked_name(name) == name


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "is no name inside the tree"),
        ("/etc/x", "is no name inside the tree"),
        ("c:x", "is no name inside the tree"),
        ("a" * (MAX_NAME + 1), "is no name inside the tree"),
        ("a/../b", "leads out of the tree"),
        ("./a", "leads out of the tree"),
        ("a//b", "leads out of the tree"),
        ("a\0b", "leads out of the tree"),
        (".git/config", "is part of a repository"),
        ("a/.GIT./x", "is part of a repository"),
        ("a/.git /x", "is part of a repository"),
        ("git~1/x", "is part of a repository"),
    ],
)
def test_a_name_outside_is_refused(name: str, why: str) -> None:
    """And what a repository is made of."""
    with pytest.raises(DiffFault) as fault:
        checked_name(name)

    assert str(fault.value) == f"{name!r} {why}"
