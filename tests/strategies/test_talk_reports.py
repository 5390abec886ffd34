"""How dialogs and debates read, pinned in `tests/golden/reports`: each was read by a person."""

import re
from typing import Any, Final

import pytest
import trio.testing

from aimux.model import Work
from aimux.strategies.seats import debate, dialog
from aimux.testing import Reply

from ..golden import pinned, record_of
from . import test_debate as debates, test_dialog as dialogs
from .panels import fake

Clock = trio.testing.MockClock
# both sides are asked at once, so their turns have either number
TURN_IN_TEXT: Final = re.compile(r"\(turn \d+\)")
TURNS: Final = re.compile(r'("turns"): \[[^]]*\]')
TURN: Final = re.compile(r'("\w*turn\w*"): \d+')

DRAFTS: Final = [
    "## Cache\n\nKeep the sum for 60 s.",
    (
        "## Cache\n\n1. Keep the sum for 60 s.\n2. Drop it on a write.\n\n## Not followed\n\nNo "
        "lock: two reads at once do no harm."
    ),
]
POINTS: Final = dialogs.blocks(
    "A write leaves it stale @ it is there: sum = 1",
    "Two reads at once add it up twice @ with lock:",
    notes=("count hits and misses",),
)
INVENTED: Final = "Caches are always wrong, whatever you do."
FACT: Final = "A host that is cut off from the bus keeps an old sum."
REBUTTAL: Final = debates.speech(
    "What is told in time is not stale. See a.py:4 `bus.tell(total)`.",
    debates.AGAINST,
    INVENTED,
    facts=(FACT,),
)
ARGUED: Final[dict[str, Any]] = {
    **debates.TABLE,
    "pro": [debates.PRO_SAYS[0], REBUTTAL, debates.PRO_SAYS[2]],
}
POINT: Final = {"claim": "hosts are told within a second", "held_by": "first", "weight": 0.8}
RULED: Final = {
    "judge": debates.ruling("first", points=[POINT], unresolved=["how long a read takes"]),
    "judge-swapped": debates.ruling("second", points=[{**POINT, "held_by": "second"}]),
}
FINE: Final = dialogs.FINE

CASES: Final[dict[str, tuple[Work, dict[str, Any]]]] = {
    "dialog-passed": (dialog(dialogs.wanted()), {"A": DRAFTS, "B": [POINTS, FINE]}),
    "dialog-open": (dialog(dialogs.wanted(max_turns=2)), {"A": DRAFTS, "B": POINTS}),
    "dialog-unseen": (dialog(dialogs.wanted(max_turns=3)), {"A": DRAFTS, "B": POINTS}),
    "dialog-lost": (dialog(dialogs.wanted()), {"A": DRAFTS, "B": Reply(fails="auth")}),
    "dialog-prose": (
        dialog(dialogs.wanted(max_turns=3)),
        {"A": DRAFTS[0], "B": "Looks good to me."},
    ),
    "debate-ruled": (debate(debates.wanted()), {**ARGUED, **RULED}),
    "debate-flip": (debate(debates.wanted()), {**debates.TABLE, **debates.FIRST_WINS}),
    "debate-forfeit": (debate(debates.wanted()), {**debates.TABLE, "con": Reply(fails="auth")}),
    "debate-unread": (debate(debates.wanted()), {**debates.TABLE, "judge": "The verdict is pro."}),
    "debate-party": (
        debate(debates.wanted(judges={"judge": debates.member("pro")})),
        debates.TABLE,
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_a_report_is_as_reviewed(
    name: str, autojump_clock: Clock, update_golden: bool
) -> None:
    """Markdown that says first what it came to, then how."""
    work, table = CASES[name]
    asking = fake(table)
    report = await work(asking.ask, asking.note)
    text = TURN_IN_TEXT.sub("(turn N)", report.content) + "\n"
    record = TURNS.sub(r"\1: []", TURN.sub(r"\1: 0", record_of(report)))
    places = [f"reports/{name}.md", f"reports/{name}.json"]
    pinned_texts = [
        pinned(place, said, update=update_golden)
        for place, said in zip(places, (text, record), strict=True)
    ]

    assert [text, record] == pinned_texts


@pytest.mark.parametrize("name", ["dialog-passed", "debate-ruled", "debate-party"])
async def test_prompts_are_as_reviewed(
    name: str, autojump_clock: Clock, update_golden: bool
) -> None:
    """What each seat is asked, turn by turn."""
    work, table = CASES[name]
    asking = fake(table)
    await work(asking.ask, asking.note)
    asked = sorted(asking.asked, key=lambda each: each.seat)
    parts = [f"=== {each.seat}\n\n{each.prompt}\n" for each in asked]
    text = TURN_IN_TEXT.sub("(turn N)", "\n".join(parts))

    assert text == pinned(f"reports/{name}.prompts.md", text, update=update_golden)
