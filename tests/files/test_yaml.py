"""YAML as plain values with lines, parsed once for each state of a file."""

import os
import pathlib
import subprocess
import sys
from typing import Final

import orjson
import pytest
from hypothesis import given, strategies as st

from aimux.files.yaml import MAX_YAML_BYTES, Budget, Document, YamlFault, YamlReader, parse

TEXT: Final = """\
a: 1
b: [x, 2.5, true, 0o14, 0x1F, 2020-01-01, ~, .inf, 1_000, "y", 99999999999999999999]
c:
  d: !!str 5
  yes: no
"""


@pytest.fixture
def file(tmp_path: pathlib.Path) -> pathlib.Path:
    """A file with every kind of value."""
    path = tmp_path / "a.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_values_are_those_of_yaml_1_2_without_surprises(file: pathlib.Path) -> None:
    """yes is a word, a date is text, and what JSON cannot hold stays text."""
    document = YamlReader().read(file)

    assert document.data == {
        "a": 1,
        "b": [
            "x", 2.5, True, 12, 31, "2020-01-01", None, ".inf", 1000, "y", "99999999999999999999",
        ],
        "c": {"d": "5", "yes": "no"},
    }  # fmt: skip


def test_lines_are_known_for_keys_items_and_what_stands_below(file: pathlib.Path) -> None:
    """The nearest known key answers for an unknown one."""
    document = YamlReader().read(file)

    assert document.line("a") == 1
    assert document.line("b.3") == 2
    assert document.line("c.d") == 4
    assert document.line("c.d.x.y") == 4
    assert document.line("nothing") == 0


def test_a_warm_read_does_not_import_the_yaml_library(file: pathlib.Path) -> None:
    """Not even in a new process."""
    cache = file.parent / "cache"
    first = YamlReader(cache).read(file)
    code = (
        "import sys, pathlib; from aimux.files.yaml import YamlReader;"
        "d = YamlReader(pathlib.Path(sys.argv[2])).read(pathlib.Path(sys.argv[1]));"
        "assert 'ruamel' not in ' '.join(sys.modules); print(d.data['a'], d.line('c.d'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(file), str(cache)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )

    assert done.stdout.split() == ["1", "4"]
    assert YamlReader(cache).read(file) == first


def test_what_is_kept_is_the_users_alone(file: pathlib.Path) -> None:
    """A file may hold a token."""
    cache = file.parent / "deep" / "cache"
    YamlReader(cache).read(file)
    (kept,) = cache.iterdir()

    assert kept.suffix == ".json"
    if os.name != "nt":
        assert kept.stat().st_mode & 0o777 == 0o600
        assert cache.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("junk", [b"", b"{", b"[]", b'{"head": []}', b"\xff", b'{"head": 3}'])
def test_a_spoilt_cache_is_not_believed(file: pathlib.Path, junk: bytes) -> None:
    """The file itself is the truth."""
    cache = file.parent / "cache"
    first = YamlReader(cache).read(file)
    (kept,) = cache.iterdir()
    kept.write_bytes(junk)

    assert YamlReader(cache).read(file) == first
    assert orjson.loads(kept.read_bytes())["data"] == first.data


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(file: pathlib.Path) -> None:
    """A file where the directory should be."""
    blocked = file.parent / "blocked"
    blocked.write_text("", encoding="utf-8")
    reader = YamlReader(blocked / "cache")

    assert reader.read(file) is reader.read(file)


def test_a_changed_file_is_read_again(file: pathlib.Path) -> None:
    """By either cache."""
    cache = file.parent / "cache"
    reader = YamlReader(cache)
    reader.read(file)
    file.write_text("a: 22", encoding="utf-8")

    assert reader.read(file).data == {"a": 22}
    assert YamlReader(cache).read(file).data == {"a": 22}


def test_a_fault_is_remembered_until_the_file_changes(file: pathlib.Path) -> None:
    """Each asker gets an exception of its own."""
    file.write_text("a: [", encoding="utf-8")
    reader = YamlReader()
    faults = []
    for _ in range(2):
        with pytest.raises(YamlFault) as caught:
            reader.read(file)
        faults.append(caught.value)

    assert faults[0] is not faults[1]
    assert faults[0].message == faults[1].message
    file.write_text("a: 1", encoding="utf-8")
    assert reader.read(file).data == {"a": 1}


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a: 1\na: 2", 2, "a is given twice"),
        ("a: *x", 1, "undefined alias"),
        ("a: !!python/object:os.system x", 1, "not allowed"),
        ("? [a, b]\n: 1", 1, "a key must be a word"),
        ("a:\n  - b: c: d", 2, "mapping values"),
        ("a: \x07", 0, "special characters"),
    ],
)
def test_what_settings_have_no_use_for_is_a_fault(text: str, line: int, says: str) -> None:
    """With the line it is in."""
    with pytest.raises(YamlFault, match=says) as caught:
        parse(text, path="f.yaml")

    assert caught.value.line == line
    assert caught.value.path == "f.yaml"


