"""What a CLI may do to the user's tree."""

from pathlib import Path

import pytest

from ._each import each
from ._host import Host, Json, codes
from ._stand import CLIS, Stand


def _tree(project: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(project)): path.read_bytes()
        for path in project.rglob("*")
        if path.is_file()
    }


async def _strengths(host: Host) -> dict[str, str]:
    health = await host.call("sessions", action="health")
    states = health["clis"]
    assert isinstance(states, list)
    return {state["name"]: state["read_strength"] for state in states}


@pytest.mark.requirement("mode:read")
@pytest.mark.parametrize(
    "prompt",
    ["[[write orders.py gone]] please", "[[shell-write new.txt]] please"],
    ids=["edit", "shell"],
)
async def test_read_mode_leaves_the_tree_alone(host: Host, stand: Stand, prompt: str) -> None:
    """By edit tool and by shell tool; soft CLIs work on a copy, and what they did is told."""

    async def one(cli: str) -> tuple[Json, bool]:
        project = stand.project(f"read-{cli}")
        before = _tree(project)
        body = await host.exec(prompt, cli=cli, mode="read", cwd=str(project))
        return body, _tree(project) == before

    found = await each(one)
    strengths = await _strengths(host)
    soft = {cli for cli, strength in strengths.items() if strength in ("soft", "none")}
    violated = {cli for cli, (body, _) in found.items() if "mode_violated" in codes(body)}

    assert {cli: is_same for cli, (_, is_same) in found.items()} == dict.fromkeys(CLIS, True)
    assert soft == {"cline", "continue", "crush"}
    assert violated <= soft
    assert "shell" not in prompt or violated == soft
    assert list((stand.state / "scratch").glob("*")) == []


@pytest.mark.requirement("mode:write")
async def test_write_mode_writes(host: Host, stand: Stand) -> None:
    """The file is there afterwards, in the user's own tree."""

    async def one(cli: str) -> tuple[object, bool]:
        project = stand.project(f"write-{cli}")
        body = await host.exec(
            "[[write out.txt hello]] go", cli=cli, mode="write", cwd=str(project)
        )
        return body["status"], (project / "out.txt").exists()

    assert await each(one) == dict.fromkeys(CLIS, ("completed", True))


@pytest.mark.requirement("mode:own_files")
async def test_no_cli_leaves_its_own_files_in_the_project(host: Host, stand: Stand) -> None:
    """Nothing but what was asked for: no history, no session data, no caches."""

    async def one(cli: str) -> set[str]:
        project = stand.project(f"own-{cli}")
        await host.exec("[[write out.txt hello]] go", cli=cli, mode="write", cwd=str(project))
        return {path.name for path in project.iterdir()}

    assert await each(one) == {cli: {"orders.py", "out.txt"} for cli in CLIS}


@pytest.mark.requirement("mode:danger")
async def test_danger_is_refused_unless_allowed(host: Host) -> None:
    """No flag of a call can open what the configuration keeps shut."""
    body = await host.exec("hello", cli="codex", mode="danger")

    assert (body["status"], body["error"]["code"]) == ("failed", "mode_refused")  # type: ignore[index]


@pytest.mark.requirement("mode:role")
async def test_roles_carry_their_stance(host: Host) -> None:
    """A reviewer reads, a coder writes; who names neither reads."""
    shown = [
        (await host.call("exec", prompt="hello", dry_run=True, **call))["mode"]
        for call in ({"role": "codereview"}, {"role": "coding"}, {"cli": "codex"}, {})
    ]

    assert shown == ["read", "write", "read", "read"]


@pytest.mark.requirement("exec:aliases")
async def test_read_only_and_reasoning_effort_are_understood(host: Host) -> None:
    """Names users know from elsewhere."""
    call = {"prompt": "hello", "cli": "codex", "dry_run": True}
    read = await host.call("exec", **call, read_only=True, reasoning_effort="high")
    write = await host.call("exec", **call, read_only=False, effort="low", timeout=77)
    argv = read["plan"]["candidates"][0]["argv"]  # type: ignore[index]

    assert (read["mode"], write["mode"]) == ("read", "write")
    assert "model_reasoning_effort=high" in argv
    assert write["plan"]["deadline_seconds"] == 77  # type: ignore[index]
