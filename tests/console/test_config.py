"""`aimux config` and `aimux doctor`."""

import json
import re

import pytest

from aimux.console._doctor import _traces

from .conftest import Machine

pytestmark = pytest.mark.slow


def test_a_value_is_shown_alone(bare: Machine) -> None:
    """Fit for a script."""
    said = bare.aimux("config", "show", "server.max_concurrent_jobs")

    assert said.code == 0
    assert said.out == "10\n"


def test_the_origin_of_a_value_is_a_file_and_a_line(bare: Machine) -> None:
    """Or the variable that set it."""
    (bare.config / "default.yaml").write_text("server:\n  log_level: debug\n", encoding="utf-8")
    env = bare.env(AIMUX_MAX_CONCURRENT_JOBS="3")
    said = bare.aimux("config", "show", "--origin", "--json", "server", env=env)
    rows = {row["key"]: row for row in json.loads(said.out)}

    assert rows["server.log_level"]["value"] == "debug"
    assert rows["server.log_level"]["where"].endswith("default.yaml:2")
    assert rows["server.max_concurrent_jobs"]["origin"] == "environment"
    assert not [key for key in rows if not key.startswith("server.")]


def test_an_unknown_key_suggests_a_known_one(bare: Machine) -> None:
    """It is a usage error."""
    said = bare.aimux("config", "show", "server.max_concurent_jobs")

    assert said.code == 2
    assert "did you mean server.max_concurrent_jobs?" in said.err
    assert "aimux config show lists them" in bare.aimux("config", "show", "zzzz").err


def test_check_names_each_fault_with_its_line(bare: Machine) -> None:
    """What was left out makes exit code 1."""
    (bare.config / "default.yaml").write_text(
        "server:\n  log_level: loud\n  max_jobs: 3\n", encoding="utf-8"
    )
    said = bare.aimux("config", "check")

    assert said.code == 1
    assert "default.yaml:2" in said.out
    assert "default.yaml:3" in said.out


def test_check_reads_what_is_read_only_when_it_is_wanted(bare: Machine) -> None:
    """Skills, agents, domains, audit rules and workflows; the doctor tells the same."""
    broken = {
        "skills.d/spins.md": "---\ndescription: spins\n---\n{% for a in range(9) %}{% endfor %}\n",
        "agents.d/mine.md": "---\ndescription: [\n---\nRead.\n",
        "domains.d/mine.yaml": "areas: [\n",
        "audit-rules.d/mine.yaml": "match: [\n",
        "workflows.d/mine.yaml": "steps:\n- {tool: exec, arguments: {promt: x}}\n- {tool: nope}\n",
        "workflows.d/other.yml": "steps: []\n",
    }
    for name, text in broken.items():
        path = bare.config / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    said = bare.aimux("config", "check")
    found = bare.aimux("doctor").out

    assert said.code == 1
    assert [name for name in broken if f"{bare.config / name}:" not in said.out] == []
    faults = len(broken) + 2  # of one workflow three
    assert [each.partition(":")[0] for each in said.out.splitlines()] == ["error"] * faults
    assert "did you mean prompt? @" in said.out
    assert "steps[1].tool: unknown tool 'nope'" in said.out
    assert f"{bare.config}/workflows.d/mine.yaml:3" in said.out
    assert [name for name in broken if f"{bare.config / name}:" not in found] == []


def test_check_of_a_sound_configuration_is_quiet(bare: Machine) -> None:
    """Nothing on stdout."""
    said = bare.aimux("config", "check")

    assert said.code == 0
    assert said.out == ""


def test_path_says_where_things_are(bare: Machine) -> None:
    """Also those that do not exist yet."""
    paths = json.loads(bare.aimux("config", "path", "--json").out)

    assert paths["your settings"] == str(bare.config / "default.yaml")
    assert paths["your workflows"] == str(bare.config / "workflows.d")
    assert paths["project skills"].endswith("/.aimux/skills.d")
    assert "project workflows" not in paths
    assert paths["store"] == str(bare.root / "state" / "sessions.db")


def test_clis_without_any_say_what_to_do(bare: Machine) -> None:
    """Exit code 1: nothing can be run."""
    said = bare.aimux("clis")

    assert said.code == 1
    assert "install Codex" in said.out
    assert "aimux doctor" in said.err


def test_clis_lists_what_is_ready(machine: Machine) -> None:
    """With version and how hard their read mode is."""
    states = {each["name"]: each for each in json.loads(machine.aimux("clis", "--json").out)}

    assert states["codex"]["is_ready"] is True
    assert states["codex"]["read_strength"] == "sandbox"
    assert states["gemini"]["is_ready"] is False


