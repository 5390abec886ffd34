"""Renamed keys still work under their old names, and say so."""

from typing import Final

import pytest

from aimux.config._aliases import ALIASES
from aimux.config._find import variables
from aimux.config._shape import leaves
from aimux.model import Settings, Severity, Source

from .conftest import ConfigHome

OLD: Final = sorted(ALIASES)
PER_CLI: Final = "server.max_turns_per_cli"


def value_of(settings: object, key: str) -> object:
    """The value under a dotted key."""
    for name in key.split("."):
        settings = getattr(settings, name)
    return settings


def test_every_old_name_leads_to_a_key_of_the_same_section() -> None:
    keys = leaves(Settings)

    assert set(ALIASES.values()) <= set(keys)
    assert not set(ALIASES) & set(keys)
    assert all(old.partition(".")[0] == new.partition(".")[0] for old, new in ALIASES.items())


@pytest.mark.parametrize("old", OLD)
def test_an_old_name_in_a_file_sets_the_new_key(home: ConfigHome, old: str) -> None:
    """The warning, and the origin of the value, have the line of the old one."""
    (section, _, name), new = old.partition("."), ALIASES[old]
    path = home.write_user(f"{section}:\n  # a comment\n  {name}: 3\n")
    snapshot = home.load()

    assert value_of(snapshot.settings, new) == 3
    assert str(snapshot.origins[new]) == f"{path}:3"
    assert [str(each) for each in snapshot.problems] == [
        f"{old}: an old name, the key is {new} now @ {path}:3"
    ]
    assert snapshot.problems[0].severity is Severity.WARNING


@pytest.mark.parametrize("old", OLD)
def test_an_old_variable_sets_the_new_key(home: ConfigHome, old: str) -> None:
    """Without a word about typing errors."""
    new = ALIASES[old]
    for variable in variables(old):
        snapshot = home.load({variable: "3"})

        assert value_of(snapshot.settings, new) == 3
        assert str(snapshot.origins[new]) == variable
        assert [str(each) for each in snapshot.problems] == [
            f"{old}: an old name, the key is {new} now @ {variable}"
        ]


@pytest.mark.parametrize("old", OLD)
def test_an_old_flag_sets_the_new_key(home: ConfigHome, old: str) -> None:
    name, new = old.removeprefix("server."), ALIASES[old]
    for flag in (old, name, name.replace("_", "-")):
        snapshot = home.load(flags={flag: "3"})
        said = name.replace("_", "-").replace(".", "-")

        assert value_of(snapshot.settings, new) == 3
        assert [str(each) for each in snapshot.problems] == [
            f"{old}: an old name, the key is {new} now @ --{said}"
        ]


def test_the_new_name_wins_where_a_layer_has_both(home: ConfigHome) -> None:
    """In a file, the environment and flags, in whatever order they stand."""
    old = "server.max_jobs_per_cli"
    path = home.write_user("server: {max_turns_per_cli: 2, max_jobs_per_cli: 3}")
    loaded = [
        home.load(),
        home.load({"AIMUX_SERVER_MAX_JOBS_PER_CLI": "3", "AIMUX_MAX_TURNS_PER_CLI": "2"}),
        home.load(flags={"max-turns-per-cli": 2, "max-jobs-per-cli": 3}),
    ]
    wheres = [f"{path}:1", "AIMUX_SERVER_MAX_JOBS_PER_CLI", "--max-jobs-per-cli"]

    for snapshot, where in zip(loaded, wheres, strict=True):
        assert snapshot.settings.server.max_turns_per_cli == 2
        assert str(snapshot.problems[-1]) == (
            f"{old}: an old name, and without effect beside {PER_CLI} @ {where}"
        )


def test_an_old_name_in_a_higher_layer_wins_over_the_new_one_below(home: ConfigHome) -> None:
    home.write_user("server: {max_turns_per_cli: 2}")
    home.write_project("server: {max_jobs_per_cli: 3}")
    snapshot = home.load()

    assert snapshot.settings.server.max_turns_per_cli == 3
    assert snapshot.origins[PER_CLI].source is Source.PROJECT


def test_null_under_an_old_name_resets_the_new_key(home: ConfigHome) -> None:
    home.write_user("server: {max_turns_per_cli: 2}")
    home.write_project("server: {max_jobs_per_cli: null}")

    assert home.load().settings.server.max_turns_per_cli == 6


def test_a_wrong_value_under_an_old_name_is_reported_where_it_stands(home: ConfigHome) -> None:
    path = home.write_user("server:\n  max_jobs_per_cli: -1\n")
    snapshot = home.load()

    assert [str(each) for each in snapshot.errors] == [f"{PER_CLI}: must be >= 0: -1 @ {path}:2"]
    assert snapshot.settings.server.max_turns_per_cli == 6


def test_what_is_read_is_not_changed_for_the_next_client(home: ConfigHome) -> None:
    """Files are read once for many clients: each is told of the old name."""
    home.write_user("server: {max_jobs_per_cli: 3}")
    first, second = home.load(), home.load({"AIMUX_MAX_CHARS": "9"})

    assert second.settings.server.max_turns_per_cli == 3
    assert first.problems == second.problems != ()


@pytest.mark.parametrize("text", ["server: 3", "[1, 2]"])
def test_a_file_of_another_shape_has_no_old_names(home: ConfigHome, text: str) -> None:
    home.write_user(text)

    assert len(home.load().errors) == 1
