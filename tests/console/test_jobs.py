"""Commands that look at jobs and sessions, and end them."""

import contextlib
import json
import shlex
import sqlite3
from pathlib import Path

import pytest

from emulators.install import install

from .conftest import Machine

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def job(served: Machine) -> dict[str, str]:
    """A job that ended."""
    said = served.aimux("run", "--json", "-c", "codex", "-r", "codereview", "[[say 40]]")
    body: dict[str, str] = json.loads(said.out)
    return body


def test_ps_lists_ended_jobs_when_asked(served: Machine, job: dict[str, str]) -> None:
    """Without -a there are none to show."""
    shown = served.aimux("ps")
    every = served.aimux("ps", "-a")

    assert shown.code == every.code == 0
    assert shown.out == ""
    assert "no job waits or runs" in shown.err
    assert job["job_id"] in every.out
    assert "codereview" in every.out


def test_a_job_without_others_is_a_tree(served: Machine, job: dict[str, str]) -> None:
    """Its depth is told to programs."""
    tree = served.aimux("ps", "-a", "--tree", "--json")

    assert tree.code == 0
    assert {each["id"]: each["depth"] for each in json.loads(tree.out)}[job["job_id"]] == 0
    assert job["job_id"] in served.aimux("ps", "-a", "--tree").out
    assert served.aimux("ps", "--tree").out == ""


def test_logs_tell_what_a_job_did(served: Machine, job: dict[str, str]) -> None:
    """Lines for people, events for programs, in the same order."""
    said = served.aimux("logs", job["job_id"])
    events = [
        json.loads(line) for line in served.aimux("logs", "--json", job["job_id"]).out.splitlines()
    ]

    assert said.code == 0
    assert "codex started" in said.out
    assert [each["seq"] for each in events] == sorted(each["seq"] for each in events)
    assert events[-1]["kind"] == "job_finished"


def test_logs_of_a_long_job_are_shown_to_their_end(machine: Machine) -> None:
    """Followed or not: a server gives a thousand events at once."""
    said = machine.aimux("run", "--json", "-c", "codex", "[[say 40]]")
    job_id = str(json.loads(said.out)["job_id"])
    make_longer(machine.root / "state" / "sessions.db", job_id, 2_500)
    ways = [machine.aimux("logs", *way, "--json", job_id) for way in ((), ("-f",))]
    shown = [[json.loads(each) for each in said.out.splitlines()] for said in ways]

    assert [said.code for said in ways] == [0, 0]
    assert shown[0] == shown[1]
    assert [each["seq"] for each in shown[0]] == list(range(1, len(shown[0]) + 1))
    assert len(shown[0]) > 2_500
    assert shown[0][-1]["kind"] == "job_finished"


def make_longer(store: Path, job_id: str, more: int) -> None:
    """Give a job so many entries more before its last one."""
    with contextlib.closing(sqlite3.connect(store)) as connection, connection:
        ((job, last),) = connection.execute(
            "SELECT number, last_seq FROM jobs WHERE id = ?", (job_id,)
        )
        for table, where in (("entries", "job"), ("jobs", "number")):
            seq = "seq" if table == "entries" else "last_seq"
            connection.execute(
                f"UPDATE {table} SET {seq} = {seq} + ? WHERE {where} = ? AND {seq} = ?",
                (more, job, last),
            )
        connection.executemany(
            "INSERT INTO entries SELECT job, ?, turn, at_us, offset_s, kind, body FROM entries"
            " WHERE job = ? AND seq = 2",
            [(last + number, job) for number in range(more)],
        )


def test_raw_logs_are_what_the_cli_printed(served: Machine, job: dict[str, str]) -> None:
    """Its own words, before anything was read into them."""
    said = served.aimux("logs", "--raw", job["job_id"])
    head, first, *_ = said.out.splitlines()
    both = served.aimux("logs", "--raw", "-f", job["job_id"])
    missing = served.aimux("logs", "--raw", "job_01ARZ3NDEKTSV4RRFFQ69G5FAV")

    assert head.startswith("--- turn 1, stdout: ")
    assert json.loads(first)["type"] == "thread.started"
    assert both.code == missing.code == 2
    assert "--raw is neither followed nor JSON" in both.err
    assert "job_01ARZ3NDEKTSV4RRFFQ69G5FAV" in missing.err


def test_show_prints_the_answer_and_its_facts(served: Machine, job: dict[str, str]) -> None:
    """The answer on stdout, the rest on stderr."""
    said = served.aimux("show", job["job_id"])

    assert said.code == 0
    assert said.out == job["content"] + "\n"
    assert job["session_id"] in said.err


