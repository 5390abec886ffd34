"""All that is told next, in every state: a change of it is read by a person."""

import json

from ..golden import pinned
from .samples import CASES, guided


def test_what_is_told_next_is_as_reviewed(update_golden: bool) -> None:
    """States, calls with their arguments and when, and what not to do; a line each."""
    lines: list[str] = []
    for tool, state in CASES:
        for found in guided(tool, state, "/here"):
            lines.append(f"\n{tool}: {found['state']}" if "state" in found else f"\n{tool}: plan")
            lines += [f"- {json.dumps(each, ensure_ascii=False)}" for each in found["next"]]
            lines += [f"- not: {each}" for each in found.get("do_not", ())]
    text = "\n".join(lines).lstrip() + "\n"

    assert text == pinned("guidance/next.txt", text, update=update_golden)
