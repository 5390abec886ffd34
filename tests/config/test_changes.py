"""Files that change while somebody goes by them: a good change counts at once, a bad one not."""

import pathlib

from aimux.config import ClientContext, Snapshot

from .conftest import Desk

TINY = "{schema_version: 1, name: tiny, binary: tiny, command: [tiny]}"


def _errors(snapshot: Snapshot) -> list[str]:
    return [each.message for each in snapshot.errors]


def test_a_bad_change_leaves_all_as_it_was_and_is_told(desk: Desk) -> None:
    """Not only the value that is wrong: what was saved with it waits too."""
    desk.write_user("server: {max_chars: 5, fallback_max: 1}")
    before = desk.load()
    desk.write_user("server: {max_chars: many, fallback_max: 4}")
    held = desk.load()

    assert before.accepted is None
    assert held.settings == before.settings
    assert held.accepted is before
    assert _errors(held) == ["server.max_chars: 'many' is not a whole number"]
    assert held.problems[-1].where == "configuration"
    assert held.fingerprint != before.fingerprint
    assert desk.load() is held


def test_a_repaired_file_counts_again(desk: Desk) -> None:
    """Whatever was wrong in between, and however often."""
    desk.write_user("server: {max_chars: 5}")
    first = desk.load()
    for broken in (
        "server: {max_chars: many}",
        "server: {max_chars: lots}",
        "server: [",
        "a\tb: {",
    ):
        desk.write_user(broken)
        assert desk.load().settings == first.settings
        assert desk.load().errors
    desk.write_user("server: {max_chars: 7}")
    repaired = desk.load()

    assert repaired.settings.server.max_chars == 7
    assert repaired.accepted is None
    assert not repaired.problems


def test_the_same_fault_twice_is_no_known_one(desk: Desk) -> None:
    """A refused change does not make its errors a habit."""
    desk.write_user("server: {max_chars: 5}")
    desk.load()
    desk.write_user("server: {max_chars: many}")
    desk.load()
    desk.write_user("server: {max_chars: many, fallback_max: 4}")

    assert desk.load().settings.server.max_chars == 5
    assert desk.load().settings.server.fallback_max == 2


def test_faults_from_the_start_do_not_hold_up_later_changes(desk: Desk) -> None:
    """Nor do they when a line above moves them."""
    desk.write_user("server:\n  max_chars: many\n  fallback_max: 1\n")
    assert desk.load().settings.server.fallback_max == 1
    desk.write_user("# mine\nserver:\n  max_chars: many\n  fallback_max: 3\n")
    changed = desk.load()

    assert changed.settings.server.fallback_max == 3
    assert changed.accepted is None
    assert changed.errors[0].where.endswith("default.yaml:3")


def test_a_profile_that_breaks_stays_as_it_was(desk: Desk) -> None:
    """Work in progress on a profile takes no CLI away; a deleted one is gone."""
    path = desk.write_profile("tiny", TINY)
    before = desk.load().profiles["tiny"]
    desk.write_profile("tiny", "{schema_version: 1, name: tiny, binary: [")
    assert desk.load().profiles["tiny"] == before
    assert desk.load().errors
    path.unlink()

    assert "tiny" not in desk.load().profiles
    assert not desk.load().problems


def test_each_client_has_its_own_past(desk: Desk, tmp_path: pathlib.Path) -> None:
    """One that comes while a file is broken goes by what can be used of it."""
    desk.write_user("server: {max_chars: 5, fallback_max: 1}")
    desk.load()
    desk.write_user("server: {max_chars: many, fallback_max: 4}")
    elsewhere = ClientContext(cwd=tmp_path, env={}, config_dir=desk.user)
    other = desk.loader.load(elsewhere)

    assert desk.load().settings.server.fallback_max == 1
    assert other.settings.server.fallback_max == 4
    assert other.settings.server.max_chars == 16_384
    assert _errors(other) == ["server.max_chars: 'many' is not a whole number"]
