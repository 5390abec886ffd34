"""Profiles in the full shape: new CLIs without code, and everything that cannot work refused."""

import pytest

from aimux.config import Snapshot
from aimux.model import FailureClass, Mode, OutputFormat, PromptWay, Severity

from .conftest import ConfigHome

TINY = "schema_version: 1\nname: tiny\nbinary: tiny\ncommand: [tiny]\n"

GUIDE = """
schema_version: 1
name: parrot
binary: parrot
display_name: Parrot
vendor: birds
install: get parrot
capabilities: [coding, review]
priority: 55
search_paths: ["~/parrot/bin"]
command: [parrot, say]
prompt: {ways: [stdin, argument, file], guard: "--", file_flag: -f, max_arg_bytes: 1000}
output:
  format: jsonl
  dialect: jsonl
  flags: [--json]
  fields:
    answer: item.text
    answer_when: {type: item.completed, item.type: message}
    delta: delta.text
    delta_when: {type: delta}
    session_id: session
    end_when: {type: done}
    error_when: {type: failed}
    error: error.message
    input_tokens: usage.in
    output_tokens: usage.out
    cost_usd: usage.cost
flags: [--quiet]
modes:
  read: {flags: [--dry], strength: policy, env: {PARROT_MODE: r}}
  write: {flags: [--wet]}
exclusive: [[--dry, --wet]]
retired: {--old: "--new does it"}
model: {flag: -m, joined: true, default: m1, fallback: [m2], cooldown_s: 5}
effort: {flag: -e, template: "x={level}", levels: {low: small, max: huge}}
resume: {flags: [--resume, "{id}"], position: last}
system_prompt_flag: --system
cwd_flag: -C
data_dir_flag: --data
data_dir_env: PARROT_HOME
env: {passes: [PARROT_KEY, "BIRD_*"], sets: {NO_COLOR: "1"}}
errors:
  patterns: {quota: [too many crackers]}
  exit_codes: {auth: [41]}
  accept_exit: [0, 3]
  login_hint: parrot login
version: {args: [-V], pattern: 'v(\\d+)', tested_from: "1", tested_to: "2"}
silence: {streams: false, start_s: 1, warn_s: 2, stall_s: 3, cancel_s: 4}
stop: {signal: INT, grace_s: 1, leave_s: 1}
limits: {max_events: 1, max_bytes: 2, max_steps: 3}
needs_terminal: true
completion_pattern: done
timeout_s: 9
"""


def said(snapshot: Snapshot) -> list[str]:
    """The errors without their files."""
    return [each.message for each in snapshot.errors]


def test_a_new_cli_with_json_lines_needs_no_code(home: ConfigHome) -> None:
    """Every field of the guide's example arrives."""
    path = home.write_profile("parrot", GUIDE)
    snapshot = home.load()
    parrot = snapshot.profiles["parrot"]

    assert not snapshot.problems
    assert parrot.origin == str(path)
    assert parrot.command == ("parrot", "say")
    assert parrot.prompt.ways == (PromptWay.STDIN, PromptWay.ARGUMENT, PromptWay.FILE)
    assert parrot.prompt.max_arg_bytes == 1000
    assert parrot.output.format is OutputFormat.JSONL
    assert parrot.output.fields.answer_when == {"type": "item.completed", "item.type": "message"}
    assert parrot.output.fields.cost_usd == "usage.cost"
    assert parrot.modes[Mode.READ].env == {"PARROT_MODE": "r"}
    assert Mode.DANGER not in parrot.modes
    assert parrot.exclusive == (("--dry", "--wet"),)
    assert parrot.model.fallback == ("m2",)
    assert parrot.effort.levels == {"low": "small", "max": "huge"}
    assert parrot.env.passes == ("PARROT_KEY", "BIRD_*")
    assert parrot.errors.patterns == {FailureClass.QUOTA: ("too many crackers",)}
    assert parrot.errors.exit_codes == {FailureClass.AUTH: (41,)}
    assert parrot.errors.accept_exit == (0, 3)
    assert parrot.version.tested_to == "2"
    assert parrot.silence.cancel_s == 4
    assert parrot.limits.max_steps == 3
    assert parrot.needs_terminal
    assert list(snapshot.profiles).index("parrot") == 5  # priority 55: behind opencode


@pytest.mark.parametrize("dialect", ["text", "json"])
def test_a_new_cli_with_text_or_one_json_object_needs_no_code(
    home: ConfigHome, dialect: str
) -> None:
    """The general readers."""
    fields = ", fields: {answer: response}" if dialect == "json" else ""
    home.write_profile("tiny", TINY + f"output: {{format: {dialect}, dialect: {dialect}{fields}}}")
    snapshot = home.load()

    assert not snapshot.problems
    assert snapshot.profiles["tiny"].output.dialect == dialect


