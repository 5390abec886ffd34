"""A machine whose emulated CLIs do everything the page shows, and the jobs that make them do it."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import attrs

from ..daemon._world import World, open_host
from ..e2e._host import Host, payload

QUESTION: Final = "Is TOTAL in orders.py one?"
QUOTE: Final = "TOTAL = 1  # of all orders"
TOPIC: Final = "Should TOTAL in orders.py be cached?"
FOR: Final = "Every read adds up ten thousand orders again."
AGAINST: Final = "A write on another host leaves the total stale."
TASK: Final = "Write a plan for the cache of orders.py."
DRAFT: Final = "# Plan\n\nKeep TOTAL in memory for 60 s."
STALE: Final = {
    "point": "a write leaves a stale total",
    "evidence": [{"path": "orders.py", "line": 1, "quote": QUOTE}],
}
SHOP: Final = """import subprocess


def run(name):
    return subprocess.run("ls " + name, shell=True, check=True)


def total(items):
    last = items[len(items)]
    return sum(items) + last
"""
FOUND: Final = {
    "category": "correctness", "severity": "high", "path": "shop.py", "line": 9,
    "quote": "last = items[len(items)]", "title": "reads past the end",
    "scenario": "any list raises IndexError", "fix": "items[-1]",
}  # fmt: skip
GUESSED: Final = {**FOUND, "title": "invented", "line": 4, "quote": "def frobnicate(every, thing):"}
LOOKED: Final = {
    "description": "Every order is priced anew in the loop", "severity": "P1",
    "confidence": "VERIFIED", "source": "shop.py", "coverage_area": "cpu_hotspots",
    "evidence": [{"path": "shop.py", "line": 10, "quote": "return sum(items) + last"}],
}  # fmt: skip
HOSTILE: Final = """# Hello <script>window.pwned = 1</script>

<img src=x onerror="window.pwned = 2"><style>body { display: none }</style>
<iframe src="http://evil.example/"></iframe>

