"""Our entry in clients' files: put in, taken out, the rest as it was."""

import tomllib

import pytest
from ruamel.yaml import YAML

from aimux.console._client_formats import FORMATS, with_entry, without_entry
from aimux.console._clients import CLIENTS

OURS = ["/opt/aimux"]
JSON = """\
{
  // mine
  "theme": "dark", // at night
  "%s": {
    "other": {"command": "x"} /* not mine */
  },
  "z": 1, "a": [1, 2,],
}
"""
TOML = """\
# mine
model = "m"  # at night

[%s.other]
command = "x"  # not mine

[tui]
theme = "dark"
"""
YAML_TEXT = """\
# mine
GOOSE_PROVIDER: openai  # at night
%s:
    # not mine
    other:
        enabled: true
        args:
        - x
    z: {type: builtin}

GOOSE_MODE: auto
# the end
"""
SAMPLES = {"json": JSON, "toml": TOML, "yaml": YAML_TEXT}


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("client", CLIENTS)
def test_every_line_of_a_clients_file_stays_in_its_order(client: str, ends: str) -> None:
    """Comments, odd layout and keys of others; and taking ours out gives the file back."""
    kind = CLIENTS[client]
    before = (SAMPLES[kind.format] % kind.keys[0]).replace("\n", ends)
    keys = [*kind.keys, "aimux"]
    after = with_entry(kind.format, before, keys, kind.entry(OURS))
    later = iter(after.replace(",", "").split(ends))
    tree = FORMATS[kind.format].meaning(after)[kind.keys[0]]

    assert isinstance(tree, dict)
    assert tree["aimux"] == kind.entry(OURS)
    assert all(line in later for line in before.replace(",", "").split(ends))
    assert after.count(ends) == after.count("\n")
    assert with_entry(kind.format, after, keys, kind.entry(OURS)) == after

    assert without_entry(kind.format, after, keys).replace(",", "") == before.replace(",", "")


@pytest.mark.parametrize("client", CLIENTS)
def test_an_empty_file_holds_our_entry_in_the_clients_format(client: str) -> None:
    """Read by another parser than the one that judges our edits, where there is one."""
    kind = CLIENTS[client]
    after = with_entry(kind.format, "", [*kind.keys, "aimux"], kind.entry(OURS))
    read = {
        "json": YAML(typ="safe").load,  # JSON is YAML
        "toml": tomllib.loads,
        "yaml": YAML(typ="safe").load,
    }[kind.format]

    assert read(after) == {kind.keys[0]: {"aimux": kind.entry(OURS)}}


OLDER = """\
extensions:
  aimux:
    cmd: /old  # of last year
    args:
    - one
    envs: {A: b}
    enabled: true
  # about other
  other: {type: builtin}
"""


def test_what_a_user_added_to_our_entry_in_yaml_stays() -> None:
    """Only keys that say something else are written."""
    goose = CLIENTS["goose"]
    after = with_entry("yaml", OLDER, ["extensions", "aimux"], goose.entry(OURS))
    tree = YAML(typ="safe").load(after)["extensions"]

    assert tree["aimux"] == {**goose.entry(OURS), "envs": {"A": "b"}}
    assert tree["other"] == {"type": "builtin"}
    assert "    envs: {A: b}\n    enabled: true\n" in after
    assert "  # about other\n  other: {type: builtin}\n" in after


@pytest.mark.parametrize("empty", ["{}", "null", "", "{}  # none yet"])
def test_an_empty_object_in_yaml_takes_our_entry(empty: str) -> None:
    """As clients write it when the last one is removed."""
    goose = CLIENTS["goose"]
    path = ["extensions", "aimux"]
    after = with_entry("yaml", f"a: 1\nextensions: {empty}\nb: 2\n", path, goose.entry(OURS))

    assert YAML(typ="safe").load(after) == {
        "a": 1, "extensions": {"aimux": goose.entry(OURS)}, "b": 2,
    }  # fmt: skip
    assert YAML(typ="safe").load(without_entry("yaml", after, path))["extensions"] == {}


@pytest.mark.parametrize(
    ("kind", "text", "fault"),
    [
        ("yaml", "extensions: {other: {type: builtin}}\n", "not understood"),
        ("yaml", "extensions: [1]\n", "extensions is not an object"),
        ("yaml", "- 1\n", "the whole is not an object"),
        ("yaml", "a: [\n", "expected"),
        ("yaml", "a: 1\na: 2\n", "duplicate key"),
        ("json", '{"extensions": 1}', "extensions is not an object"),
        ("toml", "extensions = {}\n", "not understood"),
    ],
)
def test_what_cannot_be_edited_is_a_value_error(kind: str, text: str, fault: str) -> None:
    """Never a file that says something else."""
    with pytest.raises(ValueError, match=fault):
        with_entry(kind, text, ["extensions", "aimux"], {"command": "x"})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"m": {"aimux": 1}}', '{"m": {}}'),
        ('{"m": {"a": 0, "aimux": 1}}', '{"m": {"a": 0}}'),
        ('{"m": {"aimux": 1, "z": 2}}', '{"m": {"z": 2}}'),
        ('{"m": {"a": 0, "aimux": 1,}}', '{"m": {"a": 0,}}'),
        ('{"m": {\n "a": 0, // x\n "aimux": 1 // y\n}}', '{"m": {\n "a": 0 // x\n// y\n}}'),
        ('{"m": {\n "aimux": [\n1],\n "z": 2\n}}', '{"m": {\n "z": 2\n}}'),
        ("{}", "{}"),
    ],
)
def test_a_member_of_json_is_taken_out_with_its_comma(before: str, after: str) -> None:
    """And with its line, if it has one to itself."""
    assert without_entry("json", before, ["m", "aimux"]) == after
