"""Diffs are read strictly: each kind of change, and each way to be none."""

from typing import Final

import pytest

from aimux.rules.pair import DiffFault, Hunk, assemble, parse_diff, unit_text

TWO: Final = """\
diff --git a/a.py b/a.py
index 1111111..2222222 100644
--- a/a.py
+++ b/a.py
@@ -1,3 +1,4 @@
 one
-two
+TWO
+two and a half
 three
@@ -10,2 +11,2 @@ def ten():
 ten
-eleven
+ELEVEN
"""
NEW: Final = """\
diff --git a/new.txt b/new.txt
new file mode 100755
index 0000000..2222222
--- /dev/null
+++ b/new.txt
@@ -0,0 +1 @@
+hello
\\ No newline at end of file
"""
GONE: Final = """\
diff --git a/old.txt b/old.txt
deleted file mode 100644
index 2222222..0000000
--- a/old.txt
+++ /dev/null
@@ -1 +0,0 @@
-bye
"""
RENAMED: Final = """\
diff --git a/x.py b/y.py
similarity index 90%
rename from x.py
rename to y.py
index 1111111..2222222 100644
--- a/x.py
+++ b/y.py
@@ -1,2 +1,2 @@
-one
+ONE
 two
"""
MODE: Final = """\
diff --git a/run.sh b/run.sh
old mode 100644
new mode 100755
"""
BINARY: Final = """\
diff --git a/pic.bin b/pic.bin
index 1111111111111111111111111111111111111111..2222222222222222222222222222222222222222 100644
GIT binary patch
literal 3
KcmZQzWMT#Y01f~L

literal 3
KcmZQzWMT#Y01f~L

"""
LINK: Final = """\
diff --git a/here b/here
new file mode 120000
index 0000000..2222222
--- /dev/null
+++ b/here
@@ -0,0 +1 @@
+a.py
\\ No newline at end of file
"""
TO_LINK: Final = GONE.replace("old.txt", "here") + LINK
DOS: Final = (
    "diff --git a/d.txt b/d.txt\n--- a/d.txt\n+++ b/d.txt\n@@ -1,2 +1,2 @@\n one\r\n-two\r\n+2\r\n"
)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (TWO, ["text", "text"]),
        (NEW, ["new"]),
        (GONE, ["deleted"]),
        (RENAMED, ["renamed", "text"]),
        (MODE, ["mode"]),
        (BINARY, ["binary"]),
        (LINK, ["new"]),
        (TO_LINK, ["replaced"]),
        (DOS, ["text"]),
        (TWO + NEW + MODE, ["text", "text", "new", "mode"]),
    ],
)
def test_each_kind_of_change_is_units_counted_through(text: str, kinds: list[str]) -> None:
    """Each hunk of a file that stays; what can only be taken whole is one."""
    diff = parse_diff(text)

    assert [unit.kind for unit in diff.units] == kinds
    assert [unit.number for unit in diff.units] == list(range(len(kinds)))


@pytest.mark.parametrize("text", [TWO, NEW, GONE, RENAMED, MODE, BINARY, LINK, TO_LINK, DOS])
def test_what_is_put_together_again_is_the_same_diff(text: str) -> None:
    """Index lines and likenesses aside, which say nothing that is applied."""
    diff = parse_diff(text)
    again = parse_diff(assemble(diff, {unit.number: None for unit in diff.units}))

    assert [(each.old_path, each.new_path, each.hunks, each.binary) for each in again.files] == [
        (each.old_path, each.new_path, each.hunks, each.binary) for each in diff.files
    ]
    assert [each.kind for each in again.units] == [each.kind for each in diff.units]


def test_a_hunk_after_one_that_is_left_out_is_looked_for_where_it_is() -> None:
    """Git begins its search at the new line, which the hunk before would have moved."""
    diff = parse_diff(TWO)

    assert "@@ -10,2 +10,2 @@ def ten():" in assemble(diff, {1: None})
    assert "@@ -10,2 +11,2 @@ def ten():" in assemble(diff, {0: None, 1: None})


def test_nothing_kept_is_no_diff() -> None:
    """Not a header without a body."""
    assert assemble(parse_diff(TWO + NEW + MODE), {}) == ""


def test_without_its_new_name_a_file_keeps_none_of_its_hunks() -> None:
    """They are of the file that the new name would make."""
    assert assemble(parse_diff(RENAMED), {1: None}) == ""
    assert "rename to y.py" in assemble(parse_diff(RENAMED), {0: None})
    assert "+ONE" not in assemble(parse_diff(RENAMED), {0: None})


