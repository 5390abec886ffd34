"""How layers lie over each other, and what happens to values that cannot be used."""

import os
import pathlib

import pytest

from aimux.config import ClientContext, Loader, state_dir, state_path, user_dir
from aimux.config._find import parse_role
from aimux.model import Route, Severity, Source, TransportType

from .conftest import Desk

TINY = "{schema_version: 1, name: tiny, binary: tiny, command: [tiny]}"


def test_later_layers_win(desk: Desk) -> None:
    """Shipped, user, project, environment, flag."""
    desk.write_user("server: {max_chars: 1, max_queued_jobs: 1, fallback_max: 1, drain_seconds: 1}")
    desk.write_project("server: {max_queued_jobs: 2, fallback_max: 2, drain_seconds: 2}")
    snapshot = desk.load(
        {"AIMUX_FALLBACK_MAX": "3", "AIMUX_DRAIN_SECONDS": "3"}, {"drain-seconds": "4"}
    )
    server = snapshot.settings.server

    assert (server.max_chars, server.max_queued_jobs, server.fallback_max) == (1, 2, 3)
    assert server.drain_seconds == 4
    assert [
        snapshot.origins[f"server.{key}"].source
        for key in ("log_level", "max_chars", "max_queued_jobs", "fallback_max", "drain_seconds")
    ] == list(Source)


def test_maps_merge_and_lists_replace(desk: Desk) -> None:
    """One role changed leaves the others; a list is the last one given."""
    desk.write_user("{roles: {coding: {cli: claude}}, server: {cli_priority: [codex, gemini]}}")
    desk.write_project("{roles: {coding: {model: m}}, server: {cli_priority: [claude]}}")
    snapshot = desk.load()

    coding = snapshot.roles["coding"]
    assert (coding.cli, coding.model, coding.effort) == ("claude", "m", "medium")
    assert snapshot.roles["debug"].cli == "codex"
    assert snapshot.settings.server.cli_priority == ("claude",)


def test_null_resets_to_the_built_in_value(desk: Desk) -> None:
    """Of a key, a section and a role."""
    desk.write_user(
        "server: {max_chars: 5, transport: {port: 1}}\ncircuit_breaker: {failure_threshold: 9}"
    )
    desk.write_project("{server: {max_chars: null}, circuit_breaker: ~, roles: {coding: null}}")
    snapshot = desk.load()

    assert snapshot.settings.server.max_chars == 16_384
    assert snapshot.origins["server.max_chars"].source is Source.PROJECT
    assert snapshot.settings.circuit_breaker.failure_threshold == 3
    assert snapshot.roles["coding"].cli == ""
    assert snapshot.settings.server.transport.port == "1"


def test_a_wrong_value_leaves_the_layer_below_in_effect(desk: Desk) -> None:
    """And all faults are said at once, each with file, line, key and the nearest name."""
    path = desk.write_user(
        "server:\n"
        "  log_level: debgu\n"
        "  max_concurent_jobs: 3\n"
        "  max_chars: -1\n"
        "  cli_priority: codex\n"
        "  default_async: maybe\n"
        "  transport: 8080\n"
        "circuit_braker: {}\n"
        "roles:\n"
        "  coding: {cli: codx, effort: high}\n"
        "  debug: {reasoning_effort: hgih}\n"
    )
    snapshot = desk.load()

    assert [str(each) for each in snapshot.problems] == [
        (
            f"server.log_level: 'debgu' is not one of debug, info, warn, error @ {path}:2"
            " (did you mean debug?)"
        ),
        (
            f"server.max_concurent_jobs: unknown key max_concurent_jobs @ {path}:3"
            " (did you mean max_concurrent_jobs?)"
        ),
        f"server.max_chars: must be >= 1: -1 @ {path}:4",
        f"server.cli_priority: 'codex' is not a list @ {path}:5 (did you mean [codex]?)",
        f"server.default_async: 'maybe' is not true or false @ {path}:6",
        f"server.transport: 8080 is not a map of keys @ {path}:7",
        f"circuit_braker: unknown key circuit_braker @ {path}:8 (did you mean circuit_breaker?)",
        f"roles.coding.effort: unknown key effort @ {path}:10 (did you mean reasoning_effort?)",
        f"roles.coding.cli: codx is not a known CLI @ {path}:10 (did you mean codex?)",
        (
            "roles.debug.reasoning_effort: hgih is not one of none, minimal, low, medium, high,"
            f" xhigh, max @ {path}:11 (did you mean high?)"
        ),
    ]
    assert len(snapshot.errors) == 6
    assert snapshot.settings.server.max_chars == 16_384
    assert snapshot.roles["debug"].effort == ""


