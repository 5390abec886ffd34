"""Every key, from every layer that may set it, with the file or variable it is from."""

import json
import re
from typing import Final

import attrs
import pytest

from aimux.config import Snapshot, explain
from aimux.config._find import variables
from aimux.config._layers import NOT_FROM_PROJECT
from aimux.config._shape import leaves
from aimux.model import Settings, Source

from .conftest import ConfigHome

SAMPLES: Final[dict[str, object]] = {
    "server.log_level": "debug",
    "server.log_file": "/tmp/other.log",
    "server.db_path": "/tmp/other.db",
    "server.max_concurrent_turns": 5,
    "server.max_turns_per_cli": 2,
    "server.max_turns_per_client": 4,
    "server.max_concurrent_jobs": 3,
    "server.max_queued_jobs": 0,
    "server.max_prompt_bytes": 512,
    "server.max_chars": 99,
    "server.session_ttl_hours": 1.5,
    "server.gc_interval_seconds": 7,
    "server.progress_interval_seconds": 2.5,
    "server.streaming_grace_seconds": 11,
    "server.streaming_soft_warning_seconds": 12,
    "server.streaming_hard_stall_seconds": 130,
    "server.streaming_auto_cancel_seconds": 1400,
    "server.default_async": True,
    "server.default_timeout_seconds": 15,
    "server.sync_wait_seconds": 0,
    "server.rate_limit_rps": 0,
    "server.rate_limit_burst": 5,
    "server.auth_token": "s3cret",
    "server.transport.type": "http",
    "server.transport.port": "0.0.0.0:9000",
    "server.transport.endpoint": "/rpc",
    "server.transport.tls_cert": "/tmp/cert.pem",
    "server.transport.tls_key": "/tmp/key.pem",
    "server.idle_exit_seconds": 0,
    "server.drain_seconds": 3,
    "server.allow_danger": True,
    "server.cli_priority": ["claude", "codex"],
    "server.fallback_max": 0,
    "server.disabled_clis": ["crush"],
    "consensus.default_blinded": False,
    "consensus.default_synthesize": True,
    "consensus.members": 4,
    "consensus.quorum": 3,
    "consensus.quorum_wait_seconds": 5,
    "consensus.max_turns": 7,
    "consensus.timeout_per_turn_seconds": 33,
    "think.auto_consensus_threshold": 40,
    "think.members": 3,
    "audit.default_mode": "quick",
    "audit.scanner_role": "secaudit",
    "audit.validator_role": "review",
    "audit.parallel_scanners": 1,
    "audit.scanner_timeout_seconds": 3,
    "audit.validator_timeout_seconds": 4,
    "audit.max_files": 9,
    "audit.ignore": ["*.min.js"],
    "audit.check_programs": ["python3", "node"],
    "audit.check_timeout_seconds": 7,
    "research.base_url": "https://vendor.example",
    "research.model": "deep-research-next",
    "research.poll_seconds": 3,
    "research.request_timeout_seconds": 4,
    "research.cache_days": 5,
    "workflow.max_parallel_steps": 2,
    "dialog.max_turns": 9,
    "dialog.timeout_per_turn_seconds": 44,
    "debate.default_synthesize": False,
    "debate.max_turns": 4,
    "debate.timeout_per_turn_seconds": 55,
    "pair.default": True,
    "pair.max_rounds": 5,
    "pair.driver_role": "refactor",
    "pair.reviewer_role": "secaudit",
    "pair.driver_timeout_seconds": 21,
    "pair.reviewer_timeout_seconds": 22,
    "pair.check_timeout_seconds": 23,
    "pair.verify": ["make test", "make lint"],
    "pair.linked_dirs": ["node_modules"],
    "pair.best_of": 2,
    "agents.max_turns": 3,
    "agents.project_mode": "write",
    "telemetry.traces": "on",
    "circuit_breaker.failure_threshold": 9,
    "circuit_breaker.cooldown_seconds": 8,
    "circuit_breaker.half_open_max_calls": 2,
}
KEYS: Final = sorted(SAMPLES)
# TLS means something only as a pair
PARTNER: Final = {
    "server.transport.tls_cert": "server.transport.tls_key",
    "server.transport.tls_key": "server.transport.tls_cert",
}


def in_yaml(key: str) -> str:
    """A file that sets `key`, and its partner where it has one."""
    tree: dict[str, object] = {}
    for each in filter(None, (key, PARTNER.get(key))):
        node = tree
        *above, last = each.split(".")
        for word in above:
            node = node.setdefault(word, {})  # type: ignore[assignment]
        node[last] = SAMPLES[each]
    return json.dumps(tree)  # JSON is YAML


def value(snapshot: Snapshot, key: str) -> object:
    """The value in effect."""
    found: object = snapshot.settings
    for word in key.split("."):
        found = getattr(found, word)
    return list(found) if isinstance(found, tuple) else found


def test_there_is_a_sample_for_every_key() -> None:
    """A new key needs a new line above."""
    maps = {"roles", "hooks", "panels", "notifications"}  # of sections

    assert set(SAMPLES) == set(leaves(Settings)) - maps


@pytest.mark.requirement("config:every_key")
@pytest.mark.parametrize("key", KEYS)
def test_a_key_loads_from_the_users_file(home: ConfigHome, key: str) -> None:
    """With file and line."""
    path = home.write_user(in_yaml(key))
    snapshot = home.load()

    assert value(snapshot, key) == SAMPLES[key]
    assert snapshot.origins[key].source is Source.USER
    assert str(snapshot.origins[key]) == f"{path}:1"
    assert not snapshot.errors


