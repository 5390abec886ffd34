"""Another CLI answers when the first cannot, in the same mode; a CLI that fails is left alone."""

from pathlib import Path

import pytest
import trio

from emulators.install import install

from ._host import Host, Json, Server, attach, codes, start_server
from ._stand import CLIS, GRACE_S, Stand, make_stand

FAULTY = {"codex": "quota", "claude": "auth", "gemini": "rate_limit"}


@pytest.fixture(scope="module")
def stand(module_dir: Path) -> Stand:
    """codex has no quota, claude no login, gemini too many calls; roles go to each of them."""
    roles = {
        "review": {"cli": "codex"},
        "architect": {"cli": "claude"},
        "analyze": {"cli": "gemini"},
    }
    made = make_stand(module_dir / "machine")
    made.configure(roles=roles, server={"fallback_max": 3})
    for cli, fault in FAULTY.items():
        install(made.bin, [cli], home=made.home, faults=fault, time_scale=0.01)
    for cli in CLIS:
        stop = {"grace_s": GRACE_S, "leave_s": GRACE_S}
        made.overlay(cli, stop=stop, model={"cooldown_s": 0.0001})
    return made


def _outcomes(body: Json) -> list[tuple[str, str]]:
    attempts = body["attempts"]
    assert isinstance(attempts, list)
    return [(attempt["cli"], attempt["outcome"]) for attempt in attempts]


@pytest.mark.requirement("fallback:next_cli")
@pytest.mark.requirement("fallback:mode_survives")
@pytest.mark.parametrize(
    ("role", "first"),
    [
        ("review", ("codex", "quota")),
        ("architect", ("claude", "auth")),
        ("analyze", ("gemini", "quota")),
    ],
)
async def test_the_next_candidate_answers(
    host: Host, stand: Stand, role: str, first: tuple[str, str]
) -> None:
    """Every attempt is listed, and reading stays reading."""
    project = stand.project(f"fallback-{role}")
    body = await host.exec(
        "[[shell-write new.txt]] and say so", role=role, mode="read", cwd=str(project)
    )
    outcomes = _outcomes(body)

    assert body["status"] == "completed", body["error"]
    assert outcomes[0] == first
    assert outcomes[-1] == (body["cli"], "completed")
    assert body["mode"] == "read"
    assert not (project / "new.txt").exists()


@pytest.mark.requirement("fallback:named_cli")
async def test_a_named_cli_is_not_replaced_unless_asked(host: Host) -> None:
    """Who names a CLI gets it or an error; fallback=true lets another answer."""
    alone = await host.exec("hello", cli="codex")
    helped = await host.exec("hello", cli="codex", fallback=True)
    lonely = await host.exec("hello", role="review", fallback=False)

    assert (alone["status"], _outcomes(alone)) == ("failed", [("codex", "quota")])
    assert (helped["status"], _outcomes(helped)[0]) == ("completed", ("codex", "quota"))
    assert helped["cli"] != "codex"
    assert (lonely["status"], len(_outcomes(lonely))) == ("failed", 1)


@pytest.fixture(scope="module")
def breaker_stand(module_dir: Path) -> Stand:
    """Three failures in a row open a breaker for a minute."""
    made = make_stand(module_dir / "breaker")
    made.configure(breaker={"failure_threshold": 3, "cooldown_seconds": 60})
    return made


@pytest.mark.requirement("breaker:opens")
@pytest.mark.requirement("breaker:reading_is_harmless")
def test_a_breaker_opens_after_three_failures(breaker_stand: Stand) -> None:
    """The fourth call is refused at once and says when to come back; others are not touched."""

    async def play(server: Server) -> None:
        async with attach(server) as host:
            failed = [await host.exec("[[fault crash_mid_json 1]]", cli="goose") for _ in range(3)]
            views = [(await host.call("sessions", action="health"))["breakers"] for _ in range(2)]
            refused = await host.exec("hello", cli="goose")
            other = await host.exec("hello", cli="qwen")
            roled = await host.exec("hello", cli="goose", fallback=True)
        error = refused["error"]
        assert isinstance(error, dict)

        assert [body["status"] for body in failed] == ["failed"] * 3
        assert [view["goose"]["state"] for view in views] == ["open", "open"]  # type: ignore[index]
        assert 0 < views[1]["goose"]["retry_after_seconds"] <= 60  # type: ignore[index]
        assert refused["status"] == "failed"
        assert "circuit" in error["code"] or "breaker" in error["message"]
        assert 0 < error["retry_after_ms"] <= 60_000
        assert refused.get("job_id") is None
        assert other["status"] == "completed"
        assert (roled["status"], roled["cli"] == "goose") == ("completed", False)
        assert "candidate_skipped" in codes(roled)

    with start_server(
        breaker_stand.env, breaker_stand.project(), breaker_stand.root / "stderr"
    ) as server:
        trio.run(play, server)