@pytest.mark.parametrize(
    ("text", "line"),
    [("server: [", 1), ("a: 1\n\tb: 2", 2), ("server: {}\nserver: {}", 2), ("- x", 0), ("!x y", 1)],
)
def test_a_file_that_cannot_be_read_is_left_out_and_reported(
    desk: Desk, text: str, line: int
) -> None:
    """The server starts with the rest."""
    path = desk.write_user(text)
    snapshot = desk.load()

    (problem,) = snapshot.problems
    assert problem.severity is Severity.ERROR
    assert problem.where == (f"{path}:{line}" if line else str(path))
    assert snapshot.settings.server.max_chars == 16_384
    assert "codex" in snapshot.profiles


def test_an_empty_file_says_nothing(desk: Desk) -> None:
    """Comments alone are no fault."""
    desk.write_user("# nothing yet\n")

    assert not desk.load().problems


def test_a_token_in_a_file_is_used_and_warned_of(desk: Desk) -> None:
    """It belongs into the environment."""
    desk.write_user("server: {auth_token: hush}")
    snapshot = desk.load()

    assert snapshot.settings.server.auth_token == "hush"
    assert "a secret in a file" in snapshot.problems[0].message
    assert "hush" not in repr(snapshot.settings)
    assert "hush" not in str(snapshot.problems)


def test_a_variable_that_is_nearly_one_of_ours_is_reported(desk: Desk) -> None:
    """Others belong to somebody else."""
    snapshot = desk.load({"AIMUX_MAX_CHAR": "1", "AIMUX_FROBNICATE": "1", "AIMUX_STATE_DIR": "/s"})

    assert [str(each) for each in snapshot.problems] == [
        "unknown variable AIMUX_MAX_CHAR @ AIMUX_MAX_CHAR (did you mean AIMUX_MAX_CHARS?)"
    ]


def test_an_empty_variable_is_not_set(desk: Desk) -> None:
    """Shells leave them about."""
    snapshot = desk.load({"AIMUX_MAX_CHARS": "", "PORT": " ", "AIMUX_ROLE_CODING": ""})

    assert not snapshot.problems
    assert snapshot.settings.server.max_chars == 16_384


def test_a_wrong_variable_is_reported_by_its_name(desk: Desk) -> None:
    """And what stood below it stays."""
    snapshot = desk.load({"AIMUX_MAX_CHARS": "many"})

    assert [str(each) for each in snapshot.errors] == [
        "server.max_chars: 'many' is not a whole number @ AIMUX_MAX_CHARS"
    ]
    assert snapshot.settings.server.max_chars == 16_384


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("8080", ("127.0.0.1", 8080)),
        (":8080", ("127.0.0.1", 8080)),
        ("0.0.0.0:9", ("0.0.0.0", 9)),
        ("[::1]:9", ("::1", 9)),
        ("localhost:9", ("localhost", 9)),
    ],
)
def test_port_takes_three_forms(desk: Desk, text: str, address: tuple[str, int]) -> None:
    """A bare port never opens the machine."""
    assert desk.load({"PORT": text}).settings.server.transport.address == address


@pytest.mark.parametrize("text", ["http", "70000", "host:", "::1:9", "-1", "a b:9:9"])
def test_what_is_no_port_is_refused(desk: Desk, text: str) -> None:
    """With the variable's name."""
    snapshot = desk.load({"PORT": text})

    assert [each.where for each in snapshot.errors] == ["PORT"]
    assert snapshot.settings.server.transport.port == ":8080"


@pytest.mark.parametrize(
    ("word", "type_"),
    [("http", "http"), ("HTTP", "http"), ("sse", "sse"), ("streamablehttp", "http")],
)
def test_mcp_transport_names_the_transport(desk: Desk, word: str, type_: str) -> None:
    """The older name of the streaming transport too."""
    snapshot = desk.load({"MCP_TRANSPORT": word})

    assert snapshot.settings.server.transport.type is TransportType(type_)
    assert str(snapshot.origins["server.transport.type"]) == "MCP_TRANSPORT"


