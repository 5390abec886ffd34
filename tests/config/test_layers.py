"""How layers lie over each other, and what happens to values that cannot be used."""

import pathlib
import sys

import pytest

from aimux.config import ClientContext, Loader, state_dir, state_path, user_dir
from aimux.config._find import find_paths, parse_role
from aimux.model import Route, Severity, Source, TransportType

from .. import needs
from .conftest import ConfigHome

TINY = "{schema_version: 1, name: tiny, binary: tiny, command: [tiny]}"


@pytest.fixture
def beside(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A `config/` beside the interpreter of an installation."""
    found = tmp_path / "installed" / "bin" / "config"
    found.mkdir(parents=True)
    monkeypatch.setattr(sys, "executable", str(found.parent / "python"))
    return found


def test_later_layers_win(home: ConfigHome, beside: pathlib.Path) -> None:
    """Shipped, installation, user, project, environment, flag."""
    (beside / "default.yaml").write_text(
        "server: {max_prompt_bytes: 9, max_chars: 9, max_queued_jobs: 9}", encoding="utf-8"
    )
    home.write_user("server: {max_chars: 1, max_queued_jobs: 1, fallback_max: 1, drain_seconds: 1}")
    home.write_project("server: {max_queued_jobs: 2, fallback_max: 2, drain_seconds: 2}")
    snapshot = home.load(
        {"AIMUX_FALLBACK_MAX": "3", "AIMUX_DRAIN_SECONDS": "3"}, {"drain-seconds": "4"}
    )
    server = snapshot.settings.server

    assert server.max_prompt_bytes == 9
    assert (server.max_chars, server.max_queued_jobs, server.fallback_max) == (1, 2, 3)
    assert server.drain_seconds == 4
    assert [
        snapshot.origins[f"server.{key}"].source
        for key in (
            "log_level", "max_prompt_bytes", "max_chars", "max_queued_jobs", "fallback_max",
            "drain_seconds",
        )
    ] == list(Source)  # fmt: skip


def test_everything_of_a_configuration_directory_may_lie_beside_the_executable(
    home: ConfigHome, beside: pathlib.Path
) -> None:
    """Profiles, prompts, panels, rules, domains, workflows and agents, below the user's."""
    (beside / "cli.d" / "tiny").mkdir(parents=True)
    (beside / "cli.d" / "tiny" / "profile.yaml").write_text(TINY, encoding="utf-8")
    (beside / "prompts.d" / "snippets").mkdir(parents=True)
    (beside / "prompts.d" / "snippets" / "s.md").write_text("Say s.", encoding="utf-8")
    (beside / "panels.d").mkdir()
    (beside / "panels.d" / "duo.yaml").write_text("{members: [codex, claude]}", encoding="utf-8")
    client = home.client()
    snapshot = home.load()
    paths = find_paths(client)
    agents = beside / "agents.d"
    agents.mkdir()
    (agents / "a.md").write_text("---\ndescription: Does it\n---\nDo it.\n", encoding="utf-8")

    assert "tiny" in snapshot.profiles
    assert snapshot.prompts["snippets/s"].source is Source.INSTALLATION
    assert "duo" in snapshot.settings.panels
    assert home.loader.agents(client).agents["a"].source is Source.INSTALLATION
    assert [path.name for path in paths.workflow_roots] == [
        "workflows", "workflows.d", "workflows.d",
    ]  # fmt: skip
    assert beside / "domains.d" in paths.domain_roots
    assert (Source.INSTALLATION, beside / "audit-rules.d") in paths.audit_rule_roots


def test_a_config_directory_where_the_client_stands_is_nothing_to_us(home: ConfigHome) -> None:
    """A clone may have one, for another program."""
    place = home.project / "config"
    place.mkdir(parents=True)
    (place / "default.yaml").write_text("server: {max_chars: 9}", encoding="utf-8")

    assert home.load().settings.server.max_chars == 16_384


def test_maps_merge_and_lists_replace(home: ConfigHome) -> None:
    """One role changed leaves the others; a list is the last one given."""
    home.write_user("{roles: {coding: {cli: claude}}, server: {cli_priority: [codex, gemini]}}")
    home.write_project("{roles: {coding: {model: m}}, server: {cli_priority: [claude]}}")
    snapshot = home.load()

    coding = snapshot.roles["coding"]
    assert (coding.cli, coding.model, coding.effort) == ("claude", "m", "medium")
    assert snapshot.roles["debug"].cli == "codex"
    assert snapshot.settings.server.cli_priority == ("claude",)


def test_null_resets_to_the_built_in_value(home: ConfigHome) -> None:
    """Of a key, a section and a role."""
    home.write_user(
        "server: {max_chars: 5, transport: {port: 1}}\ncircuit_breaker: {failure_threshold: 9}"
    )
    home.write_project("{server: {max_chars: null}, circuit_breaker: ~, roles: {coding: null}}")
    snapshot = home.load()

    assert snapshot.settings.server.max_chars == 16_384
    assert snapshot.origins["server.max_chars"].source is Source.PROJECT
    assert snapshot.settings.circuit_breaker.failure_threshold == 3
    assert snapshot.roles["coding"].cli == ""
    assert snapshot.settings.server.transport.port == "1"


def test_a_wrong_value_leaves_the_layer_below_in_effect(home: ConfigHome) -> None:
    """And all faults are said at once, each with file, line, key and the nearest name."""
    path = home.write_user(
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
    snapshot = home.load()

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


def test_a_panel_that_cannot_come_to_anything_is_told(home: ConfigHome) -> None:
    """An unknown member, a quorum above their number, a veto of somebody who is not there."""
    path = home.write_user(
        "panels:\n"
        "  lame:\n"
        "    members: [codx, 'claude:opus:high']\n"
        "    quorum: 3\n"
        "    veto: [gemini]\n"
        "    judge: qwem\n"
        "  sound: {members: [codex, cn], veto: ['codex:m']}\n"
        "roles:\n"
        "  debug: {cli: cn}\n"
    )
    snapshot = home.load()

    assert [str(each) for each in snapshot.problems] == [
        f"panels.lame.members: codx is not a known CLI @ {path}:3 (did you mean codex?)",
        f"panels.lame.judge: qwem is not a known CLI @ {path}:6 (did you mean qwen?)",
        f"panels.lame.quorum: 3 of 2 members can never be reached @ {path}:4",
        f"panels.lame.veto: gemini is no member, so its veto has no effect @ {path}:5",
    ]
    assert list(snapshot.errors) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [("server: [", 1), ("a: 1\n\tb: 2", 2), ("server: {}\nserver: {}", 2), ("- x", 0), ("!x y", 1)],
)
def test_a_file_that_cannot_be_read_is_left_out_and_reported(
    home: ConfigHome, text: str, line: int
) -> None:
    """The server starts with the rest."""
    path = home.write_user(text)
    snapshot = home.load()

    (problem,) = snapshot.problems
    assert problem.severity is Severity.ERROR
    assert problem.where == (f"{path}:{line}" if line else str(path))
    assert snapshot.settings.server.max_chars == 16_384
    assert "codex" in snapshot.profiles


def test_an_empty_file_says_nothing(home: ConfigHome) -> None:
    """Comments alone are no fault."""
    home.write_user("# nothing yet\n")

    assert not home.load().problems


def test_a_token_in_a_file_is_used_and_warned_of(home: ConfigHome) -> None:
    """It belongs into the environment."""
    home.write_user("server: {auth_token: hush}")
    snapshot = home.load()

    assert snapshot.settings.server.auth_token == "hush"
    assert "a secret in a file" in snapshot.problems[0].message
    assert "hush" not in repr(snapshot.settings)
    assert "hush" not in str(snapshot.problems)


def test_a_variable_that_is_nearly_one_of_ours_is_reported(home: ConfigHome) -> None:
    """Others belong to somebody else."""
    snapshot = home.load({"AIMUX_MAX_CHAR": "1", "AIMUX_FROBNICATE": "1", "AIMUX_STATE_DIR": "/s"})

    assert [str(each) for each in snapshot.problems] == [
        "unknown variable AIMUX_MAX_CHAR @ AIMUX_MAX_CHAR (did you mean AIMUX_MAX_CHARS?)"
    ]


def test_an_empty_variable_is_not_set(home: ConfigHome) -> None:
    """Shells leave them about."""
    snapshot = home.load({"AIMUX_MAX_CHARS": "", "PORT": " ", "AIMUX_ROLE_CODING": ""})

    assert not snapshot.problems
    assert snapshot.settings.server.max_chars == 16_384


def test_a_wrong_variable_is_reported_by_its_name(home: ConfigHome) -> None:
    """And what stood below it stays."""
    snapshot = home.load({"AIMUX_MAX_CHARS": "many"})

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
def test_port_takes_three_forms(home: ConfigHome, text: str, address: tuple[str, int]) -> None:
    """A bare port never opens the machine."""
    assert home.load({"PORT": text}).settings.server.transport.address == address


@pytest.mark.parametrize("text", ["http", "70000", "host:", "::1:9", "-1", "a b:9:9"])
def test_what_is_no_port_is_refused(home: ConfigHome, text: str) -> None:
    """With the variable's name."""
    snapshot = home.load({"PORT": text})

    assert [each.where for each in snapshot.errors] == ["PORT"]
    assert snapshot.settings.server.transport.port == ":8080"


@pytest.mark.parametrize(
    ("word", "type_"),
    [("http", "http"), ("HTTP", "http"), ("sse", "sse"), ("streamablehttp", "http")],
)
def test_mcp_transport_names_the_transport(home: ConfigHome, word: str, type_: str) -> None:
    """The older name of the streaming transport too."""
    snapshot = home.load({"MCP_TRANSPORT": word})

    assert snapshot.settings.server.transport.type is TransportType(type_)
    assert str(snapshot.origins["server.transport.type"]) == "MCP_TRANSPORT"


def test_our_own_variable_is_above_the_common_one(home: ConfigHome) -> None:
    """Who says AIMUX_ means us."""
    snapshot = home.load({"PORT": "1", "AIMUX_TRANSPORT_PORT": "2"})

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
    home: ConfigHome, text: str, cli: str, model: str, effort: str
) -> None:
    """Colons inside a model stay where they are."""
    snapshot = home.load({"AIMUX_ROLE_CODING": text})

    assert snapshot.overrides == {
        "coding": Route(cli=cli, model=model, effort=effort, why="AIMUX_ROLE_CODING")
    }
    assert not snapshot.problems


