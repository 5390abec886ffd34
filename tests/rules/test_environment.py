"""What a child sees of the world."""

import os

import attrs
import pytest

from aimux.errors import Refusal, SetupFault
from aimux.model import EnvRule, Mode, ModelRule, ModeRule, PlanRequest, Profile, Route
from aimux.rules import compose, probe_environment

PROFILE = Profile(
    name="tool",
    binary="tool",
    command=("tool",),
    modes={Mode.READ: ModeRule(env={"TOOL_MODE": "chat"}), Mode.WRITE: ModeRule()},
    env=EnvRule(passes=("OPENAI_API_KEY", "TOOL_*"), sets={"NO_COLOR": "1", "TOOL_MODE": "any"}),
)
CLIENT = {
    "PATH": "/bin",
    "HOME": "/h",
    "LANG": "C",
    "OPENAI_API_KEY": "k1",
    "ANTHROPIC_API_KEY": "k2",
    "TOOL_HOME": "/t",
    "NO_COLOR": "0",
    "Path": "/odd",
    "LD_PRELOAD": "/evil.so",
}


def environment(profile: Profile, binary: str = "tool", **changes: object) -> dict[str, str]:
    request = PlanRequest(prompt="x", route=Route(cli="tool"), cwd="/w", env=CLIENT)
    return dict(compose(profile, binary, attrs.evolve(request, **changes)).env)


@pytest.mark.requirement("child:environment")
def test_a_child_gets_baseline_allow_list_and_fixed_values_only() -> None:
    assert environment(PROFILE) == {
        "PATH": "/bin",
        "HOME": "/h",
        "LANG": "C",
        "OPENAI_API_KEY": "k1",
        "TOOL_HOME": "/t",
        "NO_COLOR": "1",
        "TOOL_MODE": "chat",
    }


def test_a_call_has_the_last_word() -> None:
    env = environment(PROFILE, extra_env={"TOOL_MODE": "mine", "AIMUX_TOKEN": "t"})

    assert env["TOOL_MODE"] == "mine"
    assert env["AIMUX_TOKEN"] == "t"


def test_names_of_windows_do_not_know_case() -> None:
    env = environment(PROFILE, env={"SystemRoot": "C:\\Windows", "Path": "C:\\bin", "Other": "1"})

    assert env["SystemRoot"] == "C:\\Windows"
    assert env["Path"] == "C:\\bin"
    assert "Other" not in env


def test_an_interpreter_beside_the_launcher_is_found() -> None:
    inside = environment(PROFILE, "/bin/tool")
    outside = environment(PROFILE, "/nvm/bin/tool")
    bare = environment(PROFILE, "/nvm/bin/tool", env={})

    assert inside["PATH"] == "/bin"
    assert outside["PATH"] == f"/bin{os.pathsep}/nvm/bin"
    assert bare["PATH"] == "/nvm/bin"


def test_fixed_values_may_hold_the_route_but_no_unknown_placeholder() -> None:
    model = ModelRule(default="m1")
    good = attrs.evolve(PROFILE, model=model, env=EnvRule(sets={"TOOL_SMALL": "x/{model}"}))
    bad = attrs.evolve(PROFILE, env=EnvRule(sets={"TOOL_SMALL": "{prompt}"}))

    assert environment(good)["TOOL_SMALL"] == "x/m1"
    with pytest.raises(SetupFault, match=r"unknown placeholder \{prompt\}"):
        environment(bad)


def test_a_data_directory_can_travel_in_a_variable() -> None:
    profile = attrs.evolve(PROFILE, data_dir_env="TOOL_DATA")

    assert environment(profile, data_dir="/d")["TOOL_DATA"] == "/d"
    assert "TOOL_DATA" not in environment(profile)


@pytest.mark.parametrize(("name", "value"), [("", "x"), ("A=B", "x"), ("A\0", "x"), ("A", "\0")])
def test_variables_no_system_takes_are_refused(name: str, value: str) -> None:
    with pytest.raises(Refusal) as caught:
        environment(PROFILE, extra_env={name: value})

    assert caught.value.code == "environment_invalid"


def test_a_probe_sees_what_a_run_would_without_route_and_mode() -> None:
    env = probe_environment(PROFILE, "/nvm/bin/tool", CLIENT)

    assert env["TOOL_MODE"] == "any"
    assert env["PATH"] == f"/bin{os.pathsep}/nvm/bin"
    assert "ANTHROPIC_API_KEY" not in env
