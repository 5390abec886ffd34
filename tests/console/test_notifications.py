"""A command of the user's is told of the end of a job."""

import json
import sys
from pathlib import Path

import pytest

from .conftest import make_machine


@pytest.mark.slow
def test_the_end_of_a_job_is_told_by_what_the_configuration_names(tmp_path: Path) -> None:
    """Before the server of the command leaves."""
    machine = make_machine(tmp_path, ["codex"])
    out = tmp_path / "told"
    code = "import sys; open(sys.argv[1], 'w').write(sys.stdin.read())"
    bell = {"bell": {"command": [sys.executable, "-c", code, str(out)]}}
    text = json.dumps({"notifications": bell})  # JSON is YAML
    (machine.config / "default.yaml").write_text(text, encoding="utf-8")
    done = machine.aimux("run", "--json", "-c", "codex", "hello")
    said = json.loads(out.read_text(encoding="utf-8"))

    assert done.code == 0, done.err
    assert (said["event"], said["status"]) == ("job_ended", "completed")
    assert said["job_id"] == json.loads(done.out)["job_id"]