@pytest.mark.parametrize(
    "text", [":gpt-5:high", "cli=,model=x", "clee=codex", '{"cli": 3}', "{oops", "cli=a,effort=hot"]
)
def test_a_role_variable_without_sense_is_refused(home: ConfigHome, text: str) -> None:
    """It names what is wrong, and the table stays."""
    snapshot = home.load({"AIMUX_ROLE_CODING": text})

    assert not snapshot.overrides
    assert snapshot.roles["coding"].cli == "codex"
    assert [each.where for each in snapshot.errors] == ["AIMUX_ROLE_CODING"]


def test_a_role_variable_finds_names_with_dashes_and_reports_unknown_ones(
    home: ConfigHome,
) -> None:
    """A typing error is not a new kind of work."""
    home.write_user("roles: {deep-dive: {cli: claude}}")
    snapshot = home.load({"AIMUX_ROLE_DEEP_DIVE": "gemini", "AIMUX_ROLE_CODINGG": "codex"})

    assert snapshot.overrides["deep-dive"].cli == "gemini"
    assert [each.suggestion for each in snapshot.problems] == ["CODING"]


def test_a_role_variable_may_name_a_program_and_an_unknown_cli_is_reported(
    home: ConfigHome,
) -> None:
    """`cn` is how continue is called."""
    snapshot = home.load({"AIMUX_ROLE_CODING": "cn", "AIMUX_ROLE_DEBUG": "claud:opus"})

    assert [str(each) for each in snapshot.problems] == [
        "claud is not a known CLI @ AIMUX_ROLE_DEBUG (did you mean claude?)"
    ]
    assert snapshot.overrides["debug"].cli == "claud"


