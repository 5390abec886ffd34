"""The list of sessions: filters, order, pages, what is kept and for how long."""

from pathlib import Path

import pytest

from ._host import Host, Json
from ._stand import Stand, make_stand


@pytest.fixture(scope="module")
def stand(module_dir: Path) -> Stand:
    """Seven finished sessions of three CLIs, one failed, are made by the first test."""
    return make_stand(module_dir / "machine")


async def _listed(host: Host, **arguments: object) -> list[Json]:
    rows: list[Json] = []
    cursor: dict[str, object] = {}
    while True:
        page = await host.call("sessions", action="list", **arguments, **cursor)
        sessions = page["sessions"]
        assert isinstance(sessions, list)
        assert page["count"] == len(sessions)
        rows += sessions
        if not page["next_cursor"]:
            return rows
        cursor = {"cursor": page["next_cursor"]}


@pytest.mark.requirement("sessions:list")
@pytest.mark.requirement("sessions:cursor")
async def test_sessions_are_listed_latest_first_in_pages(host: Host) -> None:
    """Every one once, filtered by CLI and by status."""
    made = [
        str((await host.exec("hello", cli=cli))["session_id"])
        for cli in ("codex", "gemini", "codex", "goose", "gemini", "codex", "goose")
    ]
    failed = str((await host.exec("[[fault auth]]", cli="goose"))["session_id"])
    paged = [row["id"] for row in await _listed(host, limit=3)]
    whole = [row["id"] for row in await _listed(host, status="all", limit=100)]
    codex = [row["id"] for row in await _listed(host, cli="codex")]
    bad = [row["id"] for row in await _listed(host, status="failed")]
    good = [row["id"] for row in await _listed(host, status="completed", limit=2)]
    active = await _listed(host, status="active")

    assert paged == whole == [failed, *reversed(made)]
    assert codex == [made[5], made[2], made[0]]
    assert bad == [failed]
    assert good == list(reversed(made))
    assert active == []


@pytest.mark.requirement("sessions:info")
async def test_info_shows_a_session_with_its_jobs(host: Host) -> None:
    """By session id or by job id; turns are counted, prompts are previews."""
    first = await host.exec("the first word is PELICAN", cli="codex")
    await host.exec("and the second", session_id=first["session_id"])
    info = await host.call("sessions", action="info", session_id=first["session_id"])
    by_job = await host.call("sessions", action="info", job_id=first["job_id"])
    session, jobs = info["session"], info["jobs"]
    assert isinstance(session, dict)
    assert isinstance(jobs, list)

    assert (session["turns"], session["cli"], session["resumable"]) == (2, "codex", True)
    assert session["native_id"]
    assert {job["prompt_preview"] for job in jobs} == {
        "the first word is PELICAN",
        "and the second",
    }
    assert by_job["session"] == session


@pytest.mark.requirement("sessions:active")
async def test_a_running_job_is_active_until_it_is_cancelled(host: Host) -> None:
    """In the list, in health, and then no more."""
    body = await host.call("exec", **{"prompt": "[[sleep 100]]", "cli": "codex", "async": True})
    active = [row["id"] for row in await _listed(host, status="active")]
    health = await host.call("sessions", action="health")
    ended = await host.call("sessions", action="cancel", job_id=body["job_id"])
    after = await _listed(host, status="active")
    cancelled = [row["id"] for row in await _listed(host, status="cancelled")]

    assert active == [body["session_id"]]
    assert health["jobs"]["running"] == 1  # type: ignore[index]
    assert (ended["status"], ended["cancelled"]) == ("cancelled", True)
    assert after == []
    assert cancelled == [body["session_id"]]


@pytest.mark.requirement("sessions:gc")
async def test_gc_removes_what_is_old_and_nothing_else(host: Host) -> None:
    """A dry run only counts; running jobs stay, and what is removed is unknown."""
    old = await host.exec("hello", cli="codex")
    running = await host.call("exec", **{"prompt": "[[sleep 100]]", "cli": "codex", "async": True})
    kept = await host.call("sessions", action="gc", older_than_hours=1)
    counted = await host.call("sessions", action="gc", older_than_hours=0, dry_run=True)
    before = await _listed(host, limit=100)
    removed = await host.call("sessions", action="gc", older_than_hours=0)
    after = [row["id"] for row in await _listed(host, limit=100)]
    gone = await host.call("status", job_id=old["job_id"])
    await host.call("sessions", action="kill", session_id=running["session_id"])

    assert (kept["removed_jobs"], kept["removed_sessions"]) == (0, 0)
    assert counted["removed_jobs"] == removed["removed_jobs"]
    assert removed["removed_sessions"] == len(before) - 1
    assert after == [running["session_id"]]
    assert gone["error"]["code"] == "job_not_found"  # type: ignore[index]


@pytest.mark.requirement("sessions:health")
async def test_health_says_what_is_there(host: Host, stand: Stand) -> None:
    """CLIs with versions and strength, the store, the client, the limits."""
    health = await host.call("sessions", action="health")
    clis = health["clis"]
    assert isinstance(clis, list)

    assert len(health["clis_ready"]) == 12  # type: ignore[arg-type]
    assert {state["state"] for state in clis} == {"ready"}
    assert [state["name"] for state in clis if not state["version"]] == []
    assert health["store"]["path"] == str(stand.state / "sessions.db")  # type: ignore[index]
    assert health["clients"] == {"stdio": 1}
    assert health["problems"] == []


@pytest.mark.requirement("sessions:unknown")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"action": "info", "session_id": "ses_none"}, "session_not_found"),
        ({"action": "kill", "session_id": "ses_none"}, "session_not_found"),
        ({"action": "cancel", "job_id": "job_none"}, "job_not_found"),
        ({"action": "kill", "job_id": "job_none"}, "job_not_found"),
        ({"action": "cancel"}, "invalid_arguments"),
        ({"action": "list", "cursor": "rubbish"}, "invalid_arguments"),
    ],
    ids=lambda each: "-".join(map(str, each.values())) if isinstance(each, dict) else each,
)
async def test_unknown_ids_are_told(host: Host, arguments: dict[str, object], code: str) -> None:
    """With a code of their own."""
    body = await host.call("sessions", **arguments)

    assert body["error"]["code"] == code  # type: ignore[index]
