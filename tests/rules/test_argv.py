"""A turn's command line: every part in its position, and the prompt never anything but data."""

import attrs
import pytest
from hypothesis import given, strategies as st

from aimux.errors import Refusal, SetupFault
from aimux.model import (
    EffortRule,
    EnvRule,
    Mode,
    ModelRule,
    ModeRule,
    OutputRule,
    PlanRequest,
    Profile,
    PromptRule,
    PromptWay,
    ResumeRule,
    Route,
    Strength,
)
from aimux.rules import PROMPT_FILE_TOKEN, check_exclusive, compose, effort_word, with_prompt_file

PROFILE = Profile(
    name="tool",
    binary="tool",
    command=("tool", "run"),
    flags=("--plain",),
    output=OutputRule(dialect="jsonl", flags=("--json",)),
    modes={
        Mode.READ: ModeRule(flags=("-s", "read-only"), strength=Strength.SANDBOX),
        Mode.WRITE: ModeRule(flags=("-s", "write"), env={"TOOL_WRITE": "1"}),
    },
    model=ModelRule(flag="-m", default="small"),
    effort=EffortRule(
        flag="-c", template="effort={level}", levels={"low": "lo", "medium": "mid", "xhigh": "top"}
    ),
    resume=ResumeRule(flags=("resume", "{id}"), position="last"),
    prompt=PromptRule(ways=(PromptWay.ARGUMENT,), guard="--"),
    system_prompt_flag="--system",
    data_dir_flag="--data",
    cwd_flag="-C",
)


def asked(prompt: str = "do it", **changes: object) -> PlanRequest:
    base = PlanRequest(prompt=prompt, route=Route(cli="tool"), cwd="/w", env={})
    return attrs.evolve(base, **changes)


def test_every_part_stands_in_its_position() -> None:
    plan = compose(
        PROFILE,
        "/opt/tool",
        asked(
            "do it",
            route=Route(cli="tool", model="big", effort="xhigh"),
            system_prompt="be kind",
            data_dir="/d",
            native_id="abc",
            is_resume=True,
        ),
    )

    assert plan.argv == [
        *("/opt/tool", "run", "--plain", "--json", "-s", "read-only", "-m", "big"),
        *("-c", "effort=top", "--system", "be kind", "-C", "/w", "--data", "/d"),
        *("resume", "abc", "--", "do it"),
    ]
    assert plan.shown_argv == [
        *("/opt/tool", "run", "--plain", "--json", "-s", "read-only", "-m", "big"),
        *("-c", "effort=top", "--system", "<system prompt>", "-C", "/w", "--data", "/d"),
        *("resume", "abc", "--", "<prompt>"),
    ]
    assert (plan.model, plan.effort, plan.dialect) == ("big", "top", "jsonl")
    assert plan.read_strength is Strength.SANDBOX
    assert plan.stdin is None
    assert plan.warnings == []


def test_resume_tokens_can_stand_among_the_flags() -> None:
    profile = attrs.evolve(PROFILE, resume=ResumeRule(flags=("-r={id}",)))
    plan = compose(profile, "tool", asked(native_id="x1", is_resume=True))

    assert plan.argv[-3:] == ["-r=x1", "--", "do it"]


def test_chosen_session_names_are_given_at_birth() -> None:
    chosen = ResumeRule(flags=("-r", "{id}"), chosen=True, new_flags=("--name", "{id}"))
    profile = attrs.evolve(PROFILE, resume=chosen)

    assert compose(profile, "t", asked(native_id="n")).argv[-4:-2] == ["--name", "n"]
    assert "--name" not in compose(profile, "t", asked()).argv
    assert compose(profile, "t", asked(native_id="n", is_resume=True)).argv[-4:-2] == ["-r", "n"]


def test_resume_without_flags_is_refused() -> None:
    profile = attrs.evolve(PROFILE, resume=ResumeRule())
    with pytest.raises(Refusal, match="cannot continue a session") as caught:
        compose(profile, "t", asked(native_id="n", is_resume=True))

    assert caught.value.code == "resume_unsupported"
    assert not caught.value.retryable


def test_resume_without_an_id_is_refused_unless_none_is_needed() -> None:
    with pytest.raises(Refusal) as caught:
        compose(PROFILE, "t", asked(is_resume=True))
    latest = attrs.evolve(PROFILE, resume=ResumeRule(flags=("--resume",)))

    assert caught.value.code == "native_session_missing"
    assert "--resume" in compose(latest, "t", asked(is_resume=True)).argv