def test_parse_role_knows_no_cli_that_is_blank() -> None:
    """A blank is not a name."""
    with pytest.raises(ValueError, match="names no cli"):
        parse_role("  :m")


def test_silence_limits_out_of_order_and_half_a_tls_pair_are_reported(home: ConfigHome) -> None:
    """What cannot have an effect is said."""
    home.write_user("server: {streaming_hard_stall_seconds: 1000, transport: {tls_cert: /c.pem}}")
    snapshot = home.load()

    assert [each.message for each in snapshot.problems] == [
        (
            "server.streaming_hard_stall_seconds: 1000 s is not before"
            " streaming_auto_cancel_seconds (900 s) and has no effect"
        ),
        "server.transport.tls_cert: tls_cert stands alone: TLS needs tls_cert and tls_key",
    ]
    assert snapshot.settings.server.transport.tls_cert == ""


def test_names_of_clis_in_lists_are_checked(home: ConfigHome) -> None:
    """With the nearest one."""
    home.write_user("server: {disabled_clis: [cruhs], cli_priority: [gemini, nosuch]}")

    assert [each.suggestion for each in home.load().problems] == ["", "crush"]


def test_an_unchanged_set_of_files_gives_the_same_snapshot(home: ConfigHome) -> None:
    """Asking again costs stats only."""
    first = home.load()

    assert home.load() is first
    home.write_user("server: {max_chars: 5}")
    second = home.load()
    assert second.settings.server.max_chars == 5
    assert second.fingerprint != first.fingerprint
    assert home.load() is second