def test_a_mode_that_is_left_out_leaves_the_lines() -> None:
    """And the reverse."""
    text = MODE + "--- a/run.sh\n+++ b/run.sh\n@@ -1 +1 @@\n-a\n+b\n"
    diff = parse_diff(text)

    assert "new mode" not in assemble(diff, {1: None})
    assert "+b" in assemble(diff, {1: None})
    assert "+b" not in assemble(diff, {0: None})
    assert unit_text(diff, diff.units[0]) == "old mode 100644\nnew mode 100755"


def test_names_with_strange_characters_survive() -> None:
    """Git quotes them, byte by byte."""
    text = (
        'diff --git "a/\\303\\244 b.txt" "b/\\303\\244 b.txt"\n'
        '--- "a/\\303\\244 b.txt"\n+++ "b/\\303\\244 b.txt"\n@@ -1 +1 @@\n-a\n+b\n'
    )
    diff = parse_diff(text)

    assert diff.paths == ["\u00e4 b.txt"]
    assert parse_diff(assemble(diff, {0: None})).paths == ["\u00e4 b.txt"]


def test_a_plain_diff_without_git_headers_is_one_too() -> None:
    """Models write these, with the blank of an empty line lost."""
    diff = parse_diff("--- a/a.py\n+++ b/a.py\n@@ -1,3 +1,3 @@\n one\n\n-two\n+TWO\n")

    assert diff.units[0].kind == "text"
    assert diff.files[0].hunks == (Hunk(old_start=1, lines=(" one", " ", "-two", "+TWO")),)
    new = parse_diff("--- /dev/null\n+++ b/n.py\n@@ -0,0 +1 @@\n+x\n")
    assert (new.units[0].kind, new.files[0].new_mode) == ("new", "100644")


def test_a_removed_line_that_looks_like_a_header_is_a_line() -> None:
    """The count of the hunk decides, not how a line begins."""
    text = "--- a/a.sql\n+++ b/a.sql\n@@ -1,2 +1,2 @@\n--- a comment\n+++ more\n end\n"

    assert parse_diff(text).files[0].hunks[0].lines == ("--- a comment", "+++ more", " end")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no diff"),
        ("I have changed it.\n", "belongs to no file"),
        (TWO.replace("-1,3 +1,4", "-1,3 +1,9"), "begins with '@'"),
        (TWO.replace("-1,3 +1,4", "-1,3 +1,2"), "more lines than told"),
        (TWO.replace("@@ -10,2 +11,2 @@", "@@ ten @@"), "no head of a hunk"),
        (TWO[: TWO.index("+ELEVEN")], "ends too soon"),
        (TWO.replace("a/a.py", "a/../a.py").replace("b/a.py", "b/../a.py"), "out of the tree"),
        (TWO.replace("a/a.py", "a//etc/x").replace("b/a.py", "b//etc/x"), "no name inside"),
        (NEW.replace("new.txt", ".git/hooks/post-commit"), "part of a repository"),
        (NEW.replace("new.txt", "sub/.GIT/config"), "part of a repository"),
        (NEW.replace("100755", "160000"), "a repository inside the tree"),
        (NEW.replace("100755", "100600"), "unknown file mode"),
        (TWO.replace("+++ b/a.py", "+++ b/b.py"), "not those of the file"),
        ("diff --git a/x b/x\nBinary files a/x and b/x differ\n", "without its data"),
        ("diff --git a/x b/x\nindex 1..2 100644\n", "without a change"),
        ("--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n a\n", "changes nothing"),
        ("--- a/a.py\n+++ b/a.py\n", "no hunk follows"),
        ("--- /dev/null\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", "becomes nothing"),
        ("diff --git a/x b/y\ncopy from x\ncopy to y\n", "a copy"),
        ("diff --git x y\n", "begin with a/"),
    ],
)
def test_what_is_no_whole_diff_is_refused_and_says_where(text: str, why: str) -> None:
    """Half a diff is not half applied."""
    with pytest.raises(DiffFault, match=why):
        parse_diff(text)


def test_the_fault_quotes_the_hunk() -> None:
    """So that whoever wrote it can see it."""
    with pytest.raises(DiffFault) as fault:
        parse_diff(TWO.replace("-10,2 +11,2", "-10,9 +11,9"))

    assert "its head says 9 old and 9 new lines" in str(fault.value)
    assert fault.value.excerpt.startswith("@@ -10,9 +11,9 @@")
