"""Files that change while somebody goes by them: a good change counts at once, a bad one not."""

import pathlib

from aimux.config import ClientContext, Loader, Snapshot
from aimux.model import Severity

from .conftest import ConfigHome

DOMAIN = "{summary: mine, priority: 3, keywords: [mine], areas: {here: Look.}}"
RULE = """\
title: Mine
family: mine
category: security
severity: low
languages: [shell]
why: So it is.
fix: Mend it.
match: {tokens: ["mine ( ... )"]}
"""
TINY = "{schema_version: 1, name: tiny, binary: tiny, command: [tiny]}"


def _errors(snapshot: Snapshot) -> list[str]:
    return [each.message for each in snapshot.errors]


def test_a_bad_change_leaves_all_as_it_was_and_is_told(home: ConfigHome) -> None:
    """Not only the value that is wrong: what was saved with it waits too."""
    home.write_user("server: {max_chars: 5, fallback_max: 1}")
    before = home.load()
    home.write_user("server: {max_chars: many, fallback_max: 4}")
    held = home.load()

    assert before.accepted is None
    assert held.settings == before.settings
    assert held.accepted is before
    assert _errors(held) == ["server.max_chars: 'many' is not a whole number"]
    assert held.problems[-1].where == "configuration"
    assert held.fingerprint != before.fingerprint
    assert home.load() is held


def test_a_repaired_file_counts_again(home: ConfigHome) -> None:
    """Whatever was wrong in between, and however often."""
    home.write_user("server: {max_chars: 5}")
    first = home.load()
    for broken in (
        "server: {max_chars: many}",
        "server: {max_chars: lots}",
        "server: [",
        "a\tb: {",
    ):
        home.write_user(broken)
        assert home.load().settings == first.settings
        assert home.load().errors
    home.write_user("server: {max_chars: 7}")
    repaired = home.load()

    assert repaired.settings.server.max_chars == 7
    assert repaired.accepted is None
    assert not repaired.problems


def test_the_same_fault_twice_is_no_known_one(home: ConfigHome) -> None:
    """A refused change does not make its errors a habit."""
    home.write_user("server: {max_chars: 5}")
    home.load()
    home.write_user("server: {max_chars: many}")
    home.load()
    home.write_user("server: {max_chars: many, fallback_max: 4}")

    assert home.load().settings.server.max_chars == 5
    assert home.load().settings.server.fallback_max == 2


def test_faults_from_the_start_do_not_hold_up_later_changes(home: ConfigHome) -> None:
    """Nor do they when a line above moves them."""
    home.write_user("server:\n  max_chars: many\n  fallback_max: 1\n")
    assert home.load().settings.server.fallback_max == 1
    home.write_user("# mine\nserver:\n  max_chars: many\n  fallback_max: 3\n")
    changed = home.load()

    assert changed.settings.server.fallback_max == 3
    assert changed.accepted is None
    assert changed.errors[0].where.endswith("default.yaml:3")


def test_a_profile_that_breaks_stays_as_it_was(home: ConfigHome) -> None:
    """Work in progress on a profile takes no CLI away; a deleted one is gone."""
    path = home.write_profile("tiny", TINY)
    before = home.load().profiles["tiny"]
    home.write_profile("tiny", "{schema_version: 1, name: tiny, binary: [")
    assert home.load().profiles["tiny"] == before
    assert home.load().errors
    assert list(home.load().broken) == ["tiny"]
    path.unlink()

    assert "tiny" not in home.load().profiles
    assert not home.load().problems


def test_each_client_has_its_own_past(home: ConfigHome, tmp_path: pathlib.Path) -> None:
    """One that comes while a file is broken goes by what can be used of it."""
    home.write_user("server: {max_chars: 5, fallback_max: 1}")
    home.load()
    home.write_user("server: {max_chars: many, fallback_max: 4}")
    elsewhere = ClientContext(cwd=tmp_path, env={}, config_dir=home.user)
    other = home.loader.load(elsewhere)

    assert home.load().settings.server.fallback_max == 1
    assert other.settings.server.fallback_max == 4
    assert other.settings.server.max_chars == 16_384
    assert _errors(other) == ["server.max_chars: 'many' is not a whole number"]


def test_a_library_with_a_new_fault_stays_as_it_was_and_says_so(home: ConfigHome) -> None:
    """Agents, domains and audit rules: whole, until the fault is mended."""
    agents, domains, rules = (
        home.user / "agents.d" / "mine.md",
        home.user / "domains.d" / "mine.yaml",
        home.user / "audit-rules.d" / "mine.yaml",
    )
    for path in (agents, domains, rules):
        path.parent.mkdir(parents=True)
    loader, client = home.loader, home.client()
    agents.write_text("---\ndescription: reads\n---\nRead.\n", encoding="utf-8")
    domains.write_text(DOMAIN, encoding="utf-8")
    rules.write_text(RULE, encoding="utf-8")
    paths = loader.load(client).paths
    _ = loader.agents(client), loader.domains(client), loader.audit_rules(paths)
    assert loader.library_problems(client) == []
    before = (
        loader.agents(client).agents["mine"],
        loader.domains(client).domains["mine"],
        loader.audit_rules(paths).rules["mine"],
    )
    agents.write_text("---\ndescription: [\n---\nRead.\n", encoding="utf-8")
    domains.write_text("areas: [", encoding="utf-8")
    rules.write_text("match: [", encoding="utf-8")
    after = (
        loader.agents(client).agents["mine"],
        loader.domains(client).domains["mine"],
        loader.audit_rules(paths).rules["mine"],
    )
    told = loader.library_problems(client)
    for path in (agents, domains, rules):
        path.unlink()

    assert after == before
    assert sorted(each.where.rpartition("/")[2].partition(":")[0] for each in told) == [
        *["configuration"] * 3,
        *["mine.md", "mine.yaml", "mine.yaml"],
    ]
    assert "mine" not in loader.agents(client).agents
    assert "mine" not in loader.domains(client).domains
    assert "mine" not in loader.audit_rules(paths).rules
    assert loader.library_problems(client) == []


def test_faults_of_skills_are_told_with_those_of_other_files(home: ConfigHome) -> None:
    """One that is no skill, and one whose template cannot be read; with the line."""
    path = home.user / "skills.d" / "spins.md"
    path.parent.mkdir()
    path.write_text(
        "---\ndescription: spins\n---\n{% for a in range(9) %}{% endfor %}\n", encoding="utf-8"
    )
    other = path.with_name("other.md")
    other.write_text("---\ndescription: [\n---\nx\n", encoding="utf-8")
    client = home.client()
    unread = home.loader.library_problems(client)
    home.loader.skills(client)
    told = home.loader.library_problems(client)
    path.unlink()
    other.unlink()

    assert unread == []
    assert sorted(pathlib.Path(each.where).name.split(":")[0] for each in told) == [
        "other.md", "spins.md",
    ]  # fmt: skip
    (spins,) = [each for each in told if "spins.md:4" in each.where]
    assert "a call is not for templates" in spins.message
    assert {each.severity for each in told} == {Severity.ERROR}
    assert home.loader.library_problems(client) == []


def test_what_nobody_has_used_is_not_read_for_its_problems(home: ConfigHome) -> None:
    """Health asks often, and most servers have no investigation and no audit."""
    fresh = Loader()
    path = home.user / "domains.d" / "mine.yaml"
    path.parent.mkdir()
    path.write_text("areas: [", encoding="utf-8")
    client = home.client()
    unread = fresh.library_problems(client)
    fresh.domains(client)

    assert unread == []
    assert [each.where.partition(":")[0] for each in fresh.library_problems(client)] == [str(path)]
