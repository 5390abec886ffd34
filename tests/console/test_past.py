"""Why a job ended, what turns have used, and the events of jobs, from a shell."""

import csv
import datetime
import io
import json

import click
import pytest

from aimux.console._usage import csv_of, keys_of, summed, time_of

from .conftest import Machine

NOW = datetime.datetime(2026, 3, 2, 12, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def job(served: Machine) -> str:
    """The id of a job that has failed: a quota is spent."""
    done = served.aimux("run", "--json", "-c", "codex", "--no-fallback", "[[fault quota]]")
    return str(json.loads(done.out)["job_id"])


@pytest.mark.slow
def test_why_names_the_rule_that_ended_a_job(served: Machine, job: str) -> None:
    """Each decision on a line, the last line the rule; the same as JSON."""
    said = served.aimux("why", job)
    body = json.loads(served.aimux("why", "--json", job).out)

    assert said.code == 0
    assert said.out.splitlines()[-1].startswith("failed by rule class: quota")
    assert "no further attempt" in said.out or "the CLI's next model" in said.out
    assert body["rule"] == "class"
    assert body["error"]["class"] == "quota"


@pytest.mark.slow
def test_usage_is_a_table_csv_and_json(served: Machine, job: str) -> None:
    """The same figures in each form."""
    table = served.aimux("usage", "--by", "cli", "--since", "7d")
    comma = served.aimux("usage", "--by", "cli", "--csv")
    rows = list(csv.DictReader(io.StringIO(comma.out)))

    assert table.code == comma.code == 0
    assert "codex" in table.out
    assert [row["completed"] for row in rows if row["cli"] == "codex"] == ["0"]


@pytest.mark.slow
def test_events_of_a_job_go_on_after_a_number(served: Machine, job: str) -> None:
    """Each line is JSON and names its job; --after leaves out what was read before."""
    lines = [json.loads(each) for each in served.aimux("events", job).out.splitlines()]
    rest = served.aimux("events", job, "--after", str(lines[-2]["seq"]))
    wrong = served.aimux("events", job, "--after", "noon")

    assert {each["job_id"] for each in lines} == {job}
    assert lines[-1]["kind"] == "job_finished"
    assert [json.loads(each) for each in rest.out.splitlines()] == lines[-1:]
    assert wrong.code == 2
    assert "a sequence number" in wrong.err


@pytest.mark.slow
def test_events_of_all_jobs_are_read_from_a_time_on(served: Machine, job: str) -> None:
    """Those of jobs that have ended since then; from the last moment on, that moment again."""
    lines = [json.loads(each) for each in served.aimux("events", job).out.splitlines()]
    everything = served.aimux("events", "--after", "1h")
    again = served.aimux("events", "--after", lines[-1]["at"])

    assert lines[0] in [json.loads(each) for each in everything.out.splitlines()]
    assert lines[-1] in [json.loads(each) for each in again.out.splitlines()]
    assert lines[0] not in [json.loads(each) for each in again.out.splitlines()]


@pytest.mark.slow
def test_events_of_a_running_job_are_followed_to_its_end(served: Machine) -> None:
    """The exit code is the job's."""
    left = served.aimux("run", "--async", "-c", "claude", "[[sleep 1]] [[say 40]]")
    followed = served.aimux("events", "-f", left.out.strip())
    kinds = [json.loads(each)["kind"] for each in followed.out.splitlines()]

    assert followed.code == 0
    assert kinds[-1] == "job_finished"
    assert "child_started" in kinds


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("12h", "2026-03-02T00:00:00.000Z"),
        ("1d", "2026-03-01T12:00:00.000Z"),
        ("1w", "2026-02-23T12:00:00.000Z"),
        ("2026-03-01", "2026-03-01T00:00:00.000Z"),
        ("2026-03-01T02:00:00.5+02:00", "2026-03-01T00:00:00.500Z"),
    ],
)
def test_a_time_is_a_day_a_moment_or_so_long_ago(text: str, at: str) -> None:
    """In UTC, whatever it was given in."""
    assert time_of(text, NOW) == at


def test_what_is_no_time_or_column_is_a_usage_error() -> None:
    """It names what would do."""
    with pytest.raises(click.UsageError, match="7d or 4w"):
        time_of("yesterday", NOW)
    with pytest.raises(click.UsageError, match="day, cli, model, role"):
        keys_of("cli,moon")
    with pytest.raises(click.UsageError, match="day, cli, model, role"):
        keys_of(" , ")


def test_rows_are_summed_and_no_cell_is_a_formula() -> None:
    """A model's name is what its CLI says."""
    rows = [
        {"cli": "codex", "model": "=cmd()", "turns": 1, "cost_usd": 0.5},
        {"cli": "codex", "model": "=cmd()", "turns": 2, "cost_usd": 0.25},
        {"cli": "aider", "model": "", "turns": 4, "cost_usd": 0},
        {"cli": "aider", "model": "", "turns": 1, "cost_usd": None},
        {"cli": "goose", "model": "", "turns": 1, "cost_usd": None},
        *({"cli": "tenths", "model": "", "turns": 1, "cost_usd": each} for each in (0.1, 0.2)),
    ]
    by_cli = summed(rows, ["cli"])
    text = csv_of(summed(rows, ["model"]), ["model"])

    assert [(row["cli"], row["turns"], row["cost_usd"]) for row in by_cli] == [
        ("aider", 5, 0),
        ("codex", 3, 0.75),
        ("goose", 1, None),  # who does not say what it costs is not free
        ("tenths", 2, 0.3),
    ]
    assert text.splitlines()[2].startswith("'=cmd(),3,")
    assert csv_of(summed(rows[4:5], ["cli"]), ["cli"]).splitlines()[1].endswith(",,0")


@pytest.mark.slow
def test_replay_shows_what_would_be_read_otherwise_today(served: Machine) -> None:
    """An output that was kept reads the same; one that was not, as a diff and exit code 1."""
    done = served.aimux("run", "--json", "-c", "claude", "[[say 40]]")
    job_id, answer = (json.loads(done.out)[each] for each in ("job_id", "content"))
    same = served.aimux("replay", job_id)
    spool = served.root / "state" / "spool" / job_id / "1.out"
    changed = spool.read_text(encoding="utf-8").replace(answer, "b" + answer[1:])
    spool.write_text(changed, encoding="utf-8")
    other = served.aimux("replay", job_id)

    assert (same.code, same.out) == (0, "turn 1, attempt 1, claude: reads the same\n")
    assert other.code == 1
    assert f"-message: {answer}" in other.out
    assert f"+message: b{answer[1:]}" in other.out