def test_every_kind_of_change_is_noticed(home: ConfigHome) -> None:
    """New, changed and deleted files, in every directory."""
    dependencies = {home.load().fingerprint}
    profile = home.write_profile("tiny", TINY)
    dependencies.add(home.load().fingerprint)
    assert "tiny" in home.load().profiles
    role = home.project / ".aimux" / "prompts.d" / "roles" / "poet.md"
    role.parent.mkdir(parents=True)
    role.write_text("Rhyme.", encoding="utf-8")
    dependencies.add(home.load().fingerprint)
    assert home.load().roles["poet"].text == "Rhyme."
    role.write_text("Rhyme well.", encoding="utf-8")
    assert home.load().roles["poet"].text == "Rhyme well."
    role.unlink()
    profile.unlink()

    assert "poet" not in home.load().roles
    assert "tiny" not in home.load().profiles
    assert len(dependencies) == 3


def test_clients_differ_by_directory_and_environment_but_share_profiles(
    home: ConfigHome, tmp_path: pathlib.Path
) -> None:
    """A client's own layers cost little: the rest is the same objects."""
    one = home.load({"AIMUX_MAX_CHARS": "7", "OTHER": "x"})
    same = home.load({"AIMUX_MAX_CHARS": "7", "OTHER": "y"})
    other = home.loader.load(ClientContext(cwd=tmp_path, env={}, config_dir=home.user))

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


@needs.modes
def test_a_project_directory_nobody_may_read_is_like_none(home: ConfigHome) -> None:
    """Somebody else's clone."""
    path = home.write_project("server: {max_chars: 5}")
    path.chmod(0)
    try:
        snapshot = home.load()
    finally:
        path.chmod(0o600)

    if not needs.IS_ROOT:  # root reads everything
        assert "cannot be read" in snapshot.problems[0].message
    else:
        assert snapshot.settings.server.max_chars == 5


def test_a_loader_without_a_cache_directory_works_and_says_what_it_holds(
    home: ConfigHome,
) -> None:
    """Its repr is its status line."""
    loader = Loader()
    loader.load(home.client())

    assert repr(loader).startswith("<Loader: <FileCache: 4 of 64 values kept>, <YamlReader: ")