def test_a_mode_the_profile_lacks_is_a_setup_fault() -> None:
    with pytest.raises(SetupFault, match="offers no danger mode: it has read, write") as caught:
        compose(PROFILE, "t", asked(mode=Mode.DANGER))

    assert caught.value.code == "mode_not_offered"


def test_a_profile_without_modes_runs_as_it_is_but_promises_nothing() -> None:
    profile = attrs.evolve(PROFILE, modes={})

    assert compose(profile, "t", asked()).read_strength is Strength.NONE
    assert "-s" not in compose(profile, "t", asked(mode=Mode.WRITE)).argv
    with pytest.raises(SetupFault, match="it has read, write"):
        compose(profile, "t", asked(mode=Mode.DANGER))


@pytest.mark.parametrize("value", ["-x", "--dangerous", "a\nb", "a\x7f", "a\0"])
def test_names_that_could_be_flags_are_refused(value: str) -> None:
    with pytest.raises(Refusal, match="model") as caught:
        compose(PROFILE, "t", asked(route=Route(cli="tool", model=value)))
    with pytest.raises(Refusal, match="native session id"):
        compose(PROFILE, "t", asked(native_id=value, is_resume=True))

    assert caught.value.code == "unsafe_value"


def test_a_value_that_looks_like_a_placeholder_stays_what_it_is() -> None:
    profile = attrs.evolve(PROFILE, resume=ResumeRule(flags=("{model}/{id}",)))
    route = Route(cli="tool", model="{id}")
    plan = compose(profile, "t", asked("{model}", route=route, native_id="7", is_resume=True))

    assert "{id}/7" in plan.argv
    assert plan.argv[-1] == "{model}"


def test_an_unknown_placeholder_is_a_setup_fault_and_json_is_none() -> None:
    with pytest.raises(SetupFault, match=r"unknown placeholder \{nope\}") as caught:
        compose(attrs.evolve(PROFILE, flags=("--x={nope}",)), "t", asked())
    config = '{"permission":{"edit":"deny"},"key":"{env:KEY}"}'
    plan = compose(attrs.evolve(PROFILE, flags=(config,)), "t", asked())

    assert caught.value.code == "unknown_placeholder"
    assert config in plan.argv


# ------------------------------------------------------------------------------- model and effort


def test_the_default_model_is_named() -> None:
    plan = compose(PROFILE, "t", asked())

    assert plan.argv[plan.argv.index("-m") + 1] == "small"
    assert plan.model == "small"


def test_a_model_can_be_joined_or_travel_in_a_variable() -> None:
    joined = attrs.evolve(PROFILE, model=ModelRule(flag="--model", joined=True))
    variable = attrs.evolve(PROFILE, model=ModelRule(env="TOOL_MODEL"))
    wanted = asked(route=Route(cli="tool", model="big"))

    assert "--model=big" in compose(joined, "t", wanted).argv
    assert compose(variable, "t", wanted).env == {"TOOL_MODEL": "big"}
    assert compose(variable, "t", wanted).warnings == []


def test_a_model_nobody_can_take_is_reported() -> None:
    profile = attrs.evolve(PROFILE, model=ModelRule())
    plan = compose(profile, "t", asked(route=Route(cli="tool", model="big")))

    assert [each.code for each in plan.warnings] == ["model_ignored"]
    assert "big" not in plan.argv


@pytest.mark.parametrize(
    ("effort", "word", "code"),
    [
        ("", "", None),
        ("low", "lo", None),
        (" LOW ", "lo", None),
        ("lo", "lo", None),  # the CLI's own word
        ("none", "lo", "effort_clamped"),
        ("high", "top", "effort_clamped"),  # of two as near, the stronger
        ("max", "top", "effort_clamped"),
    ],
)
def test_effort_is_the_nearest_word_of_the_cli(effort: str, word: str, code: str | None) -> None:
    said, warned = effort_word(PROFILE.effort, effort)

    assert said == word
    assert (warned.code if warned else None) == code


def test_effort_of_a_cli_without_any_is_reported() -> None:
    profile = attrs.evolve(PROFILE, effort=EffortRule())
    plan = compose(profile, "t", asked(route=Route(cli="tool", effort="high")))

    assert plan.effort == ""
    assert [each.message for each in plan.warnings] == ["tool has no effort: high unused"]


