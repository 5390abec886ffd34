"""The shipped prompts as `prompts/list` shows them.

Made by `python tests/packaging/make_prompts.py` from the front matter of `prompts/skills`.
"""

# ruff: noqa: E501

from typing import Final

PROMPTS: Final[list[dict[str, object]]] = [
    {
        "name": "agent-exec",
        "title": "Give a task to an agent",
        "description": "Agent first: see who fits a task, run that one, and fall back to exec only if nobody does",
        "arguments": [
            {"name": "task", "description": "What is to be done", "required": True},
            {
                "name": "agent",
                "description": "Who does it; left out, whoever fits",
                "required": False,
            },
        ],
    },
    {
        "name": "audit",
        "title": "Audit a tree",
        "description": "Scan a directory for defects, order them P0 to P3, send each to where it is mended",
        "arguments": [
            {
                "name": "cwd",
                "description": "The directory; left out, the one you work in",
                "required": False,
            }
        ],
    },
    {
        "name": "background",
        "title": "Run in the background",
        "description": "Start a task that returns at once, with the role that fits its words, and ask for it later",
        "arguments": [
            {"name": "task_description", "description": "What is to be done", "required": True},
            {
                "name": "role",
                "description": "The kind of work; left out, read from the task",
                "required": False,
            },
            {
                "name": "cli",
                "description": "Who does it; left out, the role's CLI",
                "required": False,
            },
        ],
    },
    {
        "name": "consensus",
        "title": "Ask several CLIs",
        "description": "Choose between consensus, debate and dialog for a question, run it, and test what they agree on",
        "arguments": [
            {
                "name": "question",
                "description": "What is to be decided or found out",
                "required": True,
            }
        ],
    },
    {
        "name": "debug",
        "title": "Find and mend a bug",
        "description": "Five phases from a failure to a verified fix: reproduce, investigate, root cause, fix, verify",
        "arguments": [
            {
                "name": "error",
                "description": "The failure, with message and trace; left out, the one you are looking at",
                "required": False,
            }
        ],
    },
    {
        "name": "delegate",
        "title": "Delegate a task",
        "description": "Decide who does a task by its size, hand it over in a form that can be checked, validate what comes back",
        "arguments": [
            {"name": "task", "description": "What is to be done", "required": True},
            {
                "name": "cli",
                "description": "Who does it; left out, the role's CLI",
                "required": False,
            },
        ],
    },
    {
        "name": "guide",
        "title": "Guide",
        "description": "What aimux can do here and now: the CLIs, the roles, the thirteen tools, and which to take for what",
    },
    {
        "name": "investigate",
        "title": "Investigate a question",
        "description": "Gather findings area by area in the domain that fits, until they settle, then write the report",
        "arguments": [
            {
                "name": "topic",
                "description": "The question; left out: how investigations work",
                "required": False,
            },
            {
                "name": "domain",
                "description": "The domain; left out: found by the words of the question",
                "required": False,
            },
        ],
    },
    {
        "name": "research",
        "title": "Research a topic",
        "description": "Four phases: gather sources, compare them, attack your own conclusion, put together what holds",
        "arguments": [
            {"name": "topic", "description": "What is to be found out", "required": True}
        ],
    },
    {
        "name": "review",
        "title": "Review a change",
        "description": "Gather a diff, review it in six dimensions, question the findings, mend what is P0 or P1",
        "arguments": [
            {
                "name": "scope",
                "description": "What is reviewed: staged, unstaged, branch, last-commit, or paths; left out: what is not committed",
                "required": False,
            }
        ],
    },
    {
        "name": "security",
        "title": "Look for security holes",
        "description": "Ten categories over a scope, each answered; findings classified, investigated, mended, scanned again",
        "arguments": [
            {
                "name": "scope",
                "description": "Paths, a module, or all; left out: all",
                "required": False,
            }
        ],
    },
    {
        "name": "tdd",
        "title": "Test first",
        "description": "Red, green, improve, coverage: each with a gate that is checked before the next begins",
        "arguments": [
            {"name": "feature", "description": "The behaviour that is to exist", "required": True}
        ],
    },
    {
        "name": "workflow",
        "title": "Make a workflow",
        "description": "Turn a goal into steps of tool calls that run as one job, ready to be checked and sent",
        "arguments": [
            {
                "name": "goal",
                "description": "What is to come out; left out: how steps are written",
                "required": False,
            }
        ],
    },
]