def test_a_job_that_is_not_there_is_a_usage_error(served: Machine) -> None:
    """Its id is named."""
    for command in ("show", "logs", "cancel", "kill"):
        said = served.aimux(command, "job_01ARZ3NDEKTSV4RRFFQ69G5FAV")

        assert said.code == 2, command
        assert "job_01ARZ3NDEKTSV4RRFFQ69G5FAV" in said.err


def test_sessions_are_listed_in_pages(served: Machine, job: dict[str, str]) -> None:
    """Each page names the next, with the filters that its cursor is good for."""
    for _ in range(2):
        served.aimux("run", "-q", "-c", "claude", "hello")
    first = json.loads(served.aimux("sessions", "--json", "-n", "1").out)
    second = json.loads(served.aimux("sessions", "--json", "--cursor", first["next_cursor"]).out)
    table = served.aimux("sessions", "-c", "codex")
    of_claude = served.aimux("sessions", "-c", "claude", "-n", "1").err
    more = shlex.split(of_claude.partition("more: aimux ")[2])
    following = served.aimux(*more)

    assert first["count"] == 1
    assert more[:-1] == ["sessions", "-c", "claude", "-n", "1", "--cursor"]
    assert (following.code, following.out.count("ses_")) == (0, 1)
    assert first["sessions"][0]["id"] not in [each["id"] for each in second["sessions"]]
    assert job["session_id"] in table.out


def test_ending_what_has_ended_says_so(served: Machine, job: dict[str, str]) -> None:
    """It is no fault."""
    said = served.aimux("cancel", job["job_id"])

    assert said.code == 0
    assert "nothing was running" in said.err


def test_gc_counts_before_it_removes(tmp_path: object, bare: Machine) -> None:
    """A dry run leaves everything."""
    said = bare.aimux("gc", "--older-than", "0", "--dry-run")

    assert said.code == 0
    assert "would remove 0 jobs" in said.out


def test_a_job_left_running_is_followed_to_its_end(served: Machine) -> None:
    """`logs -f` tells each event when it comes and has the job's exit code."""
    left = served.aimux("run", "--async", "-c", "codex", "[[sleep 1]] [[say 40]]")
    followed = served.aimux("logs", "-f", left.out.strip())

    assert left.code == 0
    assert left.out.startswith("job_")
    assert followed.code == 0
    assert "codex started" in followed.out
    assert "answered" in followed.out


def test_a_running_job_is_killed_with_its_session(served: Machine) -> None:
    """And is followed to exit code 1."""
    left = served.aimux("run", "--async", "--json", "-c", "codex", "[[sleep 600]]")
    body = json.loads(left.out)
    running = json.loads(served.aimux("ps", "--json").out)
    killed = served.aimux("kill", body["session_id"])
    followed = served.aimux("logs", "-f", body["job_id"])

    assert [job["id"] for job in running] == [body["job_id"]]
    assert killed.out == f"killed {body['job_id']}\n"
    assert followed.code == 1


def test_as_many_jobs_are_listed_as_were_asked_for(bare: Machine) -> None:
    """The latest, whichever sessions they are of."""
    install(bare.root / "bin", ["codex"], home=bare.root / "home", time_scale=0.01)
    begun = json.loads(bare.aimux("run", "--json", "-c", "codex", "first").out)
    for number in range(4):
        bare.aimux("run", "-q", "-s", begun["session_id"], f"again {number}")
    bare.aimux("run", "-q", "-c", "codex", "last")
    listed = json.loads(bare.aimux("ps", "-a", "-n", "4", "--json").out)
    every = json.loads(bare.aimux("ps", "-a", "--json").out)

    assert [job["prompt_preview"] for job in listed] == ["last", "again 3", "again 2", "again 1"]
    assert listed == every[:4]
    assert len(every) == 6


def test_a_session_stands_for_its_latest_job(served: Machine) -> None:
    """And a job for its session, where one is wanted."""
    first = json.loads(served.aimux("run", "--json", "-c", "codex", "Remember teal.").out)
    second = json.loads(served.aimux("run", "--json", "-s", first["job_id"], "[[recall]]").out)
    session = first["session_id"]
    shown = served.aimux("show", session)
    logs = [json.loads(line) for line in served.aimux("logs", "--json", session).out.splitlines()]
    raw = served.aimux("logs", "--raw", session)
    cancelled = served.aimux("cancel", session)
    missing = served.aimux("show", "ses_01ARZ3NDEKTSV4RRFFQ69G5FAV")

    assert second["session_id"] == session
    assert shown.code == 0
    assert shown.out == second["content"] + "\n"
    assert f"{session}: the latest of 2 turns" in shown.err
    assert second["job_id"] in shown.err
    assert logs[-1]["kind"] == "job_finished"
    assert "teal" in raw.out
    assert cancelled.code == 0
    assert "nothing was running" in cancelled.err
    assert missing.code == 2
    assert "ses_01ARZ3NDEKTSV4RRFFQ69G5FAV" in missing.err
