"""The command line of every shipped CLI in every mode, pinned in `tests/golden/argv`.

A changed line is a changed run of somebody's CLI: it is only written by `--update-golden`, and the
diff is read.
"""

import itertools
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from aimux.config import ClientContext, load
from aimux.errors import AimuxError
from aimux.model import EFFORTS, Mode, Plan, PlanRequest, Profile, PromptWay, Route
from aimux.rules import PROMPT_SHOWN, check_exclusive, compose

GOLDEN = Path(__file__).parents[1] / "golden" / "argv"
CLIS = ("aider claude cline codex continue crush droid gemini goose gptme opencode qwen").split()  # noqa: SIM905  # one line to read
PROMPT = '--yolo "say" $hi'  # as hostile as it gets
SESSIONS = ("fresh", "named", "resume")


@pytest.fixture(scope="module")
def profiles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Profile]:
    empty = tmp_path_factory.mktemp("nothing")
    snapshot = load(ClientContext(cwd=empty, env={"HOME": str(empty)}, config_dir=empty))
    return dict(snapshot.profiles)


def planned(
    profile: Profile, way: PromptWay, session: str, mode: Mode, effort: str = "", model: str = ""
) -> Plan:
    forced = attrs.evolve(profile.prompt, ways=(way,), stdin_threshold=0)
    ask = PlanRequest(
        prompt=PROMPT,
        route=Route(cli=profile.name, model=model, effort=effort),
        mode=mode,
        cwd="/project",
        env={},
        native_id="" if session == "fresh" else "native-1",
        is_resume=session == "resume",
        system_prompt="be brief",
        data_dir="/data",
    )
    return compose(attrs.evolve(profile, prompt=forced), profile.binary, ask)


def rendered(profile: Profile) -> Iterator[str]:
    yield f"{profile.name}: by {', '.join(profile.prompt.ways)}"
    for name, value in sorted(profile.env.sets.items()):
        yield f"  {name}={value}"
    for mode, way, session in itertools.product(profile.modes, profile.prompt.ways, SESSIONS):
        yield ""
        for effort, model in itertools.product(("", "high"), ("", "some-model")):
            what = " ".join(filter(None, (mode, way, session, effort, model)))
            yield f"[{what}]"
            yield from _shown(profile, way, session, mode, effort, model)
    yield ""
    for effort in EFFORTS:
        plan = planned(profile, profile.prompt.ways[0], "fresh", Mode.READ, effort)
        said = "; ".join(each.message for each in plan.warnings)
        yield f"effort {effort}: {plan.effort or '-'}" + (f" ({said})" if said else "")


def _shown(
    profile: Profile, way: PromptWay, session: str, mode: Mode, effort: str, model: str
) -> Iterator[str]:
    try:
        plan = planned(profile, way, session, mode, effort, model)
    except AimuxError as error:
        yield f"refused: {error.code}"
        return
    env = {
        name: value
        for name, value in plan.env.items()
        if name != "PATH" and profile.env.sets.get(name) != value
    }
    before = " ".join(f"{name}={shlex.quote(value)}" for name, value in sorted(env.items()))
    line = " ".join(_quoted(each) for each in plan.shown_argv)
    end = " < <prompt>" if plan.stdin is not None else ""
    yield " ".join(filter(None, (before, line))) + end


def _quoted(token: str) -> str:
    return token if token.startswith(("<", "--")) and "<" in token else shlex.quote(token)


@pytest.mark.requirement("argv:pinned")
@pytest.mark.parametrize("cli", CLIS)
def test_argv_of_every_mode_way_and_session_is_as_pinned(
    cli: str, profiles: dict[str, Profile], update_golden: bool
) -> None:
    text = "\n".join(rendered(profiles[cli])) + "\n"
    path = GOLDEN / f"{cli}.txt"
    if update_golden:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    assert text.splitlines() == path.read_text(encoding="utf-8").splitlines()


def test_every_shipped_cli_is_pinned(profiles: dict[str, Profile]) -> None:
    assert sorted(profiles) == CLIS
    assert sorted(path.stem for path in GOLDEN.glob("*.txt")) == CLIS


@pytest.mark.parametrize("cli", CLIS)
def test_a_hostile_prompt_is_one_token_or_none_in_every_shipped_cli(
    cli: str, profiles: dict[str, Profile]
) -> None:
    profile = profiles[cli]
    for mode, way in itertools.product(profile.modes, profile.prompt.ways):
        plan = planned(profile, way, "fresh", mode)
        carriers = [each for each in plan.argv if PROMPT in each]
        match way:
            case PromptWay.ARGUMENT:
                assert carriers == [plan.argv[-1]]
                is_joined = profile.prompt.joined and profile.prompt.flag.startswith("--")
                assert plan.argv[-1].endswith(PROMPT)
                if is_joined:
                    assert plan.argv[-1].startswith(f"{profile.prompt.flag}=")
                else:
                    assert plan.argv[-2] == "--"
                assert plan.stdin is None
            case PromptWay.STDIN:
                assert carriers == []
                assert plan.stdin is not None
                assert plan.stdin.decode().endswith(PROMPT)
            case PromptWay.FILE:
                assert carriers == []
                assert plan.prompt_file_bytes.decode().endswith(PROMPT)
                assert plan.prompt_file_token in plan.argv
        assert sum(PROMPT_SHOWN in each for each in plan.shown_argv) == len(carriers)
        assert not any("{" in each and "}" in each for each in plan.argv[:-1])
        check_exclusive(plan.argv, profile.exclusive)


@pytest.mark.parametrize("cli", CLIS)
def test_no_shipped_cli_sees_another_vendors_secrets_by_default(
    cli: str, profiles: dict[str, Profile]
) -> None:
    profile = profiles[cli]
    client = {"PATH": "/bin", "MY_VENDOR_API_KEY": "1", "LD_PRELOAD": "x", "AWS_SECRET_KEY": "2"}
    ask = PlanRequest(prompt="x y", route=Route(cli=cli), cwd="/p", env=client)
    plan = compose(profile, f"{os.sep}bin{os.sep}{profile.binary}", ask)

    assert set(plan.env) - {"PATH"} <= set(profile.env.sets) | set(profile.modes[Mode.READ].env)
