"""What a server tells a client to call, in the words of commands."""

import ast
import pathlib
import re
from collections.abc import Iterator

import pytest

from aimux.console._ways import at_a_terminal
from aimux.rules import way_to
from aimux.tools.catalog import TOOLS

ROOM = pathlib.Path(__file__).parents[2] / "aimux"
CALL = re.compile(rf"\b({'|'.join(TOOLS)})\(|\b[a-z_]+=\w")


def hints() -> Iterator[str]:
    """Every hint that is written in the source, with a job's id where something is put in."""
    for path in sorted(ROOM.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.keyword) or node.arg != "hint":
                continue
            inside = {id(part) for each in joined(node) for part in each.values}
            for each in joined(node):
                yield "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "job_1"
                    for part in each.values
                )
            for each in ast.walk(node.value):
                if isinstance(each, ast.Constant) and id(each) not in inside:
                    yield str(each.value)


def joined(node: ast.AST) -> list[ast.JoinedStr]:
    return [each for each in ast.walk(node) if isinstance(each, ast.JoinedStr)]


def test_no_hint_names_a_call_at_a_terminal() -> None:
    """Nobody types `sessions(action=list)` into a shell."""
    found = [*hints(), *(way_to("job_", f"{kind}_1") for kind in ("job", "ses", "thk", "inv"))]

    assert len(found) > 100
    assert sum(CALL.search(each) is not None for each in found) > 15
    assert [each for each in found if CALL.search(at_a_terminal(each))] == []


@pytest.mark.parametrize(
    ("hint", "said"),
    [
        (
            "sessions(action=list, status=all) shows what there is; gc removes what is old",
            "aimux ps -a lists jobs, aimux sessions conversations; gc removes what is old",
        ),
        ("wait for it: status(job_id=job_1, wait_seconds=45)", "wait for it: aimux attach job_1"),
        (
            "pass cwd: the directory, or use mode=read",
            "pass cwd: the directory, or use --mode read",
        ),
        (
            "wait, or sessions(action=reset, cli=qwen); in a terminal: aimux clis --reset qwen",
            "wait, or aimux clis --reset qwen",
        ),
        ("status without turn lists them", "aimux show without --turn lists them"),
        ("log in: claude, then /login", "log in: claude, then /login"),
        ("set AIMUX_BIND_PUBLIC=1", "set AIMUX_BIND_PUBLIC=1"),
    ],
)
def test_a_call_becomes_a_command(hint: str, said: str) -> None:
    """And whatever is none stays as it is."""
    assert at_a_terminal(hint) == said
