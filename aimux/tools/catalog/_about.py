"""What each tool is for, in one table: its description is made from it.

Six parts in one order, so that models and people find the same thing in the same place. CHOOSE
names other tools, HOW the parameters that matter.
"""

from collections.abc import Mapping
from typing import Final

import attrs


@attrs.frozen(kw_only=True)
class About:
    """The parts of a description, each one clause or a few."""

    what: str
    when: str
    why: str
    how: str
    never: str
    choose: str


ABOUT: Final[Mapping[str, About]] = {
    "exec": About(
        what="run one prompt on one AI coding CLI and return its answer",
        when="one CLI can do it: review, debug, plan, code",
        why="a role chooses CLI, model, effort and stance",
        how="prompt and role (or cli); session_id continues a conversation; beyond wait_seconds it "
        "is handed over: status `running` and a job_id",
        never="writing, unless the role writes or mode=write is given",
        choose="background: go on meanwhile; agents: several turns; consensus: several opinions",
    ),
    "status": About(
        what="state, progress and answer of a job",
        when="an answer was handed over, cut short or lost sight of",
        why="it waits, so there is no need to poll",
        how="wait_seconds: until it ends; offset and tail page through content; events_after: what "
        "CLIs did since",
        never="starting or stopping anything",
        choose="sessions: cancel, answer or retry it",
    ),
    "sessions": About(
        what="conversations, jobs, health of CLIs",
        when="something is to be found, ended, answered or cleared away, or a CLI does not answer",
        why="what ran is kept",
        how="action=list, info; answer: text for a job whose CLI asks; retry: the job again; "
        "cancel: politely; kill: at once; gc: remove old ones; reset: breaker and cooldowns of a "
        "CLI; health: who is ready, what runs",
        never="to be undone: kill and gc",
        choose="status: a job's answer; exec: go on",
    ),
    "consensus": About(
        what="ask several CLIs the same question apart, check their evidence against the files, "
        "count what they agree on",
        when="a wrong answer is dear",
        why="tells who held what, who stood alone, who was lost, how far to trust it",
        how="prompt, clis; choices if the answer is one of a few",
        never="changing code; agreement is no proof",
        choose="debate: two alternatives; dialog: a text",
    ),
    "audit": About(
        what="defects of a directory: rules look at every file, CLIs scan, others try to refute; "
        "ordered P0 to P3",
        when="a tree or a change is to be checked",
        why="quotes are looked up",
        how="path, focus, changed_since; mode=quick: rules and scanners, standard: and validators, "
        "deep: and an investigation of each grave finding",
        never="changing anything; no findings is not clean: see phases",
        choose="exec: one file; investigate: one question",
    ),
    "dialog": About(
        what="a proposer drafts, a critic says what blocks it, in turns",
        when="a plan, a design or a text has to hold",
        why="ends once nothing blocks, else tells what is open",
        how="prompt, cli_a, cli_b; session_id goes on",
        never="carrying anything out",
        choose="exec: code; debate: what to do is not settled",
    ),
    "debate": About(
        what="two CLIs argue for and against, a third judges a copy without names in both orders",
        when="a choice has real alternatives",
        why="quotes and evidence are looked up",
        how="topic, pro_cli, con_cli, judge_cli",
        never="facts; it only reads",
        choose="consensus: facts; dialog: plan what is settled",
    ),
    "workflow": About(
        what="tool calls as steps of one job, in order or as soon as what each needs has ended",
        when="the steps are known beforehand",
        why="checked before the first; a later run repeats only what changed",
        how="steps of {id, tool, arguments, needs, when, foreach, retry, retry_delay_ms, "
        "timeout_seconds, on_error: stop|skip|continue, fallback}; texts in arguments may hold "
        "{{input}} and {{id.content}}; when: \"{{review.content}} contains 'P0'\"; resume_from",
        never="steps that change the plan",
        choose="agents: the next step takes judgement",
    ),
    "think": About(
        what="structure your own reasoning: rankings, graphs, calibration, contradictions, "
        "verdicts are computed",
        when="a decision, a risk or a cause is unclear",
        why="what is missing is told as fields",
        how="pattern and prompt alone tell which; clis or consensus merge others' items with yours",
        never="asking any model unless told to",
        choose="investigate: evidence; consensus: opinions",
    ),
    "investigate": About(
        what="one question across calls and restarts: findings with source and confidence, "
        "coverage of areas, when to stop",
        when="a cause is unknown and evidence counts",
        why="places are checked, corrections kept",
        how="start (question), finding or note (nothing there) per area, assess until it may stop, "
        "report; auto: CLIs look, as a job; recall: earlier ones",
        never="fixing anything",
        choose="audit: a whole tree; exec: fix it",
    ),
    "deepresearch": About(
        what="research a topic on the web: a report with its sources",
        when="the answer is not in the code",
        why="by Gemini's research agent; answers are kept and given again with their age",
        how="topic, output_format, files; GEMINI_API_KEY or GOOGLE_API_KEY in the client's "
        "environment; takes minutes",
        never="sources without a key: then a CLI answers of what it knows (provider=fallback)",
        choose="investigate: this code",
    ),
    "agents": About(
        what="agents are instructions for a kind of task: built-in, yours and the project's "
        "(.claude, .codex, …)",
        when="a task takes several turns",
        why="chosen by the task, at work until it is done",
        how="action=run with prompt (agent_id names one); find: who fits, with scores; list, info",
        never="more rights for a project's agent than settings allow",
        choose="exec: one turn; workflow: known steps",
    ),
    "background": About(
        what="exec that returns at once: job_id, place in the queue, the status call to send later",
        when="you have other work meanwhile",
        why="the job outlives this client",
        how="prompt; without role or cli the role is read from it and it only reads",
        never="what you need now",
        choose="exec: wait for it",
    ),
}


def describe(tool: str) -> str:
    """The description of a tool, a line a part."""
    about = ABOUT[tool]
    parts = (
        ("WHAT", about.what),
        ("WHEN", about.when),
        ("WHY", about.why),
        ("HOW", about.how),
        ("NOT", about.never),
        ("CHOOSE", about.choose),
    )
    return "\n".join(f"{name} {said}" for name, said in parts)
