"""The machine that the pages speak of: a project, and emulated CLIs that know its questions."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from ._stand import CLIS, Stand, make_stand

Json = dict[str, object]

FILES: Final[Mapping[str, str]] = {
    "orders.py": (
        "def total(prices):\n    result = 0\n    for price in prices:\n        result += price\n"
        "    return result\n"
    ),
    "test_orders.py": "import orders\n\nassert orders.total([1, 2]) == 3\n",
    "cache.py": (
        '"""Totals of orders, kept for a while."""\n\n_kept = {}\n\n\ndef total(order):\n'
        '    """The total of an order."""\n    if order not in _kept:\n'
        "        _kept[order] = load(order)\n    return _kept[order]\n"
    ),
    "shop/shop.py": (
        "import subprocess\n\n\ndef run(name):\n"
        '    return subprocess.run("ls " + name, shell=True, check=True)\n\n\n'
        "def total(items):\n    last = items[len(items)]\n    return sum(items) + last\n"
    ),
    ".claude/agents/importer.md": (
        "---\nname: importer\ndescription: Finds out why an import of orders fails\n"
        "keywords: [encodings]\n---\nLook at encodings first.\n"
    ),
}
END: Final = r"AGENT-DONE-\w+"  # the line by which an agent ends


def _member(answer: str, position: str, claim: str, line: int, quote: str, **more: object) -> Json:
    evidence = [{"path": "cache.py", "line": line, "quote": quote}]
    claims = [{"text": claim, "evidence": evidence}]
    said = {"position": position, "answer": answer, "claims": claims, **more}
    return {"when": "two threads call total()", "say": said}


def _ruling(winner: str) -> Json:
    return {
        "winner": winner,
        "confidence": 0.65,
        "points": [
            {"claim": "the bus tells hosts of a write within a second", "held_by": winner,
             "weight": 0.8},
        ],
        "unresolved": ["how long a read takes"],
        "recommendation": "Cache the total, dropped over the bus on each write.",
    }  # fmt: skip


def _debater(opening: str, attacked: str, reply: str, closing: str) -> list[Json]:
    invented = "Caches are always wrong."
    attacks = [{"quote": each, "reply": reply} for each in (attacked, invented)]
    return [
        {"when": "Give your opening", "say": {"text": opening}},
        {"when": "Rebut it in JSON", "say": {"text": "Look at it again.", "attacks": attacks}},
        {"when": "Close in JSON", "say": {"text": closing}},
    ]


def _failure(cause: str, likelihood: int, impact: int) -> Json:
    return {"cause": cause, "likelihood": likelihood, "impact": impact, "detectability": 4}


def _finding(title: str, line: int, quote: str) -> Json:
    return {
        "category": "correctness", "severity": "high", "path": "shop.py", "line": line,
        "quote": quote, "title": title, "scenario": "any list raises IndexError",
        "fix": "items[-1]",
    }  # fmt: skip


_READS: Final = "Every read adds up all orders again, see orders.py:3 `for price in prices:`."
_REQUESTS: Final = "The file is read by each request, see orders.py:1 `for request in requests`."
_STALE: Final = "A write on another host leaves the total stale."
_PLAN: Final = "1. Copy the table.\n2. Write to both for a day.\n3. Switch reads."
_DRAFT: Final = (
    "# Cache for the order total\n\n1. Keep the total in memory for 60 s (`orders.py:2`)."
)
_WITH_DISCOUNT: Final = (
    "def total(prices, discount=0):\n    result = 0\n    for price in prices:\n"
    "        result += price\n{check}    return result - discount\n"
)
_CHECK: Final = (
    "    if discount > result:\n        raise ValueError(f'a discount of {discount} on {result}')\n"
)
_SCANS: Final = "Look for defects"
# by any CLI that is asked
_EVERYBODY: Final[Sequence[Json]] = [
    {"when": "WAL mode", "say": (
        "- A power cut loses at most transactions that were not synced.\n"
        "- With `synchronous=NORMAL` a commit is not synced by itself.\n"
        "- The file stays whole as long as the disk keeps the order of writes.")},
    {"when": "Try to refute", "say": {"verdicts": [
        {"finding": 1, "state": "stands", "why": "a shell runs it"},
        {"finding": 2, "state": "refuted", "why": "total is called with one more item"},
    ]}},
]  # fmt: skip

# by CLI: the first entry whose `when` stands in the prompt is said
SCRIPTS: Final[Mapping[str, Sequence[Json]]] = {
    "codex": [
        {"when": "Go on with the task", "say": (
            "The header is read before the encoding is known. `cache.py:9` assumes UTF-8.\n\n"
            "Fix: open it with `utf-8-sig`.\n{recalled}"), "recall": END},
        {"when": "# How to end", "say": "I can reproduce it; I look for where it is opened next."},
        _member("yes", "Yes. At worst the total is loaded twice.", "the dict is only written whole",
                9, "_kept[order] = load(order)"),
        *_debater(f"{_READS} {_REQUESTS}", _STALE,
                  "The bus tells every host within a second.", "Cache it."),
        {"when": "the next draft is yours",
         "say": f"{_DRAFT}\n2. Every write to `orders.py` drops it, on all hosts."},
        {"when": "You are the proposer", "say": _DRAFT},
        {"when": "order total slow", "say": {"findings": [{
            "description": "Each price is added one by one", "severity": "P2",
            "confidence": "VERIFIED", "source": "orders.py",
            "evidence": [{"path": "orders.py", "line": 4, "quote": "result += price"}]}]}},
        {"when": "Which functions are in orders.py", "say": {"functions": ["total"]}},
        {"when": "State the plan once more",
         "say": _PLAN.replace("a day.", "a day, with a way back.")},
        {"when": "What goes wrong with this plan", "say": "Step 3 loses writes. No way back."},
        {"when": "Which tests show", "say": "Count rows on both sides before and after."},
        {"when": "Move the orders", "say": _PLAN},
        {"when": "Move billing to the cloud", "say": {
            "failure_modes": [_failure("invoices are lost while the data is migrated", 4, 5),
                              _failure("the team has never run this in the cloud", 4, 3)],
            "verdict": "rethink"}},
        {"when": "a negative total", "write": {"orders.py": _WITH_DISCOUNT.format(check=_CHECK)},
         "say": "It refuses what cannot be."},
        {"when": "Give total() in orders.py a discount",
         "write": {"orders.py": _WITH_DISCOUNT.format(check="")}, "say": "Done."},
        {"when": _SCANS, "say": {"files_read": ["shop.py"], "findings": [
            _finding("reads past the end", 9, "last = items[len(items)]"),
            _finding("invented", 4, "def frobnicate(every, thing):")]}},
    ],
    "claude": [
        _member("yes", "Yes, both may load, and the later one wins.",
                "the check and the write are apart", 8, "if order not in _kept:"),
        *_debater(_STALE, _READS, "It is one number in one file.",
                  "Nobody has shown that a read is slow."),
        {"when": "drops it, on all hosts",
         "say": {"blocking": [], "notes": ["say where hits and misses are shown"]}},
        {"when": "You are the critic", "say": {"blocking": [{
            "point": "a write on another host leaves the total stale"}], "notes": []}},
        {"when": "raise ValueError", "say": {"hunks": [
            {"hunk": 0, "verdict": "approved", "comment": "refuses what cannot be"}]}},
        {"when": "Review a change before it is taken over", "say": {"hunks": [
            {"hunk": 0, "verdict": "changes_requested", "category": "correctness",
             "comment": "a discount above the sum gives a negative total: total([1], 2) is -1"}]}},
        {"when": _SCANS, "say": {"findings": [], "files_read": ["shop.py"]}},
    ],
    "gemini": [
        _member("no", "No, _kept may break under two writers.",
                "the dict is resized without a lock", 4, "with no_lock():",
                open_questions=["May an order change while it is loaded?"]),
        {"when": "order total slow", "say": {"findings": []}},
        {"when": "The first speaker argues for it", "say": _ruling("first")},
        {"when": "You judge them", "say": _ruling("second")},
        {"when": "Move billing to the cloud", "say": {
            "failure_modes": [_failure("invoices are lost while the data is migrated", 2, 5)],
            "verdict": "go_with_mitigations"}},
        {"when": _SCANS, "say": {"findings": [], "files_read": ["shop.py"]}},
    ],
    "qwen": [
        {"when": "independent answers", "say": {
            "content": "Yes, with one reservation: both threads may load the total at once, and "
            "the later write wins.", "endorses": 1,
            "open_questions": ["May an order change while it is loaded?"]}},
    ],
}  # fmt: skip


def make_machine(root: Path) -> Stand:
    """A machine whose project is a repository with one commit."""
    stand = make_stand(root)
    stand.configure(pair={"max_rounds": 3})
    for cli in CLIS:
        stand.emulate([cli], script=[*SCRIPTS.get(cli, ()), *_EVERYBODY])
    project = stand.project()
    for name, text in FILES.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    shutil.rmtree(project / ".git", ignore_errors=True)
    git(stand, "init", "--quiet", "--initial-branch=main")
    git(stand, "add", ".")
    git(stand, "commit", "--quiet", "-m", "Orders and their total")
    return stand


def git(stand: Stand, *words: str) -> None:
    """Plain git in the project."""
    who = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgSign=false")
    command = ["git", *who, *words]
    subprocess.run(command, cwd=stand.project(), env=stand.env, check=True, capture_output=True)