@pytest.mark.parametrize(
    ("line", "message", "suggestion"),
    [
        ("promt: {}", "promt: unknown key promt", "prompt"),
        ("prompt: {gaurd: x}", "prompt.gaurd: unknown key gaurd", "guard"),
        (
            "modes: {raed: {}}",
            "modes: 'raed' is not one of read, write, danger",
            "read",
        ),
        (
            "modes: {read: {strength: hard}}",
            "modes.read.strength: 'hard' is not one of sandbox, policy, soft, none",
            "",
        ),
        (
            "output: {format: xml}",
            "output.format: 'xml' is not one of text, json, jsonl",
            "",
        ),
        (
            "completion_pattern: '['",
            "completion_pattern: '[' is not a regex: unterminated character set at position 0",
            "",
        ),
        (
            "errors: {patterns: {quota: ['(']}}",
            (
                "errors.patterns.quota: '(' is not a regex:"
                " missing ), unterminated subpattern at position 0"
            ),
            "",
        ),
        (
            "version: {pattern: 'v1'}",
            "version.pattern: 'v1' has no group for the version",
            "",
        ),
        ("timeout_s: soon", "timeout_s: 'soon' is not a number", ""),
        ("timeout_s: 0", "timeout_s: 0.0 is not above 0", ""),
        ("flags: --one", "flags: '--one' is not a list", "[--one]"),
        ("flags: [--x, 3.10]", "flags: 3.1 is read as a number", '"3.1"'),
        ("flags: ['{modle}']", "flags: {modle} is not filled in here", "{model}"),
        ("command: []", "command: empty", ""),
        ("command: [other]", "command: command begins with other, the binary is tiny", ""),
        (
            "effort: {flag: -e, levels: {hihg: x}}",
            "effort.levels.hihg: hihg is not one of none, minimal, low, medium, high, xhigh, max",
            "high",
        ),
        (
            "effort: {flag: -e, template: '{lvl}', levels: {low: x}}",
            "effort.template: {lvl} means nothing here",
            "{level}",
        ),
        (
            "effort: {levels: {low: x}}",
            "effort: levels without a flag or variable that carries them",
            "",
        ),
        (
            "resume: {flags: [--last]}",
            "resume.flags: no {id}: it would continue whatever ran last",
            "",
        ),
        (
            "resume: {chosen: true, flags: ['{id}']}",
            "resume.new_flags: the session's name is ours, but no flag gives it",
            "",
        ),
        ("resume: {position: first}", "resume.position: first is not one of flags, last", ""),
        ("stop: {signal: HUP}", "stop.signal: HUP is not one of TERM, INT", ""),
        (
            "prompt: {ways: [file]}",
            "prompt.file_flag: a prompt may go by file, but no flag takes one",
            "",
        ),
        (
            "prompt: {joined: true}",
            "prompt.joined: nothing to join the prompt to: prompt.flag is empty",
            "",
        ),
        ("prompt: {ways: []}", "prompt.ways: empty: no way for a prompt to reach the CLI", ""),
        ("name: Tiny Two", "name: 'Tiny Two' is not a lower-case word", ""),
        ("schema_version: 2", "schema_version: 2 is not known, this is 1", ""),
    ],
)
def test_a_profile_that_cannot_work_is_refused_with_line_and_remedy(
    home: ConfigHome, line: str, message: str, suggestion: str
) -> None:
    """And only that one."""
    key = line.partition(":")[0]
    kept = [each for each in TINY.splitlines() if not each.startswith(f"{key}:")]
    path = home.write_profile("tiny", "\n".join([*kept, line]))
    snapshot = home.load()

    assert "tiny" not in snapshot.profiles
    assert "codex" in snapshot.profiles
    assert said(snapshot) == [message]
    assert snapshot.errors[0].suggestion == suggestion
    assert snapshot.errors[0].where == f"{path}:{len(kept) + 1}"


def test_an_unknown_reader_is_refused_with_the_nearest(home: ConfigHome) -> None:
    """A typing error would give answers nobody can use."""
    home.write_profile("tiny", TINY + "output: {dialect: claudee}")
    snapshot = home.load()

    assert snapshot.errors[0].suggestion == "claude"
    assert "output.dialect: claudee is not one of aider, claude," in said(snapshot)[0]


@pytest.mark.parametrize("missing", ["name", "binary", "command"])
def test_what_a_profile_cannot_do_without_is_asked_for(home: ConfigHome, missing: str) -> None:
    """By its key."""
    lines = [each for each in TINY.splitlines() if not each.startswith(f"{missing}:")]
    home.write_profile("tiny", "\n".join(lines))

    assert said(home.load()) == [f"{missing}: missing"]