def test_aliases_cannot_multiply_without_end() -> None:
    """Nine levels of nine would be 387 million values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]

    with pytest.raises(YamlFault, match="too many"):
        parse("\n".join(lines), path="bomb.yaml")


def test_depth_is_bounded() -> None:
    """Long before the stack is."""
    for depth in (60, 1_200):
        with pytest.raises(YamlFault):
            parse("[" * depth + "]" * depth, path="deep.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 60 + "]" * 60,
        "- " * 30_000 + "x",
        "\n".join(["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 60))]),
    ],
    ids=["flow", "block", "aliases"],
)
def test_each_way_into_the_depth_has_its_end(text: str) -> None:
    """By brackets, by dashes, and by names of what stands above."""
    with pytest.raises(YamlFault, match="too many or too deeply nested values"):
        parse(text, path="deep.yaml")


def test_a_file_that_costs_more_than_is_left_is_not_parsed(tmp_path: pathlib.Path) -> None:
    """It is fine at another time: only the sum was too much."""
    path = tmp_path / "a.yaml"
    path.write_text("a: [\n" + "# a long remark\n" * 20, encoding="utf-8")  # parsed, a fault
    reader = YamlReader()
    with pytest.raises(YamlFault, match="not read: with the files before it"):
        reader.read(path, budget=Budget(1_000_000, 100))
    with pytest.raises(YamlFault, match="expected the node content"):
        reader.read(path, budget=Budget(1_000_000, 1_000))


@pytest.mark.parametrize("make", ["directory", "nothing", "fifo", "latin", "huge"])
def test_what_is_no_text_file_is_a_fault(tmp_path: pathlib.Path, make: str) -> None:
    """A pipe must not be waited on."""
    path = tmp_path / "x.yaml"
    if make == "directory":
        path.mkdir()
    elif make == "fifo":
        if not hasattr(os, "mkfifo"):
            pytest.skip("no pipes by name here")
        os.mkfifo(path)
    elif make == "latin":
        path.write_bytes(b"a: \xe9")
    elif make == "huge":
        path.write_bytes(b"#" * 2_000_000)

    with pytest.raises(YamlFault) as caught:
        YamlReader().read(path)

    is_unread = caught.value.what == "2000000 bytes, the limit is 65536"
    assert is_unread is (make == "huge")


def test_front_matter_is_parsed_and_the_rest_kept() -> None:
    """Lines count from the top of the file."""
    document = parse("---\nmode: read\n---\n\nHello\n---\nthere\n", path="r.md", has_front=True)

    assert document.data == {"mode": "read"}
    assert document.line("mode") == 2
    assert document.body == "\nHello\n---\nthere\n"


def test_a_text_without_front_matter_is_all_body() -> None:
    """A rule further down is a rule."""
    assert parse("Hello\n---\n", path="r.md", has_front=True).body == "Hello\n---\n"
    assert parse("", path="r.md", has_front=True) == Document(path="r.md")


def test_front_matter_that_does_not_end_is_a_fault() -> None:
    """It would eat the text."""
    with pytest.raises(YamlFault, match="not closed"):
        parse("---\nmode: read\n", path="r.md", has_front=True)


def test_front_matter_is_bounded_before_it_is_composed() -> None:
    """The text below it may be long, what is parsed may not."""
    front = "a: x\n" * (MAX_YAML_BYTES // 5 + 1)  # each repeated key alone would be a fault
    with pytest.raises(YamlFault, match=f"of YAML, the limit is {MAX_YAML_BYTES}"):
        parse(f"---\n{front}---\nbody", path="r.md", has_front=True)
    body = "text\n" * MAX_YAML_BYTES

    assert parse(f"---\na: x\n---\n{body}", path="r.md", has_front=True).body == body


PRINTABLE = st.characters(min_codepoint=32, max_codepoint=126) | st.sampled_from("\n\tÄ€漢🙂")
WORDS = st.text(PRINTABLE, max_size=8)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


@given(PLAIN)
def test_json_reads_as_what_it_says(value: object) -> None:
    """JSON is YAML, so both must agree."""
    assert parse(orjson.dumps(value).decode(), path="j").data == value


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing else may come out."""
    for has_front in (False, True):
        try:
            document = parse(text, path="t", has_front=has_front)
        except YamlFault:
            continue
        orjson.dumps(document.data)