[click me](javascript:window.pwned=3) [data](data:text/html,<script>window.pwned=4</script>)
[bank](https://evil.example/login) ![tracker](http://evil.example/pixel.png) https://plain.example/

Bidi: \u202eevil\u202c and \u2066isolated\u2069; zero\u200bwidth; bell \u0007;
escape \u001b[31mred\u001b[0m

| a | b |
|---|---|
| <b>no</b> | `code <script>` |

1. first
2. second
   - nested `x`

> quoted <script>alert(1)</script>

```html
<script>window.pwned = 5</script>
```

"""
MARKDOWN: Final = """## What I found

The total is **cached** in `orders.py`, and *three* things follow:

1. It is stale after a write
2. It is never dropped
   - not on start
   - not on error

```python
TOTAL = sum(orders)
```

```diff
--- a/orders.py
+++ b/orders.py
@@ -1,2 +1,3 @@
-TOTAL = 1
+import functools
+TOTAL = 2
 # end
```

| way | reads | writes |
|---|---|---|
| cache | fast | slow |
| none | slow | fast |
"""


def member(answer: str, quote: str = "") -> dict[str, Any]:
    claim: dict[str, Any] = {"text": f"the file says {answer}"}
    if quote:
        claim["evidence"] = [{"path": "orders.py", "line": 1, "quote": quote}]
    return {
        "position": f"The answer is {answer}.", "answer": answer, "claims": [claim],
        "would_change": "another value in the file",
    }  # fmt: skip


def argues(opening: str, against: str, closing: str) -> list[dict[str, Any]]:
    attacks = [
        {"quote": quote, "reply": "It is not so."} for quote in (against, "Never said by anybody.")
    ]
    return [
        {"when": "Give your opening", "say": {"text": opening}},
        {"when": "Rebut it in JSON", "say": {"text": "Look at it again.", "attacks": attacks}},
        {"when": "Close in JSON", "say": {"text": closing}},
    ]


def ruling(winner: str) -> dict[str, Any]:
    return {
        "winner": winner, "confidence": 0.8,
        "points": [{"claim": "reads are many", "held_by": "first", "weight": 0.7}],
        "unresolved": ["how many hosts there are"],
        "recommendation": "Cache it, and tell the hosts.",
    }  # fmt: skip


def scans(*findings: Any) -> dict[str, Any]:
    said = {"findings": list(findings), "files_read": ["shop.py"]}
    return {"when": "Look for defects", "say": said}


def verdicts() -> dict[str, Any]:
    said = [{"finding": at, "state": "stands", "why": "looked"} for at in range(1, 6)]
    return {"when": "Try to refute", "say": {"verdicts": said}}


ENDORSES: Final = {
    "when": "independent answers",
    "say": {"content": "It is one.", "endorses": 1, "open_questions": ["for how long?"]},
}
REVIEW: Final = {
    "when": "Review a change before it is taken over",
    "say": {
        "hunks": [
            {"hunk": 0, "verdict": "approved", "comment": "two is what was asked for"},
        ]
    },
}
COMMON: Final = [
    {"when": "hostile text", "say": HOSTILE},
    {"when": "tell me in Markdown", "say": MARKDOWN},
    {"when": "first task", "say": "alpha"},
    {"when": "second task", "say": "beta"},
    {"when": "breaks here", "fault": "context"},
]
SCRIPTS: Final[Mapping[str, list[dict[str, Any]]]] = {
    "codex": [
        ENDORSES,
        {"when": QUESTION, "say": member("yes", QUOTE)},
        *argues(FOR, AGAINST, "Reads decide it."),
        {"when": "the next draft is yours", "say": DRAFT + " Drop it on every write."},
        {"when": "You are the proposer", "say": DRAFT},
        scans(FOUND, GUESSED), verdicts(),
        {"when": "to two", "write": {"orders.py": "TOTAL = 2  # of all orders\n"}, "say": "Done."},
        {"when": "order total slow", "say": {"findings": [LOOKED]}},
        *COMMON,
    ],
    "claude": [
        ENDORSES,
        {"when": QUESTION, "say": member("yes", QUOTE)},
        *argues(AGAINST, FOR, "Staleness decides it."),
        {"when": "Drop it on every write", "say": {"blocking": [], "notes": ["name the metric"]}},
        {"when": "You are the critic", "say": {"blocking": [STALE], "notes": []}},
        scans(), verdicts(), REVIEW, *COMMON,
    ],
    "gemini": [
        ENDORSES,
        {"when": QUESTION, "say": member("no", "TOTAL = 2  # of all orders")},
        {"when": "The first speaker argues for it", "say": ruling("first")},
        {"when": "You judge them", "say": ruling("second")},
        {"when": "order total slow", "say": {"findings": [{**LOOKED, "severity": "P2",
            "description": "A lock is held during pricing", "coverage_area": "concurrency",
            "evidence": [{"path": "locks.py", "line": 3, "quote": "with lock: price(order)"}]}]}},
        *COMMON,
    ],
    "qwen": [{"when": QUESTION, "fault": "quota"}, *COMMON],
}  # fmt: skip


@attrs.define(eq=False)
class Stage:
    """The machine, a client of its daemon, and the jobs that were done by name."""

    world: World
    host: Host
    jobs: dict[str, dict[str, Any]] = attrs.field(factory=dict)

    def link(self) -> str:
        """A link of `aimux dashboard`."""
        return self.aimux("dashboard", "--no-open").strip()

    def aimux(self, *words: str) -> str:
        ran = subprocess.run(
            [sys.executable, "-m", "aimux", *words],
            env=self.world.env, cwd=self.world.stand.project(), capture_output=True,
            text=True, encoding="utf-8", check=False, timeout=120,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    async def call(self, name: str, tool: str, /, **arguments: Any) -> dict[str, Any]:
        """Call a tool and keep what it came to under a name."""
        params = {"name": tool, "arguments": arguments}
        body: Any = payload(await self.host.answer(await self.host.post("tools/call", params)))
        self.jobs[name] = body
        return dict(body)

    def id_of(self, name: str) -> str:
        return str(self.jobs[name]["job_id"])


def prepare(world: World) -> None:
    """Files of the project, and what each CLI says to what."""
    tree = world.stand.project()
    (tree / "orders.py").write_text(f"{QUOTE}\n", encoding="utf-8")
    (tree / "shop.py").write_text(SHOP, encoding="utf-8")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgSign=false"]
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "first"]):
        subprocess.run([*git, *words], cwd=tree, check=True, capture_output=True)
    for cli, script in SCRIPTS.items():
        world.stand.emulate([cli], script=script)
    world.stand.emulate(["goose"])


@asynccontextmanager
async def open_stage(world: World) -> AsyncIterator[Stage]:
    """The machine with a client of its daemon; nothing was done yet."""
    async with open_host(world) as host:
        yield Stage(world, host)


async def do_everything(stage: Stage) -> None:
    """One job of each kind that the page has a view for."""
    wait: dict[str, Any] = {"wait_seconds": 60}
    call = stage.call
    await call("exec", "exec", prompt="tell me in Markdown", cli="codex", **wait)
    await call("hostile", "exec", prompt="hostile text", cli="claude", **wait)
    await call("failed", "exec", prompt="it breaks here", cli="gemini", role="codereview", **wait)
    await call(
        "consensus", "consensus", prompt=QUESTION, clis=["codex", "claude", "gemini", "qwen"],
        choices=["yes", "no"], **wait,
    )  # fmt: skip
    await call(
        "debate", "debate", topic=TOPIC, pro_cli="codex", con_cli="claude", judge_cli="gemini",
        **wait,
    )  # fmt: skip
    await call("dialog", "dialog", prompt=TASK, cli_a="codex", cli_b="claude", **wait)
    await call("audit", "audit", clis=["codex"], **wait)
    await call(
        "pair", "exec", prompt="Set TOTAL to two.", pair=True, cli="codex", reviewer="claude",
        verify=[f"{sys.executable} -c 'import orders; assert orders.TOTAL > 1'"], **wait,
    )  # fmt: skip
    await call("workflow", "workflow", name="ship", steps=STEPS, **wait)
    await call(
        "investigation", "investigate", action="auto", question="Why is the order total slow?",
        clis=["codex", "gemini"], domain="performance", **wait,
    )  # fmt: skip


def _step(id_: str, prompt: str, cli: str = "codex", **more: Any) -> dict[str, Any]:
    return {"id": id_, "tool": "exec", "arguments": {"cli": cli, "prompt": prompt}, **more}


STEPS: Final = [
    _step("plan", "the first task"),
    _step("code", "the second task", needs=["plan"]),
    _step("docs", "the second task", "claude", needs=["plan"]),
    _step("check", "it breaks here", "gemini", needs=["code"]),
    _step("ship", "the first task", needs=["check", "docs"]),
]


def shown(body: object) -> str:
    """A value for a message."""
    return json.dumps(body)[:2000]


def root_of(world: World) -> Path:
    return world.stand.root