@pytest.mark.parametrize(("effort", "hint"), [("hihg", "did you mean high?"), ("?", None)])
def test_effort_that_is_no_word_is_refused(effort: str, hint: str | None) -> None:
    with pytest.raises(Refusal, match="is not one of none, minimal") as caught:
        effort_word(PROFILE.effort, effort)

    assert caught.value.hint == hint


def test_effort_can_travel_joined_or_in_a_variable() -> None:
    levels = {"high": "H"}
    joined = attrs.evolve(PROFILE, effort=EffortRule(flag="--e", joined=True, levels=levels))
    variable = attrs.evolve(PROFILE, effort=EffortRule(env="TOOL_EFFORT", levels=levels))
    wanted = asked(route=Route(cli="tool", effort="high"))

    assert "--e=H" in compose(joined, "t", wanted).argv
    assert compose(variable, "t", wanted).env["TOOL_EFFORT"] == "H"


# ----------------------------------------------------------------------------------- system prompt


def test_a_system_prompt_without_a_flag_goes_before_the_prompt() -> None:
    profile = attrs.evolve(PROFILE, system_prompt_flag="")
    plan = compose(profile, "t", asked("task", system_prompt="role"))

    assert plan.argv[-1] == "role\n\ntask"
    assert plan.argv.count("role\n\ntask") == 1


def test_a_system_prompt_too_long_for_an_argument_goes_before_the_prompt() -> None:
    piped = attrs.evolve(PROFILE, prompt=PromptRule(ways=(PromptWay.STDIN,), max_arg_bytes=10))
    plan = compose(piped, "t", asked("task", system_prompt="r" * 11))

    assert plan.stdin == b"r" * 11 + b"\n\ntask"
    assert "--system" not in plan.argv


def test_a_system_prompt_with_a_leading_dash_is_no_flag() -> None:
    plan = compose(PROFILE, "t", asked("task", system_prompt="--yolo"))

    assert plan.argv[plan.argv.index("--system") + 1] == " --yolo"
    assert "--yolo" not in " ".join(plan.shown_argv)


# -------------------------------------------------------------------------------- ways of a prompt


def prompted(**rule: object) -> Profile:
    return attrs.evolve(PROFILE, prompt=PromptRule(**rule))  # type: ignore[arg-type]


def test_stdin_carries_the_prompt_and_its_own_tokens_replace_it() -> None:
    profile = prompted(ways=(PromptWay.STDIN,), stdin_args=("-",))
    plan = compose(profile, "t", asked("päng\n"))

    assert plan.stdin == "päng\n".encode()
    assert plan.argv[-1] == "-"
    assert plan.shown_argv[-1] == "-"
    assert plan.prompt_way is PromptWay.STDIN


def test_a_flag_can_be_joined_to_the_prompt_or_stand_before_it() -> None:
    joined = compose(prompted(flag="--text", joined=True), "t", asked("-x"))
    apart = compose(prompted(flag="--text"), "t", asked("x"))
    guarded = compose(prompted(flag="-p", guard="--"), "t", asked("-x"))

    assert (joined.argv[-1], joined.shown_argv[-1]) == ("--text=-x", "--text=<prompt>")
    assert apart.argv[-2:] == ["--text", "x"]
    assert guarded.argv[-3:] == ["-p", "--", "-x"]


def test_a_dash_leading_prompt_is_never_bare() -> None:
    with pytest.raises(Refusal, match="starts with a dash") as caught:
        compose(prompted(), "t", asked("-rf /"))
    piped = compose(prompted(ways=(PromptWay.ARGUMENT, PromptWay.STDIN)), "t", asked("-rf /"))

    assert caught.value.code == "prompt_undeliverable"
    assert piped.stdin == b"-rf /"


def test_a_prompt_too_long_for_an_argument_takes_the_next_way() -> None:
    rule = {"ways": (PromptWay.ARGUMENT, PromptWay.STDIN), "max_arg_bytes": 3}

    assert compose(prompted(**rule), "t", asked("abc")).prompt_way is PromptWay.ARGUMENT
    assert compose(prompted(**rule), "t", asked("äb")).prompt_way is PromptWay.ARGUMENT
    assert compose(prompted(**rule), "t", asked("äbc")).prompt_way is PromptWay.STDIN


def test_the_system_may_take_shorter_arguments_than_the_profile() -> None:
    with pytest.raises(Refusal, match="4 bytes are more than the 3 of an argument") as caught:
        compose(prompted(), "t", asked("abcd"), arg_limit_bytes=3)

    assert caught.value.code == "prompt_too_large"
    assert caught.value.data == {"size_bytes": 4, "limit_bytes": 3}