def test_our_own_variable_is_above_the_common_one(desk: Desk) -> None:
    """Who says AIMUX_ means us."""
    snapshot = desk.load({"PORT": "1", "AIMUX_TRANSPORT_PORT": "2"})

    assert snapshot.settings.server.transport.port == "2"


@pytest.mark.parametrize(
    ("text", "cli", "model", "effort"),
    [
        ("codex", "codex", "", ""),
        ("codex:", "codex", "", ""),
        ("codex:gpt-5", "codex", "gpt-5", ""),
        ("codex:gpt-5:high", "codex", "gpt-5", "high"),
        ("codex::high", "codex", "", "high"),
        ("codex:gpt-5:", "codex", "gpt-5", ""),
        ("aider:ollama/qwen3:8b", "aider", "ollama/qwen3:8b", ""),
        ("aider:ollama/qwen3:8b:low", "aider", "ollama/qwen3:8b", "low"),
        ("aider:ollama/qwen3:8b:", "aider", "ollama/qwen3:8b", ""),
        ("cli=aider,model=a:b:c,effort=max", "aider", "a:b:c", "max"),
        ("model=m, cli=codex", "codex", "m", ""),
        ('{"cli": "aider", "model": "a:high", "effort": "low"}', "aider", "a:high", "low"),
    ],
)
def test_role_variables_take_three_forms(
    desk: Desk, text: str, cli: str, model: str, effort: str
) -> None:
    """Colons inside a model stay where they are."""
    snapshot = desk.load({"AIMUX_ROLE_CODING": text})

    assert snapshot.overrides == {
        "coding": Route(cli=cli, model=model, effort=effort, why="AIMUX_ROLE_CODING")
    }
    assert not snapshot.problems


@pytest.mark.parametrize(
    "text", [":gpt-5:high", "cli=,model=x", "clee=codex", '{"cli": 3}', "{oops", "cli=a,effort=hot"]
)
def test_a_role_variable_without_sense_is_refused(desk: Desk, text: str) -> None:
    """It names what is wrong, and the table stays."""
    snapshot = desk.load({"AIMUX_ROLE_CODING": text})

    assert not snapshot.overrides
    assert snapshot.roles["coding"].cli == "codex"
    assert [each.where for each in snapshot.errors] == ["AIMUX_ROLE_CODING"]


def test_a_role_variable_finds_names_with_dashes_and_reports_unknown_ones(desk: Desk) -> None:
    """A typing error is not a new kind of work."""
    desk.write_user("roles: {deep-dive: {cli: claude}}")
    snapshot = desk.load({"AIMUX_ROLE_DEEP_DIVE": "gemini", "AIMUX_ROLE_CODINGG": "codex"})

    assert snapshot.overrides["deep-dive"].cli == "gemini"
    assert [each.suggestion for each in snapshot.problems] == ["CODING"]


def test_a_role_variable_may_name_a_program_and_an_unknown_cli_is_reported(desk: Desk) -> None:
    """`cn` is how continue is called."""
    snapshot = desk.load({"AIMUX_ROLE_CODING": "cn", "AIMUX_ROLE_DEBUG": "claud:opus"})

    assert [str(each) for each in snapshot.problems] == [
        "claud is not a known CLI @ AIMUX_ROLE_DEBUG (did you mean claude?)"
    ]
    assert snapshot.overrides["debug"].cli == "claud"


def test_parse_role_knows_no_cli_that_is_blank() -> None:
    """A blank is not a name."""
    with pytest.raises(ValueError, match="names no cli"):
        parse_role("  :m")


def test_silence_limits_out_of_order_and_half_a_tls_pair_are_reported(desk: Desk) -> None:
    """What cannot have an effect is said."""
    desk.write_user("server: {streaming_hard_stall_seconds: 1000, transport: {tls_cert: /c.pem}}")
    snapshot = desk.load()

    assert [each.message for each in snapshot.problems] == [
        (
            "server.streaming_hard_stall_seconds: 1000 s is not before"
            " streaming_auto_cancel_seconds (900 s) and has no effect"
        ),
        "server.transport.tls_cert: tls_cert stands alone: TLS needs tls_cert and tls_key",
    ]
    assert snapshot.settings.server.transport.tls_cert == ""