def test_faults_of_shape_and_of_sense_are_listed_together(home: ConfigHome) -> None:
    """One round of repair is enough."""
    home.write_profile(
        "tiny", TINY + "promt: 1\ncompletion_pattern: '('\ntimeout_s: x\nstop: {signal: HUP}\n"
    )

    assert len(said(home.load())) == 4


@pytest.mark.parametrize(
    "lines",
    [
        "flags: [-y]\nmodes: {read: {flags: [--plan]}}\nexclusive: [[-y, --plan]]",
        "modes: {read: {flags: [-y, --mode=plan]}}\nexclusive: [[-y, --mode]]",
        "output: {flags: [-o, x]}\nmodes: {read: {flags: [-o, y]}}\nexclusive: [[-o]]",
    ],
)
def test_contradictory_flags_are_a_load_error(home: ConfigHome, lines: str) -> None:
    """In whatever fields they stand, joined to a value or not."""
    home.write_profile("tiny", TINY + lines)
    snapshot = home.load()

    assert "tiny" not in snapshot.profiles
    assert "contradict each other" in said(snapshot)[0]


def test_flags_of_different_modes_do_not_contradict(home: ConfigHome) -> None:
    """They never stand together."""
    home.write_profile(
        "tiny",
        TINY + "modes: {read: {flags: [--plan]}, write: {flags: [--act]}}\n"
        "exclusive: [[--plan, --act]]",
    )

    assert not home.load().problems


def test_a_flag_that_is_gone_is_refused_in_a_full_profile(home: ConfigHome) -> None:
    """Its reason is data of the profile."""
    home.write_profile("tiny", TINY + "flags: [--old]\nretired: {--old: --new does it}")

    assert said(home.load()) == ["flags: --old no longer exists: --new does it"]


def test_a_full_profile_of_a_shipped_name_replaces_it(home: ConfigHome) -> None:
    """Nothing of the shipped one is left."""
    home.write_profile("codex", TINY.replace("tiny", "codex"))
    codex = home.load().profiles["codex"]

    assert codex.output.flags == ()
    assert codex.modes == {}
    assert codex.display_name == ""


def test_a_few_keys_of_a_shipped_name_are_laid_over_it(home: ConfigHome) -> None:
    """No need to copy the rest; null resets a key."""
    home.write_profile(
        "codex", "{name: codex, model: {default: m1}, timeout_s: 5, env: {passes: null}}"
    )
    codex = home.load().profiles["codex"]

    assert codex.model.default == "m1"
    assert codex.model.flag == "-m"
    assert codex.timeout_s == 5
    assert codex.env.passes == ()
    assert codex.output.dialect == "codex"


def passes(home: ConfigHome, name: str = "codex") -> list[str]:
    """What a CLI is given of the client's environment."""
    return list(home.load().profiles[name].env.passes)


@pytest.mark.parametrize("form", ["name: codex\n", "name: codex\ndefault_model: m1\n"])
def test_a_list_can_be_added_to(home: ConfigHome, form: str) -> None:
    """In a few keys over a shipped profile and in the short form alike; what was there stays."""
    shipped = passes(home)
    assert shipped
    home.write_profile(
        "codex", form + f"env: {{passes: {{add: [GH_TOKEN], remove: [{shipped[0]}]}}}}"
    )

    assert passes(home) == [*shipped[1:], "GH_TOKEN"]
    assert home.load().problems == ()


def test_a_list_inside_a_map_and_one_of_the_settings_can_be_added_to(home: ConfigHome) -> None:
    """Every list can, from the environment too."""
    below = home.load()
    home.write_user("server: {disabled_clis: {add: [crush]}}")
    home.write_project("server: {disabled_clis: {add: [goose], remove: [aider]}}")
    home.write_profile(
        "codex", "{name: codex, errors: {patterns: {quota: {add: [no more]}, auth: {add: [who]}}}}"
    )
    home.write_profile("tiny", TINY + "env: {passes: {add: [TINY_KEY]}}\nflags: {remove: [x]}")
    snapshot = home.load({"AIMUX_DISABLED_CLIS": '{"add": ["tiny"]}'})
    patterns = {name: profile.errors.patterns for name, profile in snapshot.profiles.items()}

    assert snapshot.problems == ()
    assert snapshot.settings.server.disabled_clis == ("crush", "goose", "tiny")
    assert patterns["codex"][FailureClass.QUOTA] == (
        *below.profiles["codex"].errors.patterns.get(FailureClass.QUOTA, ()), "no more",
    )  # fmt: skip
    assert patterns["codex"][FailureClass.AUTH][-1] == "who"
    assert snapshot.profiles["tiny"].env.passes == ("TINY_KEY",)
    assert snapshot.profiles["tiny"].flags == ()


