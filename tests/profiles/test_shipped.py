"""The twelve shipped profiles: what was measured on the real CLIs, as the profiles say it.

Texts and versions are those the CLIs printed. How argv and environment come of a profile is pinned
in golden files; here stands what must hold for any of them.
"""

import pathlib
import re
from collections.abc import Mapping
from typing import Final

import pytest

from aimux.config import ClientContext, Loader, Snapshot
from aimux.files.shipped import shipped
from aimux.model import FailureClass, Mode, Profile, PromptWay, Strength

ORDER: Final = (
    "codex", "claude", "gemini", "qwen", "opencode", "goose", "crush", "gptme", "cline", "aider",
    "droid", "continue",
)  # fmt: skip
BINARIES: Final = {"continue": "cn"}
STRENGTHS: Final = {
    "codex": Strength.SANDBOX,
    "cline": Strength.SOFT,
    "continue": Strength.NONE,
    "crush": Strength.NONE,
}
HANGS_ON_AN_OPEN_PIPE: Final = ("codex", "opencode", "cline", "crush")
VERSIONS: Final = {
    "codex": ("codex-cli 0.169.0", "0.169.0"),
    "claude": ("2.1.330 (Claude Code)", "2.1.330"),
    "gemini": ("0.61.0", "0.61.0"),
    "qwen": ("0.24.4", "0.24.4"),
    "opencode": ("1.18.33", "1.18.33"),
    "goose": (" 1.52.0", "1.52.0"),
    "gptme": ("gptme 0.35.1", "0.35.1"),
    "cline": ("3.0.65", "3.0.65"),
    "aider": ("aider 0.86.2", "0.86.2"),
    "droid": ("0.215.0", "0.215.0"),
    "continue": ("1.5.47", "1.5.47"),
}
FAILURES: Final = [
    ("codex", FailureClass.QUOTA, "exceeded retry limit, last status: 429 Too Many Requests"),
    ("codex", FailureClass.AUTH, "Missing environment variable: `FAKE_KEY`."),
    (
        "codex",
        FailureClass.TRANSIENT,
        "currently experiencing high demand, which may cause temporary errors.",
    ),
    ("codex", FailureClass.USAGE, "Not inside a trusted directory and --skip-git-repo-check"),
    ("claude", FailureClass.QUOTA, "API Error: Request rejected (429) · Usage limit reached"),
    (
        "claude",
        FailureClass.MODEL_UNAVAILABLE,
        "There's an issue with the selected model (claude-opus-5-5). It may not exist",
    ),
    ("claude", FailureClass.AUTH, "Invalid API key · Fix external API key"),
    ("claude", FailureClass.AUTH, "Not logged in · Please run /login"),
    ("claude", FailureClass.TRANSIENT, "API Error: 529 Overloaded. This is a server-side issue"),
    ("gemini", FailureClass.QUOTA, "You have exhausted your daily quota on this model."),
    ("gemini", FailureClass.QUOTA, "Attempt 3 failed: Resource has been exhausted"),
    (
        "gemini",
        FailureClass.MODEL_UNAVAILABLE,
        "models/test-model is not found for API version v1beta, or is not supported",
    ),
    ("gemini", FailureClass.AUTH, "API key not valid. Please pass a valid API key."),
    (
        "gemini",
        FailureClass.AUTH,
        "When using Gemini API, you must specify the GEMINI_API_KEY environment variable.",
    ),
    (
        "gemini",
        FailureClass.FATAL,
        "The input token count (1250000) exceeds the maximum number of tokens allowed (1048576).",
    ),
    ("qwen", FailureClass.AUTH, "Missing API key for OpenAI-compatible auth."),
    ("qwen", FailureClass.AUTH, "No auth type is selected. Please configure an auth type"),
    ("opencode", FailureClass.FATAL, "ContextOverflowError"),
    (
        "opencode",
        FailureClass.MODEL_UNAVAILABLE,
        'UnknownError: Unexpected server error. Check server logs for details."',
    ),
    (
        "goose",
        FailureClass.QUOTA,
        "Ran into this error: Rate limit exceeded: Rate limit reached for test-model",
    ),
    (
        "goose",
        FailureClass.MODEL_UNAVAILABLE,
        "Ran into this error: Request failed: Resource not found (404) at http://127.0.0.1:8765/v1",
    ),
    (
        "goose",
        FailureClass.AUTH,
        "Error: Ran into this error: Authentication error: Authentication failed for http://x",
    ),
    ("goose", FailureClass.AUTH, "error: No provider configured. Run 'goose configure' first."),
    (
        "goose",
        FailureClass.TRANSIENT,
        "Ran into this error: Server error: Server error (500 Internal Server Error) at http://x",
    ),
    ("goose", FailureClass.FATAL, "Ran into this error trying to compact: Failed to compact"),
    ("gptme", FailureClass.QUOTA, "OpenAI API transient error (status 429), retrying in 16.0s"),
    ("gptme", FailureClass.TRANSIENT, "OpenAI API transient error (status 500), retrying in 16.0s"),
    ("cline", FailureClass.FATAL, "and there is no conversation history to compact"),
    ("cline", FailureClass.USAGE, "JSON output mode requires a prompt argument or piped stdin"),
    ("aider", FailureClass.QUOTA, "litellm.RateLimitError: RateLimitError: OpenAIException"),
    ("aider", FailureClass.MODEL_UNAVAILABLE, "litellm.NotFoundError: OpenAIException - The model"),
    ("aider", FailureClass.AUTH, "litellm.AuthenticationError: AuthenticationError: OpenAI"),
    ("aider", FailureClass.AUTH, "The API provider is not able to authenticate you."),
    ("aider", FailureClass.TRANSIENT, "litellm.InternalServerError: InternalServerError: The"),
    ("aider", FailureClass.FATAL, "Total tokens: ~581 of 0 -- possibly exhausted context window!"),
    ("droid", FailureClass.MODEL_UNAVAILABLE, "Invalid model: nope"),
    ("continue", FailureClass.AUTH, '{"status":"error","message":"401 Incorrect API key"}'),
    ("continue", FailureClass.FATAL, "Context length exceeded: Error: 400 This model's maximum"),
]


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """What a user without any configuration gets."""
    home = tmp_path_factory.mktemp("home")
    return Loader().load(ClientContext(cwd=home, env={}, config_dir=home))