def test_a_profile_without_a_way_is_refused_with_the_way_out() -> None:
    with pytest.raises(Refusal, match="names no way") as caught:
        compose(prompted(ways=()), "t", asked())

    assert "prompt.guard" in (caught.value.hint or "")


def test_beyond_the_threshold_stdin_is_taken_even_if_it_is_no_way() -> None:
    rule = {"ways": (PromptWay.ARGUMENT,), "guard": "--", "stdin_threshold": 5}

    assert compose(prompted(**rule), "t", asked("12345")).prompt_way is PromptWay.ARGUMENT
    assert compose(prompted(**rule), "t", asked("123456")).prompt_way is PromptWay.STDIN
    rule["guard"] = ""
    assert compose(prompted(**rule), "t", asked("-1")).prompt_way is PromptWay.STDIN


def test_a_file_way_leaves_a_token_for_its_path() -> None:
    flagged = compose(prompted(ways=(PromptWay.FILE,), file_flag="-f"), "t", asked("long"))
    placed = prompted(ways=(PromptWay.FILE,), file_args=("--prompt={path}", "see the file"))
    filled = with_prompt_file(compose(placed, "t", asked("long")), "/tmp/p {model}.txt")

    assert flagged.argv[-2:] == ["-f", PROMPT_FILE_TOKEN]
    assert flagged.prompt_file_token == PROMPT_FILE_TOKEN
    assert flagged.prompt_file_bytes == b"long"
    assert "long" not in flagged.argv
    assert filled.argv[-2:] == ["--prompt=/tmp/p {model}.txt", "see the file"]


def test_a_file_way_without_a_token_for_the_path_is_a_setup_fault() -> None:
    with pytest.raises(SetupFault, match=r"needs prompt\.file_flag") as caught:
        compose(prompted(ways=(PromptWay.FILE,)), "t", asked())

    assert caught.value.code == "prompt_file_unset"


def test_a_plan_without_a_file_needs_no_path() -> None:
    plan = compose(PROFILE, "t", asked())

    assert with_prompt_file(plan, "/tmp/x") is plan


def test_a_prompt_without_a_blank_gets_one_where_it_would_be_a_command() -> None:
    profile = prompted(guard="--", needs_blank=True)

    assert compose(profile, "t", asked("explain")).argv[-1] == "explain "
    assert compose(profile, "t", asked("explain this")).argv[-1] == "explain this"


def test_a_terminal_is_given_its_prompt_by_any_other_way_than_stdin() -> None:
    both = prompted(ways=(PromptWay.STDIN, PromptWay.ARGUMENT), guard="--")
    needed = attrs.evolve(both, needs_terminal=True)

    assert compose(both, "t", asked()).prompt_way is PromptWay.STDIN
    assert compose(both, "t", asked(wants_terminal=True)).prompt_way is PromptWay.ARGUMENT
    assert compose(needed, "t", asked()).is_terminal
    assert compose(needed, "t", asked()).prompt_way is PromptWay.ARGUMENT


@pytest.mark.parametrize(
    ("prompt", "code"),
    [("", "prompt_empty"), (" \n", "prompt_empty"), ("a\0b", "prompt_has_nul")],
)
def test_prompts_no_child_can_take_are_refused(prompt: str, code: str) -> None:
    with pytest.raises(Refusal) as caught:
        compose(PROFILE, "t", asked(prompt))

    assert caught.value.code == code


def test_half_a_character_is_refused() -> None:
    with pytest.raises(Refusal, match="half a character at 1") as caught:
        compose(PROFILE, "t", asked("a\ud800"))

    assert caught.value.code == "prompt_not_unicode"


def test_secrets_in_flags_are_masked_when_shown() -> None:
    profile = attrs.evolve(PROFILE, flags=("--key=sk-ant-REDACTED",))
    plan = compose(profile, "t", asked())

    assert "--key=[REDACTED:anthropic]" in plan.shown_argv
    assert "--key=sk-ant-REDACTED" in plan.argv


# --------------------------------------------------------------------------------------- exclusive


def test_contradictory_flags_are_an_error_before_start() -> None:
    profile = attrs.evolve(
        PROFILE, flags=("-y",), exclusive=(("-y", "--approval"),), output=OutputRule()
    )
    both = attrs.evolve(profile, modes={Mode.READ: ModeRule(flags=("--approval=plan",))})
    with pytest.raises(SetupFault, match="-y and --approval exclude each other") as caught:
        compose(both, "t", asked())

    assert caught.value.code == "contradictory_flags"
    assert compose(profile, "t", asked("--approval")).argv[-1] == "--approval"