def test_names_of_clis_in_lists_are_checked(desk: Desk) -> None:
    """With the nearest one."""
    desk.write_user("server: {disabled_clis: [cruhs], cli_priority: [gemini, nosuch]}")

    assert [each.suggestion for each in desk.load().problems] == ["", "crush"]


def test_an_unchanged_set_of_files_gives_the_same_snapshot(desk: Desk) -> None:
    """Asking again costs stats only."""
    first = desk.load()

    assert desk.load() is first
    desk.write_user("server: {max_chars: 5}")
    second = desk.load()
    assert second.settings.server.max_chars == 5
    assert second.fingerprint != first.fingerprint
    assert desk.load() is second


def test_every_kind_of_change_is_noticed(desk: Desk) -> None:
    """New, changed and deleted files, in every directory."""
    seen = {desk.load().fingerprint}
    profile = desk.write_profile("tiny", TINY)
    seen.add(desk.load().fingerprint)
    assert "tiny" in desk.load().profiles
    role = desk.project / ".aimux" / "prompts.d" / "roles" / "poet.md"
    role.parent.mkdir(parents=True)
    role.write_text("Rhyme.", encoding="utf-8")
    seen.add(desk.load().fingerprint)
    assert desk.load().roles["poet"].text == "Rhyme."
    role.write_text("Rhyme well.", encoding="utf-8")
    assert desk.load().roles["poet"].text == "Rhyme well."
    role.unlink()
    profile.unlink()

    assert "poet" not in desk.load().roles
    assert "tiny" not in desk.load().profiles
    assert len(seen) == 3


def test_clients_differ_by_directory_and_environment_but_share_profiles(
    desk: Desk, tmp_path: pathlib.Path
) -> None:
    """A client's own layers cost little: the rest is the same objects."""
    one = desk.load({"AIMUX_MAX_CHARS": "7", "OTHER": "x"})
    same = desk.load({"AIMUX_MAX_CHARS": "7", "OTHER": "y"})
    other = desk.loader.load(ClientContext(cwd=tmp_path, env={}, config_dir=desk.user))

    assert same is one
    assert other.settings.server.max_chars == 16_384
    assert other.profiles["codex"] is one.profiles["codex"]


def test_directories_come_from_the_clients_environment() -> None:
    """Not from the process that loads."""
    env = {"HOME": "/home/ann", "AIMUX_CONFIG_DIR": "~/cfg"}

    assert user_dir(env) == pathlib.Path("/home/ann/cfg")
    assert user_dir({"HOME": "/home/ann"}) == pathlib.Path("/home/ann/.config/aimux")
    assert state_dir(env) == pathlib.Path("/home/ann/.config/aimux")
    assert state_dir({"HOME": "/h", "AIMUX_STATE_DIR": "/var/s"}) == pathlib.Path("/var/s")
    assert state_path("aimux.log", {"HOME": "/h"}) == pathlib.Path("/h/.config/aimux/aimux.log")
    assert state_path("~/x.db", {"HOME": "/h"}) == pathlib.Path("/h/x.db")
    assert state_path("/x.db", {"HOME": "/h"}) == pathlib.Path("/x.db")


@pytest.mark.skipif(os.name == "nt", reason="modes of files")
def test_a_project_directory_nobody_may_read_is_like_none(desk: Desk) -> None:
    """Somebody else's clone."""
    path = desk.write_project("server: {max_chars: 5}")
    path.chmod(0)
    try:
        snapshot = desk.load()
    finally:
        path.chmod(0o600)

    if os.geteuid():  # root reads everything
        assert "cannot be read" in snapshot.problems[0].message
    else:
        assert snapshot.settings.server.max_chars == 5


def test_a_loader_without_a_cache_directory_works_and_says_what_it_holds(desk: Desk) -> None:
    """Its repr is its status line."""
    loader = Loader()
    loader.load(desk.client())

    assert repr(loader).startswith("<Loader: <Shelf: 4 of 64 values kept>, <YamlReader: ")
