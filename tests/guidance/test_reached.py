"""Each state of each tool is seen in an e2e test that says so, and whose seeing is checked."""

import ast
from pathlib import Path

import pytest

from aimux.guidance import STATES

E2E = Path(__file__).parents[1] / "e2e"


def marked() -> dict[str, str]:
    """What tests say that they reach, and which says it; `conftest` holds them to it."""
    found: dict[str, str] = {}
    for file in sorted(E2E.glob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for each in node.decorator_list:
                if isinstance(each, ast.Call) and ast.unparse(each.func) == "pytest.mark.reaches":
                    found |= {str(ast.literal_eval(arg)): node.name for arg in each.args}
    return found


@pytest.mark.requirement("guidance:states")
def test_every_state_is_seen_over_mcp() -> None:
    """And no test waits for a state that there is not."""
    states = {f"{tool}:{state}" for tool, known in STATES.items() for state in known}

    assert sorted(states - marked().keys()) == []
    assert sorted(marked().keys() - states) == []