@pytest.fixture(scope="module")
def profiles(snapshot: Snapshot) -> Mapping[str, Profile]:
    """The shipped profiles."""
    return snapshot.profiles


def test_all_twelve_load_without_a_problem_in_the_order_of_their_priority(
    snapshot: Snapshot,
) -> None:
    """No unknown key, no bad pattern, no contradiction, no warning."""
    assert not snapshot.problems
    assert tuple(snapshot.profiles) == ORDER
    assert len({each.priority for each in snapshot.profiles.values()}) == 12


def test_nothing_lies_in_the_directory_that_does_not_load(snapshot: Snapshot) -> None:
    """One directory per CLI, beside settings, panels, domains, rules of audits and workflows."""
    root = shipped("profiles")
    found = {each.name for each in root.iterdir() if each.is_dir()}

    assert found == {*ORDER, "audit-rules", "domains", "panels", "workflows"}
    assert all(
        pathlib.Path(each.origin) == root / each.name / "profile.yaml"
        for each in snapshot.profiles.values()
    )


@pytest.mark.parametrize("name", ORDER)
def test_a_prompt_never_stands_bare(profiles: Mapping[str, Profile], name: str) -> None:
    """One that begins with a dash would be read as a flag, one of 200 KB would not fit."""
    prompt = profiles[name].prompt

    assert prompt.guard == "--" or (prompt.joined and prompt.flag.startswith("--"))
    assert set(prompt.ways) & {PromptWay.STDIN, PromptWay.FILE}
    assert prompt.max_arg_bytes < 128 * 1024


@pytest.mark.parametrize("name", ORDER)
def test_a_profile_says_what_a_user_needs(profiles: Mapping[str, Profile], name: str) -> None:
    """Name, vendor, program, how to log in; no colour, no secrets."""
    profile = profiles[name]

    assert profile.binary == BINARIES.get(name, name)
    assert profile.display_name
    assert profile.install.startswith(("npm install -g ", "pipx install "))
    assert profile.vendor
    assert profile.errors.login_hint
    assert profile.env.sets["NO_COLOR"] == "1"
    assert profile.output.dialect == ("text" if name == "crush" else name)
    assert set(profile.modes) == set(Mode)


@pytest.mark.parametrize("name", ORDER)
def test_a_read_mode_is_as_strong_as_it_was_measured(
    profiles: Mapping[str, Profile], name: str
) -> None:
    """And is not the mode that writes, where there is a difference at all."""
    read, write = profiles[name].modes[Mode.READ], profiles[name].modes[Mode.WRITE]

    assert read.strength is STRENGTHS.get(name, Strength.POLICY)
    if name != "crush":
        assert (read.flags, read.env) != (write.flags, write.env)


def test_capabilities_are_names_of_roles(snapshot: Snapshot) -> None:
    """Otherwise they would rank nothing."""
    for profile in snapshot.profiles.values():
        assert profile.capabilities
        assert set(profile.capabilities) <= set(snapshot.roles)


def test_every_role_goes_to_a_shipped_cli_and_every_cli_of_the_table_exists(
    snapshot: Snapshot,
) -> None:
    """Models are left to the CLI: their names age."""
    assert len(snapshot.roles) == 18
    for role in snapshot.roles.values():
        assert role.cli in snapshot.profiles
        assert role.model == ""
        assert role.text or role.name == "default"


