"""Where log lines go, and what one holds."""

import json
import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimux.daemon._logging import MAX_LINE, set_up_logging
from aimux.logs import JOB, set_log_level
from aimux.model import LogLevel, ServerSettings

from .. import needs


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """A log in a directory that is not there yet; afterwards the process logs as before."""
    root = logging.getLogger("aimux")
    before = (root.handlers[:], root.level, root.propagate)
    yield tmp_path / "state" / "aimux.log"
    for handler in root.handlers:
        handler.close()
    root.handlers[:], root.propagate = before[0], before[2]
    root.setLevel(before[1])


def _lines(tmp_path: Path) -> list[dict[str, object]]:
    text = (tmp_path / "state" / "aimux.log").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_a_line_holds_event_fields_and_job(tmp_path: Path, path: Path) -> None:
    """One JSON object a line, for those who search; the file is its owner's alone."""
    set_up_logging(path, ServerSettings())
    log = logging.getLogger("aimux.test")
    log.info("a client %s came", 7)
    token = JOB.set("job_1")
    log.warning("two\nlines", extra={"clis": ["codex"], "entries": 3})
    JOB.reset(token)

    plain, told = _lines(tmp_path)
    assert plain.keys() == {"event", "level", "logger", "timestamp"}
    assert (plain["event"], plain["level"]) == ("a client 7 came", "info")
    assert str(plain["timestamp"]).endswith("Z")
    assert told["event"] == "two\nlines"
    assert (told["clis"], told["entries"], told["job"]) == (["codex"], 3, "job_1")
    assert (told["level"], told["logger"]) == ("warning", "aimux.test")
    if os.name != "nt":
        mode = (tmp_path / "state" / "aimux.log").stat().st_mode
        assert stat.S_IMODE(mode) == 0o600


def test_secrets_are_masked_and_long_fields_cut(tmp_path: Path, path: Path) -> None:
    """Wherever they stand: in the event, a field, a list, a traceback."""
    set_up_logging(path, ServerSettings())
    secret = "sk-ant-api03-" + "x" * 40
    try:
        raise ValueError(secret)
    except ValueError:
        logging.getLogger("aimux.test").exception(
            "key %s", secret, extra={"error": secret, "problems": [secret], "text": "y" * 10_000}
        )

    (line,) = _lines(tmp_path)
    assert "x" * 40 not in json.dumps(line)
    assert "ValueError" in str(line["exception"])
    assert len(str(line["text"])) == MAX_LINE


def test_the_level_can_change(tmp_path: Path, path: Path) -> None:
    """Without opening the file again."""
    set_up_logging(path, ServerSettings(log_level=LogLevel.ERROR))
    log = logging.getLogger("aimux.test")
    log.warning("unheard")
    set_log_level(LogLevel.DEBUG)
    log.debug("heard")

    assert [line["event"] for line in _lines(tmp_path)] == ["heard"]


def test_without_a_file_warnings_go_to_stderr(
    tmp_path: Path, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever the level is then: stdout and a person's terminal are for other things."""
    (tmp_path / "state").write_text("in the way", encoding="utf-8")
    set_up_logging(path, ServerSettings(log_level=LogLevel.DEBUG))
    logging.getLogger("aimux.test").info("unheard")
    logging.getLogger("aimux.test").warning("heard")

    told = capsys.readouterr()
    assert told.out == ""
    assert json.loads(told.err)["event"] == "heard"


@needs.modes
def test_a_log_that_was_rotated_is_its_owners_alone_too(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old and new, whatever the umask."""
    monkeypatch.setattr("aimux.daemon._logging.MAX_BYTES", 200)
    before = os.umask(0)
    try:
        set_up_logging(path, ServerSettings())
        for number in range(5):
            logging.getLogger("aimux.test").info("line %s", number)
    finally:
        os.umask(before)
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}

    assert {"aimux.log", "aimux.log.1"} <= modes.keys()
    assert set(modes.values()) == {0o600}


@needs.posix
def test_a_pipe_in_the_place_of_the_log_is_not_waited_for(path: Path) -> None:
    """Nobody may read it for hours; warnings go to stderr then."""
    path.parent.mkdir()
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # else a failure would be to wait
    set_up_logging(path, ServerSettings())
    os.close(reader)
    (handler,) = logging.getLogger("aimux").handlers

    assert type(handler) is logging.StreamHandler
    assert handler.level == logging.WARNING
