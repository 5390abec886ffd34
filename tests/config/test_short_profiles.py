"""The short form of a profile, over a shipped one and for a CLI nobody knows."""

import pathlib
import shlex
from collections.abc import Callable

import attrs
import pytest

from aimux.config import Loader, Snapshot
from aimux.model import Mode, OutputFormat, PromptWay, Severity, Strength

from .conftest import ConfigHome

README = r"""
name: codex
binary: codex
command:
  base: codex exec
prompt_flag_type: positional
output_format: jsonl
stdin_threshold: 6000
completion_pattern: 'turn\.completed'
headless_flags: ["--full-auto", "--json"]
"""

Load = Callable[[str, str], Snapshot]


@pytest.fixture
def load(home: ConfigHome) -> Load:
    """Loads a user's profile file of a name and text."""

    def load(name: str, text: str) -> Snapshot:
        home.write_profile(name, text)
        return home.load()

    return load


def test_the_readme_profile_loads_as_it_stands(load: Load) -> None:
    """Seven lines are enough; the rest stays as shipped and the dead flag is reported."""
    snapshot = load("codex", README)
    profile = snapshot.profiles["codex"]

    assert not snapshot.errors
    assert [(each.severity, each.message) for each in snapshot.problems] == [
        (
            Severity.WARNING,
            "headless_flags: --full-auto no longer exists: write mode gives -s workspace-write",
        )
    ]
    assert snapshot.problems[0].where.endswith("codex/profile.yaml:10")
    assert profile.origin.endswith("cli.d/codex/profile.yaml")
    assert profile.command == ("codex", "exec")
    assert profile.completion_pattern == r"turn\.completed"
    assert profile.prompt.stdin_threshold == 6000
    assert profile.prompt.guard == "--"
    assert profile.output.dialect == "codex"
    assert profile.output.flags == ("--json",)
    assert profile.modes[Mode.READ].flags == ("-s", "read-only")
    assert "--full-auto" not in profile.flags


def test_a_short_profile_of_a_new_cli_needs_no_code(load: Load) -> None:
    """Everything a short profile says ends up in the full shape."""
    snapshot = load(
        "tiny",
        """
        name: tiny
        binary: tiny
        display_name: Tiny
        command: {base: "tiny 'sub command'"}
        prompt_flag: --ask
        prompt_flag_type: long
        output_format: text
        stdin_threshold: 6000
        model_flag: --model
        default_model: t1
        headless_flags: [-y]
        read_only_flags: [--ro]
        reasoning: {flag: -r, flag_value_template: "e={{.Level}}", levels: [low, high]}
        timeout_seconds: 5
        features: {streaming: false, stdin_pipe: true}
        capabilities: [coding]
        search_paths: [/opt/tiny/bin]
        """,
    )
    profile = snapshot.profiles["tiny"]

    assert not snapshot.problems
    assert profile.command == ("tiny", "sub command")
    assert profile.prompt.flag == "--ask"
    assert profile.prompt.ways == (PromptWay.ARGUMENT, PromptWay.STDIN)
    assert profile.prompt.stdin_threshold == 6000
    assert profile.output.format is OutputFormat.TEXT
    assert profile.model.flag == "--model"
    assert profile.model.default == "t1"
    assert profile.flags == ("-y",)
    assert profile.modes[Mode.READ].flags == ("--ro",)
    assert profile.modes[Mode.READ].strength is Strength.SOFT
    assert profile.effort.template == "e={level}"
    assert profile.effort.levels == {"low": "low", "high": "high"}
    assert profile.timeout_s == 5
    assert not profile.silence.streams
    assert profile.search_paths == ("/opt/tiny/bin",)


def test_every_fault_of_a_short_profile_is_listed_with_its_own_key_and_line(load: Load) -> None:
    """Faults name the keys the user wrote, not those of the full shape."""
    snapshot = load(
        "tiny",
        """name: tiny
binary: tiny
command: {base: tiny, bsae: x}
hedless_flags: [a]
completion_pattern: '('
stdin_threshold: many
reasoning:
  flag: -r
  levels: [low, hihg]
features: {streaming: true, flying: true}
""",
    )
    said = {each.where.rpartition(":")[2]: each for each in snapshot.errors}

    assert "tiny" not in snapshot.profiles
    assert said["3"].message == "command.bsae: unknown key bsae"
    assert said["3"].suggestion == "base"
    assert said["4"].suggestion == "headless_flags"
    assert "is not a regex" in said["5"].message
    assert said["6"].message == "stdin_threshold: 'many' is not a whole number"
    assert said["9"].suggestion == "high"
    assert "flying" in said["10"].message


@pytest.mark.parametrize("template", ["%s", "{{.Level}}", "{level}"])
def test_all_three_effort_placeholders_mean_the_level(load: Load, template: str) -> None:
    """Profiles of three generations are about."""
    snapshot = load(
        "tiny",
        f"""
        name: tiny
        binary: tiny
        command: {{base: tiny}}
        output_format: text
        reasoning: {{flag: -c, flag_value_template: "x={template}", levels: [low]}}
        """,
    )

    assert snapshot.profiles["tiny"].effort.template == "x={level}"


def test_measured_read_flags_give_way_with_a_warning_and_a_softer_claim(load: Load) -> None:
    """What nobody measured is not called a policy."""
    snapshot = load("claude", "{name: claude, read_only_flags: [--tools, Read]}")
    read = snapshot.profiles["claude"].modes[Mode.READ]

    assert read.flags == ("--tools", "Read")
    assert read.strength is Strength.SOFT
    assert [each.severity for each in snapshot.problems] == [Severity.WARNING]