def test_the_doctor_finds_a_usable_machine(machine: Machine) -> None:
    """Every part is looked at."""
    said = machine.aimux("doctor", "--json")
    found = {each["what"]: each["verdict"] for each in json.loads(said.out)}

    assert said.code == 0
    assert {
        found[what] for what in ("versions", "configuration", "state", "store", "server", "codex")
    } == {"ok"}


@pytest.mark.requirement("traces:extra")
def test_the_doctor_says_whether_jobs_are_traced(bare: Machine) -> None:
    """And what is in the way."""
    (bare.config / "default.yaml").write_text("telemetry:\n  traces: on\n", encoding="utf-8")
    said = bare.aimux("doctor", env=bare.env(OTEL_EXPORTER_OTLP_PROTOCOL="grpc")).out

    assert re.search(r"warn +traces +no traces: OTEL_EXPORTER_OTLP_PROTOCOL is grpc", said)
    assert "-> set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf" in said


@pytest.mark.parametrize(
    ("told", "verdict", "said", "remedy"),
    [
        ({"is_on": True, "jobs": {"exported": 3}}, "ok", "on, 3 jobs exported", ""),
        ({"is_on": True, "jobs": {"exported": 1}}, "ok", "on, 1 job exported", ""),
        (
            {"is_on": True, "jobs": {"exported": 3, "failed": 2, "dropped": 1}},
            "warn",
            "on, 3 jobs exported, 2 failed, 1 dropped",
            "see that the collector runs",
        ),
        (
            {"is_on": True, "problem": "x is not known", "remedy": "say y", "jobs": {"failed": 1}},
            "warn",
            "x is not known, 1 failed",
            "say y",
        ),
        (
            {"is_on": False, "problem": "no traces: x", "remedy": "do y"},
            "warn",
            "no traces: x",
            "do y",
        ),
    ],
)
def test_what_traces_lost_is_no_good_news(
    told: dict[str, object], verdict: str, said: str, remedy: str
) -> None:
    """With the way out."""
    (found,) = _traces({"traces": told})

    assert (found.what, found.verdict, found.said) == ("traces", verdict, said)
    assert found.remedy.startswith(remedy)
    assert bool(found.remedy) is bool(remedy)
    assert not found.is_vital


def test_traces_that_nobody_asked_for_are_not_told_of() -> None:
    """Nor by a server of before them."""
    assert _traces({"traces": {"is_on": False, "problem": None, "jobs": {}}}) == []
    assert _traces({}) == []


def test_the_doctor_of_a_bare_machine_names_remedies(bare: Machine) -> None:
    """And the directories searched."""
    said = bare.aimux("doctor")

    assert said.code == 1
    assert "0 of 12 ready" in said.out
    assert str(bare.root / "bin") in said.out
    assert "-> install Codex" in said.out


def test_the_doctor_names_a_state_directory_that_cannot_be_made(bare: Machine) -> None:
    """The remedy is a variable."""
    (bare.root / "file").write_text("", encoding="utf-8")
    said = bare.aimux("doctor", env=bare.env(AIMUX_STATE_DIR=str(bare.root / "file")))

    assert said.code == 1
    assert "name a writable AIMUX_STATE_DIR" in said.out


def test_the_doctor_names_faults_of_the_configuration(bare: Machine) -> None:
    """With file and line; those of skills too."""
    (bare.config / "default.yaml").write_text("server:\n  log_level: loud\n", encoding="utf-8")
    skill = bare.config / "skills.d" / "mine.md"
    skill.parent.mkdir()
    skill.write_text("---\ndescription: [\n---\nDo it.\n", encoding="utf-8")
    said = bare.aimux("doctor").out

    assert "default.yaml:2" in said
    assert re.search(r"bad +configuration .*mine.md:\d", said)


def test_the_doctor_shows_what_killed_servers_left(bare: Machine) -> None:
    """Prompts in clear must not stay unseen."""
    left = bare.root / "state" / "tmp" / "own_dead"
    left.mkdir(parents=True)
    (left / "prompt-1.md").write_bytes(b"x" * 200_000)
    left.with_name("own_dead.lock").write_text("0123456789ab", encoding="utf-8")
    said = bare.aimux("doctor", env=bare.env(AIMUX_STATE_DIR=str(bare.root / "state")))

    assert "1 left by servers that were killed, 0.2 MB" in said.out
    assert "aimux gc" in said.out