@pytest.mark.parametrize("key", KEYS)
def test_a_key_loads_from_a_project_unless_it_would_open_the_machine(
    home: ConfigHome, key: str
) -> None:
    """A fresh clone says how it wants to be worked on, not who is trusted."""
    path = home.write_project(in_yaml(key))
    snapshot = home.load()

    if key.startswith(NOT_FROM_PROJECT):
        assert value(snapshot, key) != SAMPLES[key]
        assert "not taken from a project" in snapshot.problems[0].message
        assert snapshot.problems[0].where == f"{path}:1"
    else:
        assert value(snapshot, key) == SAMPLES[key]
        assert snapshot.origins[key].source is Source.PROJECT
        assert not snapshot.problems


@pytest.mark.parametrize("key", KEYS)
def test_a_key_loads_from_each_of_its_variables(home: ConfigHome, key: str) -> None:
    """Lists are comma-separated or JSON, truth is true or false."""
    sample = SAMPLES[key]
    text = ",".join(sample) if isinstance(sample, list) else str(sample).lower()
    partner = PARTNER.get(key)
    extra = {variables(partner)[0]: "/tmp/partner.pem"} if partner else {}
    for variable in variables(key):
        snapshot = home.load({variable: text, **extra})

        assert value(snapshot, key) == sample
        assert snapshot.origins[key].source is Source.ENVIRONMENT
        assert str(snapshot.origins[key]) == variable
        assert not snapshot.errors


@pytest.mark.parametrize("key", KEYS)
def test_a_key_loads_from_a_flag_with_and_without_its_section(home: ConfigHome, key: str) -> None:
    """Values or texts."""
    partner = PARTNER.get(key)
    extra = {partner: SAMPLES[partner]} if partner else {}
    for flag in (key, key.removeprefix("server.").replace("_", "-")):
        snapshot = home.load(flags={flag: SAMPLES[key], **extra})

        assert value(snapshot, key) == SAMPLES[key]
        assert snapshot.origins[key].source is Source.FLAG


def test_the_shipped_file_says_what_the_code_says(home: ConfigHome) -> None:
    """Every key stands in default.yaml, with the value the classes have."""
    snapshot = home.load()
    plain = attrs.evolve(snapshot.settings, roles={}, panels={})

    assert plain == Settings()
    assert set(snapshot.origins) >= set(SAMPLES)
    assert {each.source for each in snapshot.origins.values()} == {Source.SHIPPED}
    assert not snapshot.problems


@pytest.mark.requirement("config:explained")
def test_explain_shows_value_and_origin_of_each_key_but_no_secret(home: ConfigHome) -> None:
    """One row a key."""
    home.write_user("server: {max_chars: 5}")
    rows = {
        row.key: row
        for row in explain(home.load({"AIMUX_AUTH_TOKEN": "s3cret", "AIMUX_ROLE_DEBUG": "claude"}))
    }

    assert set(SAMPLES) <= set(rows)
    assert (rows["server.max_chars"].value, rows["server.max_chars"].origin) == (5, "user")
    assert rows["server.max_chars"].where.endswith("default.yaml:1")
    assert rows["server.log_level"].value == "info"
    assert rows["server.log_level"].origin == "shipped"
    assert rows["server.auth_token"].value == "***"
    assert rows["roles.debug.cli"].value == "claude"
    assert rows["roles.debug.cli"].where == "AIMUX_ROLE_DEBUG"
    assert rows["roles.coding.cli"].where.rpartition(":")[2].isdigit()
    assert rows["profiles.codex"].origin == "shipped"
    assert rows["prompts.roles/debug"].origin == "shipped"
    assert "s3cret" not in repr(rows)


# where the shipped file says that 0 is no limit, or never
ZERO: Final = (
    "server.max_turns_per_cli", "server.max_turns_per_client", "server.rate_limit_rps",
    "server.rate_limit_burst", "server.idle_exit_seconds",
)  # fmt: skip


@pytest.mark.parametrize("key", ZERO)
def test_a_promised_nothing_is_taken(home: ConfigHome, key: str) -> None:
    """From a file and from the environment."""
    name = key.removeprefix("server.")
    home.write_user(f"server: {{{name}: 0}}\n")

    assert home.load().problems == ()
    assert value(home.load(), key) == 0
    assert home.load({variables(key)[0]: "0"}).problems == ()


def test_every_promise_of_nothing_is_known(home: ConfigHome) -> None:
    """A comment about 0 stands above the keys it is about."""
    text = (home.load().paths.shipped / "default.yaml").read_text(encoding="utf-8")
    blocks = re.findall(r"((?: *#.*\n)+)((?: *\w+: .+\n)+)", text)
    promised = {
        f"server.{line.split(':')[0].strip()}"
        for comment, keys in blocks
        if re.search(r"\b0 (is|for)\b", comment)
        for line in keys.splitlines()
    }

    assert promised - {"server.max_concurrent_turns"} == set(
        ZERO
    )  # of which it says "the last two"


def test_a_time_no_date_can_be_reckoned_with_is_refused(home: ConfigHome) -> None:
    """It would stop the housekeeping."""
    path = home.write_user("server: {session_ttl_hours: 1e12}\n")
    snapshot = home.load()

    assert [str(each) for each in snapshot.errors] == [
        f"server.session_ttl_hours: must be <= 1000000: 1000000000000.0 @ {path}:1"
    ]
    assert snapshot.settings.server.session_ttl_hours == 24.0