def test_the_long_spelling_of_the_measured_read_flags_is_the_same(load: Load) -> None:
    """`--sandbox read-only` is `-s read-only`."""
    snapshot = load("codex", '{name: codex, read_only_flags: ["--sandbox", "read-only"]}')

    assert snapshot.profiles["codex"].modes[Mode.READ].strength is Strength.SANDBOX
    assert not snapshot.problems


def test_headless_flags_that_belong_to_a_mode_are_left_out(load: Load) -> None:
    """`-y` with `--approval-mode plan` is a usage error of the CLI."""
    snapshot = load("gemini", '{name: gemini, headless_flags: ["-y", "--debug"]}')

    assert snapshot.profiles["gemini"].flags == ("--skip-trust", "--debug")
    assert [each.message for each in snapshot.problems] == [
        "headless_flags: -y is left out: the mode of a call sets it"
    ]


def test_other_output_flags_do_not_part_a_cli_from_its_reader(load: Load) -> None:
    """The shipped reader reads what the shipped flags print."""
    snapshot = load(
        "claude",
        '{name: claude, output_format: json, headless_flags: ["-p", "--output-format", "json"]}',
    )
    profile = snapshot.profiles["claude"]

    assert profile.output.flags == ("--output-format", "stream-json", "--verbose")
    assert profile.output.format is OutputFormat.JSONL
    assert profile.flags == ("-p",)
    assert len(snapshot.problems) == 2


def test_words_that_are_gone_are_taken_out_of_a_command(load: Load) -> None:
    """The older program had a subcommand."""
    snapshot = load(
        "cline",
        """
        name: cline
        command: {base: cline task}
        headless_flags: [--act, --json]
        reasoning: {flag: --reasoning-effort}
        """,
    )
    cline = snapshot.profiles["cline"]

    assert cline.command == ("cline",)
    assert cline.effort.flag == "--thinking"
    assert cline.flags == ()
    assert not snapshot.errors
    assert [each.message for each in snapshot.problems] == [
        "command.base: task no longer exists: the prompt follows the flags",
        "reasoning.flag: --reasoning-effort no longer exists: the flag is --thinking",
        "headless_flags: --act no longer exists: acting is the default",
    ]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("command: {base: [codex, exec]}", ""),
        ("command: {base: 'codex \"exec'}", "cannot be split"),
        ("command: {base: 3}", "command.base: 3 is not a list"),
        ("command: {args_template: x}", ""),
        ("headless_flags: --json", "headless_flags: '--json' is not a list"),
        ("reasoning: high", "reasoning: 'high' is not a map of keys"),
        ("reasoning: {levels: 3}", "reasoning.levels: 3 is not a map of keys"),
        ("timeout_seconds: long", "timeout_seconds: 'long' is not a number"),
        ("prompt_flag: --ask", ""),
    ],
)
def test_a_short_key_of_a_wrong_shape_is_refused_by_its_own_name(
    load: Load, line: str, says: str
) -> None:
    """The shipped profile stays in use."""
    snapshot = load("codex", f"name: codex\nstdin_threshold: 0\n{line}\n")

    assert snapshot.profiles["codex"].command == ("codex", "exec")
    if says:
        assert says in snapshot.errors[0].message
        assert "cli.d" not in snapshot.profiles["codex"].origin
    else:
        assert not snapshot.errors


@pytest.mark.parametrize(
    ("name", "base", "command", "messages"),
    [
        ("codex", "codex exec --json --skip-git-repo-check", ["codex", "exec"], []),
        ("codex", "codex --json exec", ["codex", "exec"], []),
        (
            "codex",
            "codex exec --sandbox read-only --search",
            ["codex", "exec", "--search"],
            ["command.base: --sandbox is left out: the mode of a call sets it"],
        ),
        (
            "claude",
            "claude -p --output-format json --add-dir x",
            ["claude", "--add-dir", "x"],
            ["command.base: --output-format is left out: the shipped flags have it"],
        ),
        (
            "claude",
            "claude --permission-mode=plan --model m",
            ["claude", "--model", "m"],
            ["command.base: --permission-mode is left out: the mode of a call sets it"],
        ),
        ("aider", "aider --no-auto-commits --yes-always", ["aider"], []),
    ],
)
def test_a_flag_in_the_command_that_every_run_has_is_not_repeated(
    load: Load, name: str, base: str, command: list[str], messages: list[str]
) -> None:
    """CLIs refuse a flag that comes twice; the profile is no less usable for it."""
    snapshot = load(name, f"name: {name}\nbinary: {name}\ncommand: {{base: {base!r}}}\n")

    assert not snapshot.errors
    assert [each.message for each in snapshot.problems] == messages
    assert list(snapshot.profiles[name].command) == command


def test_no_flag_of_a_shipped_profile_in_its_command_breaks_it(
    home: ConfigHome, tmp_path: pathlib.Path
) -> None:
    """Whichever list it is from, and whichever CLI."""
    shipped = home.load().profiles
    for name, profile in shipped.items():
        modes = [rule.flags for rule in profile.modes.values()]
        for flags in (profile.flags, profile.output.flags, *modes):
            base = shlex.join([*profile.command, *flags])
            text = f"name: {name}\nbinary: {profile.binary}\ncommand: {{base: {base!r}}}\n"
            path = home.write_profile(name, text)
            fresh = attrs.evolve(home, loader=Loader(tmp_path / "yaml"))
            snapshot = fresh.load()
            path.unlink()

            assert not snapshot.errors, (name, flags)
            assert snapshot.profiles[name].command == profile.command