def test_a_change_begins_with_the_default_of_a_key(home: ConfigHome) -> None:
    """Where no layer below it says anything."""
    home.write_profile("tiny", TINY + "version: {args: {add: [-v]}}")

    assert home.load().profiles["tiny"].version.args == ("--version", "-v")


@pytest.mark.parametrize(
    ("value", "message", "near"),
    [
        ("{ad: [X]}", "env.passes: ad is not add or remove, which change a list", "add"),
        ("{add: X}", "env.passes: 'X' is not a list", "[X]"),
        ("{add: [[X]]}", "env.passes: ['X'] is not text", ""),
    ],
)
def test_a_change_that_is_none_is_told(
    home: ConfigHome, value: str, message: str, near: str
) -> None:
    """With what was probably meant."""
    home.write_profile("codex", f"{{name: codex, env: {{passes: {value}}}}}")
    (problem,) = home.load().problems

    assert (problem.message, problem.suggestion) == (message, near)


def test_a_list_that_takes_the_login_away_is_warned_of(home: ConfigHome) -> None:
    """It is what one writes who only wants to add a name. It replaces, as a list always did."""
    shipped = passes(home)
    path = home.write_profile(
        "codex", f"{{name: codex, env: {{passes: [GH_TOKEN, {shipped[0]}]}}}}"
    )
    (problem,) = home.load().problems

    assert passes(home) == ["GH_TOKEN", shipped[0]]
    assert problem.where == f"{path}:1"
    assert problem.message.startswith(f"env.passes: replaces the list below it, so {shipped[1]}")
    assert problem.suggestion == "{add: [GH_TOKEN]}"
    home.write_profile(
        "codex", f"{{name: codex, env: {{passes: [GH_TOKEN, {', '.join(shipped)}]}}}}"
    )
    assert home.load().problems == ()


def test_a_broken_profile_of_a_shipped_name_leaves_the_shipped_one(home: ConfigHome) -> None:
    """And is reported."""
    home.write_profile("codex", "{name: codex, timeout_s: x}")
    snapshot = home.load()

    assert snapshot.profiles["codex"].timeout_s == 3600
    assert len(snapshot.errors) == 1


@pytest.mark.parametrize(
    ("directory", "text", "name"),
    [
        ("tiny", "[", "tiny"),
        ("tiny", "- a", "tiny"),
        ("dir", TINY + "timeout_s: x", "tiny"),
        ("codex", "{name: codex, timeout_s: x}", "codex"),
        ("tiny", "name: 5", "tiny"),
    ],
)
def test_a_profile_that_is_left_out_is_known_by_its_name(
    home: ConfigHome, directory: str, text: str, name: str
) -> None:
    """With all its faults, so that whoever asks for that CLI can be told."""
    home.write_profile(directory, text)
    home.write_user(f"server: {{cli_priority: [{name}]}}")
    snapshot = home.load()
    told = [each.message for each in snapshot.problems if "cli_priority" in each.message]

    assert list(snapshot.broken) == [name]
    assert snapshot.broken[name] == snapshot.errors
    assert ("has faults, so it is left out" in "".join(told)) is (name not in snapshot.profiles)


@pytest.mark.parametrize("text", ["[", "- a", "x"])
def test_what_is_no_profile_at_all_is_reported(home: ConfigHome, text: str) -> None:
    """The others load."""
    home.write_profile("tiny", text)
    snapshot = home.load()

    assert len(snapshot.errors) == 1
    assert len(snapshot.profiles) == 12


def test_a_directory_of_another_name_and_a_secret_are_warned_of(home: ConfigHome) -> None:
    """Both work, neither is wise."""
    home.write_profile(
        "other",
        TINY
        + "env: {sets: {TINY_API_KEY: k, MAX_TOKENS: '5'}}\n"
        + "modes: {read: {env: {A_TOKEN: t}}}",
    )
    snapshot = home.load()

    assert "tiny" in snapshot.profiles
    assert [(each.severity, each.message.partition(":")[0]) for each in snapshot.problems] == [
        (Severity.WARNING, "name"),
        (Severity.WARNING, "env.sets.TINY_API_KEY"),
        (Severity.WARNING, "modes.read.env.A_TOKEN"),
    ]


def test_a_project_cannot_name_a_program_to_run(home: ConfigHome) -> None:
    """A fresh clone is not trusted with that."""
    directory = home.project / ".aimux" / "cli.d" / "tiny"
    directory.mkdir(parents=True)
    (directory / "profile.yaml").write_text(TINY, encoding="utf-8")

    assert "tiny" not in home.load().profiles


def test_json_in_a_variable_is_not_taken_for_a_placeholder(home: ConfigHome) -> None:
    """Braces are common there."""
    home.write_profile("tiny", TINY + """env: {sets: {CONF: '{"a":{"b":"c"}}'}}""")

    assert not home.load().problems