@pytest.mark.parametrize("name", HANGS_ON_AN_OPEN_PIPE)
def test_a_cli_that_waits_for_stdin_is_given_one_that_ends(
    profiles: Mapping[str, Profile], name: str
) -> None:
    """The prompt itself is the best thing to end."""
    assert PromptWay.STDIN in profiles[name].prompt.ways


@pytest.mark.parametrize("name", sorted(VERSIONS))
def test_the_version_is_read_from_what_the_cli_prints(
    profiles: Mapping[str, Profile], name: str
) -> None:
    """And lies in the tested range."""
    printed, version = VERSIONS[name]
    rule = profiles[name].version
    found = re.search(rule.pattern, printed)

    assert found is not None
    assert found[1] == version
    assert rule.tested_to == version


@pytest.mark.parametrize(("name", "failure_class", "text"), FAILURES)
def test_a_recorded_failure_is_recognised_as_its_class_and_no_other(
    profiles: Mapping[str, Profile], name: str, failure_class: FailureClass, text: str
) -> None:
    """By the profile's own patterns alone."""
    matched = {
        kind
        for kind, patterns in profiles[name].errors.patterns.items()
        if any(re.search(each, text, re.IGNORECASE) for each in patterns)
    }

    assert matched == {failure_class}


@pytest.mark.parametrize("name", ORDER)
def test_no_answer_is_taken_for_a_failure(profiles: Mapping[str, Profile], name: str) -> None:
    """Work on the subject of failures is common."""
    answer = (
        "The author of handler.py keeps an internal counter. On line 429 it returns 500 rows; the"
        " model not being loaded is logged, a rate limiter is missing, and the key is invalid when"
        " empty. INTERNAL notes: the context window of the dialog is closed by Esc."
    )
    for patterns in profiles[name].errors.patterns.values():
        assert not [each for each in patterns if re.search(each, answer, re.IGNORECASE)]


def test_sessions_are_continued_as_measured(profiles: Mapping[str, Profile]) -> None:
    """By id, by a name of ours, or not at all."""
    chosen = {name for name, each in profiles.items() if each.resume.chosen}
    never = {name for name, each in profiles.items() if not each.resume.flags}

    assert chosen == {"goose", "gptme"}
    assert never == {"cline", "aider", "continue", "crush"}  # the last two print no id
    assert profiles["codex"].resume.position == "last"
    assert profiles["droid"].resume.flags[0] == "--fork"


def test_odd_behaviour_has_its_field(profiles: Mapping[str, Profile]) -> None:
    """Signals, silence, codes and directories that differ from the common case."""
    signals = {name for name, each in profiles.items() if each.stop.signal == "INT"}
    silent = {name for name, each in profiles.items() if not each.silence.streams}

    assert signals == {"cline"}
    assert silent == {"aider", "continue", "crush"}
    assert {name for name, each in profiles.items() if each.data_dir_flag} == {
        "cline",
        "crush",
    }
    assert {name for name, each in profiles.items() if each.prompt.needs_blank} == {
        "cline",
        "gptme",
    }
    assert profiles["gemini"].errors.exit_codes == {
        FailureClass.AUTH: (41,),
        FailureClass.USAGE: (42, 55),
        FailureClass.QUOTA: (173,),
    }
    assert profiles["gptme"].errors.exit_codes == {
        FailureClass.AUTH: (76,),
        FailureClass.MODEL_UNAVAILABLE: (77,),
    }
    assert profiles["qwen"].errors.exit_codes == {FailureClass.FATAL: (53, 55)}


def test_flags_that_open_the_machine_stand_in_danger_mode_only(
    profiles: Mapping[str, Profile],
) -> None:
    """TurnOutput and writing keep whatever fence the CLI has."""
    open_ = {
        "--dangerously-bypass-approvals-and-sandbox", "bypassPermissions", "yolo", "--auto-approve",
        "--skip-permissions-unsafe", "danger-full-access", "-y", "--yolo",
    }  # fmt: skip
    for profile in profiles.values():
        fixed = {*profile.command, *profile.flags, *profile.output.flags}
        for mode in (Mode.READ, Mode.WRITE):
            assert not open_ & {*fixed, *profile.modes[mode].flags}


def test_a_vendors_key_reaches_only_clis_that_use_it(profiles: Mapping[str, Profile]) -> None:
    """An allow-list of everything would be none."""
    for profile in profiles.values():
        assert "*" not in profile.env.passes
        assert all(len(each) > 4 for each in profile.env.passes)
    assert not any(each.startswith("OPENAI") for each in profiles["claude"].env.passes)
    assert not any(each.startswith("ANTHROPIC") for each in profiles["codex"].env.passes)
    assert "CLAUDE_CODE_*" not in profiles["claude"].env.passes