def test_a_flag_may_stand_twice_and_prompt_words_do_not_count() -> None:
    check_exclusive(["-y", "-y"], [("-y", "--plan")])
    check_exclusive(["-y", "--", "--plan"], [("-y", "--plan")])
    check_exclusive(["-yes", "--plan"], [("-y", "--plan")])
    with pytest.raises(SetupFault):
        check_exclusive(["-y", "--plan", "--", "x"], [("-y", "--plan")])


# ------------------------------------------------------------------------------------ any prompt

PROMPTS = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=40
).filter(lambda text: bool(text.strip()))
HARD = st.one_of(PROMPTS, PROMPTS.map("-{}".format), st.sampled_from(["--", "-", "--json", "-s"]))
RULES = st.builds(
    PromptRule,
    ways=st.permutations(list(PromptWay)).flatmap(
        lambda ways: st.integers(1, 3).map(lambda count: tuple(ways[:count]))
    ),
    guard=st.sampled_from(["", "--"]),
    flag=st.sampled_from(["", "--text"]),
    joined=st.booleans(),
    stdin_args=st.sampled_from([(), ("-",)]),
    file_flag=st.just("--file"),
    max_arg_bytes=st.sampled_from([5, 100_000]),
    stdin_threshold=st.sampled_from([0, 10]),
    needs_blank=st.booleans(),
)


@pytest.mark.slow
@given(HARD, RULES, st.booleans())
def test_the_prompt_arrives_exactly_once_and_is_never_a_flag(
    prompt: str, rule: PromptRule, is_terminal: bool
) -> None:
    profile = attrs.evolve(PROFILE, prompt=rule)
    other = "\ue000another prompt"
    try:
        plan = compose(profile, "t", asked(prompt, wants_terminal=is_terminal))
    except Refusal:
        assert PromptWay.STDIN not in rule.ways
        assert PromptWay.FILE not in rule.ways
        assert not rule.stdin_threshold
        return
    calm = compose(
        attrs.evolve(
            profile,
            prompt=attrs.evolve(
                rule, ways=(plan.prompt_way,), stdin_threshold=0, max_arg_bytes=100_000
            ),
        ),
        "t",
        asked(other, wants_terminal=is_terminal),
    )

    changed = [(a, b) for a, b in zip(plan.argv, calm.argv, strict=True) if a != b]
    if plan.prompt_way is PromptWay.ARGUMENT:
        (token, _), *more = changed or [(plan.argv[-1], "")]
        assert not more
        assert token == plan.argv[-1]
        assert token.removesuffix(" ").endswith(prompt.removesuffix(" "))
        joined = token.startswith("--text=") and rule.joined
        assert joined or plan.argv[-2] == "--" or not token.startswith("-")
        assert plan.stdin is None
        assert plan.prompt_file_bytes == b""
    else:
        assert changed == []
        carried = plan.stdin if plan.prompt_way is PromptWay.STDIN else plan.prompt_file_bytes
        assert carried == prompt.encode()
    assert not any(prompt in each for each in plan.shown_argv if len(prompt) > 20)


@pytest.mark.slow
@given(st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=5), max_size=8))
def test_nothing_of_the_clients_environment_passes_unless_named(env: dict[str, str]) -> None:
    profile = attrs.evolve(PROFILE, env=EnvRule(passes=("TOOL_*",)))
    plan = compose(profile, "t", asked(env={f"Z{name}": text for name, text in env.items()}))

    assert plan.env == {}


def test_a_cli_that_garbles_stdin_gets_other_characters_as_an_argument() -> None:
    """Text beyond ASCII never goes through a stdin that is decoded piece by piece."""
    rule = PromptRule(ways=(PromptWay.STDIN, PromptWay.ARGUMENT), guard="--", stdin_is_ascii=True)
    profile = attrs.evolve(PROFILE, prompt=rule)

    plain = compose(profile, "/bin/tool", asked("plain words"))
    umlaut = compose(profile, "/bin/tool", asked("schöne Wörter"))

    assert plain.prompt_way is PromptWay.STDIN
    assert umlaut.prompt_way is PromptWay.ARGUMENT
    assert umlaut.stdin is None
    with pytest.raises(Refusal, match="garbles characters beyond ASCII"):
        compose(profile, "/bin/tool", asked("ö" * 200_000))
