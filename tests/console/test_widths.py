"""Tables at terminals of every width: columns go, ids stay, and what is cut says so."""

import json
import re

import pytest
from rich.cells import cell_len

from .. import needs
from ..extent import some
from ._terminal import at_terminal
from .conftest import Machine

pytestmark = [
    pytest.mark.slow,
    needs.terminals,
]

PROMPT = "Review the last commit, 日本語 and all, and say what is wrong with it line by line"
ID = re.compile(r"\b(?:job|ses)_[0-9A-Z]{26}\b")
WIDTHS = (40, 60, 80, 120)
TITLES = {
    ("ps -a", 40): "job status",
    ("ps -a", 60): "job status CLI age",
    ("ps -a", 80): "job status CLI age prompt",
    ("ps -a", 120): "job status CLI model role age took prompt",
    ("sessions", 40): "session status",
    ("sessions", 60): "session status CLI age",
    ("sessions", 80): "session status CLI age directory",
    ("sessions", 120): "session status CLI role turns age directory",
    ("clis", 40): "CLI state version",
    ("clis", 60): "CLI state version read why",
    ("clis", 80): "CLI state version read resume why",
    ("clis", 120): "CLI state version read resume why",
    ("config show server", 40): "key value",
    ("config show server", 60): "key value",
    ("config show server", 80): "key value",
    ("config show server", 120): "key value",
    ("config show --origin roles", 40): "key value where",
    ("config show --origin roles", 60): "key value where",
    ("config show --origin roles", 80): "key value origin where",
    ("config show --origin roles", 120): "key value origin where",
}


@pytest.fixture(scope="module")
def job(served: Machine) -> dict[str, str]:
    """A job with a role and a long prompt."""
    said = served.aimux("run", "--json", "-c", "codex", "-r", "codereview", PROMPT)
    body: dict[str, str] = json.loads(said.out)
    return body


@pytest.mark.parametrize(("command", "columns"), some(list(TITLES), each=3))
def test_a_table_fits(served: Machine, job: dict[str, str], command: str, columns: int) -> None:
    """Without a colour in it, when that is asked for."""
    code, said = at_terminal(served, *command.split(), columns=columns, env={"NO_COLOR": "1"})
    table = said.split("\n\n", maxsplit=1)[0].splitlines()  # remedies follow, whole
    ids = {job["job_id"], job["session_id"]} & set(ID.findall(said))

    assert code == 0
    assert "\x1b" not in said
    assert " ".join(table[0].split()) == TITLES[command, columns]
    assert set(table[1]) == {"─"}
    if columns > 40 or "config" not in command:
        assert max(map(cell_len, table)) <= columns
    if command in ("ps -a", "sessions"):
        assert len(ids) == 1
        assert not any("job_" in line.replace(each, "") for each in ids for line in table[2:])


@pytest.mark.parametrize("columns", [80, 120])
def test_a_prompt_that_is_cut_ends_with_an_ellipsis(
    served: Machine, job: dict[str, str], columns: int
) -> None:
    """It begins as it does."""
    _, said = at_terminal(served, "ps", "-a", columns=columns, env={"NO_COLOR": "1"})
    line = next(each for each in said.splitlines() if job["job_id"] in each)

    assert "  Review" in line
    assert line.endswith("…")


@pytest.mark.parametrize("command", ["ps -a", "sessions", "clis", "config show --origin server"])
def test_a_pipe_gets_every_column_whole(served: Machine, job: dict[str, str], command: str) -> None:
    """Whatever COLUMNS says."""
    del job
    said = served.aimux(*command.split(), env=served.env(COLUMNS="40"))
    head, *rows = said.out.splitlines()

    assert "…" not in said.out
    assert "\x1b" not in said.out
    assert len(head.split()) == {"ps -a": 8, "sessions": 7, "clis": 6}.get(command, 4)
    if command == "ps -a":
        assert any(row.endswith(PROMPT) for row in rows)


def test_the_demo_fits_a_narrow_terminal(served: Machine) -> None:
    """Its table and its box; commands that may be copied are whole."""
    code, said = at_terminal(served, "demo", "--emulated", columns=40, env={"NO_COLOR": "1"})
    lines = said.splitlines()

    assert code == 0
    assert "\x1b" not in said
    assert max(map(cell_len, lines[: lines.index("")])) <= 40
    assert all(cell_len(line) == 40 for line in lines if line.startswith(("╭", "│", "╰")))
    assert ID.findall(next(line for line in lines if line.startswith("look at it: ")))


@pytest.mark.parametrize("columns", WIDTHS)
def test_a_path_and_a_remedy_are_never_cut(served: Machine, columns: int) -> None:
    """They are there to be copied: the terminal may wrap them."""
    _, paths = at_terminal(served, "config", "path", columns=columns)
    _, clis = at_terminal(served, "clis", columns=columns)

    assert f"{served.config}/default.yaml\n" in paths
    assert "…" not in clis.split("\n\n")[1]
