"""Everything a CLI can do badly ends in the right state, in time, and leaves no process behind."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import attrs
import pytest

from ..extent import some
from ._each import each
from ._host import Host, error_of
from ._stand import CLIS, GRACE_S, Stand, make_stand

End = tuple[object, object, object]  # status, error class, error code

DONE: Final[End] = ("completed", None, None)
TIMED_OUT: Final[End] = ("timed_out", "timeout", "timed_out")
BAD_EXIT: Final[End] = ("partial", "unknown", "turn_failed")
EMPTY: Final[End] = ("failed", "transient", "empty_answer")
RUNAWAY: Final[End] = ("failed", "fatal", "runaway")
CUT: Final[End] = ("partial", "transient", "network")
NO_WORD: Final[End] = ("failed", "unknown", "no_answer")
CRASHED: Final[End] = ("failed", "usage", "cli_crashed")
RATE: Final[End] = ("failed", "quota", "rate_limited")
AUTH: Final[End] = ("failed", "auth", "not_authenticated")

# no record says that the turn is over: a child that stays has only its deadline
ENDLESS: Final = dict.fromkeys(("aider", "continue", "crush", "gptme", "opencode"), TIMED_OUT)
# what it printed up to its end is all there is to be had of it
TEXTS: Final = dict.fromkeys(("aider", "continue", "crush"), ("partial", *CRASHED[1:]))

SHORT_S: Final = 3.0  # for those that never end by themselves
LONG_S: Final = 55.0  # for those that do


@attrs.frozen
class Case:
    """A fault, how it ends, for whom it ends otherwise, and how long it gets."""

    fault: str
    end: End
    others: Mapping[str, End] = attrs.field(factory=dict)
    limit_s: float = LONG_S

    def expected(self, clis: Iterable[str]) -> dict[str, End]:
        return {cli: self.others.get(cli, self.end) for cli in clis}


CASES: Final = (
    Case("hang_before", TIMED_OUT, limit_s=SHORT_S),
    Case("hang_after_result", DONE, ENDLESS, limit_s=SHORT_S),
    Case("hang_after_result; ignore_term; ignore_int", DONE, ENDLESS, limit_s=SHORT_S),
    Case("hang_before; ignore_term; ignore_int", TIMED_OUT, limit_s=SHORT_S),
    Case("fork_holds_stdout 600", DONE),
    Case("orphan_session 600", DONE),
    Case("flood_stderr 100000", DONE),
    Case("split_utf8", DONE),
    Case("bad_utf8", DONE),
    Case("no_final_newline", DONE),
    Case("big_line 2000000", DONE),
    Case("big_output 1000000", DONE),
    Case("noise 3", DONE),
    Case("cr_spinner", DONE),
    Case("drip 0.01", DONE),
    Case("marker_in_text", DONE),
    Case("silent 0.5", DONE),
    Case("refuse", DONE),
    Case("exit 3", BAD_EXIT),
    Case("crash_mid_json 139", CRASHED, TEXTS),
    Case("empty", EMPTY, {"continue": NO_WORD}),
    Case(
        "cut",
        CUT,
        {
            # these end as if all were well, and nothing they print says otherwise
            **dict.fromkeys(("aider", "claude", "continue", "crush", "droid", "goose"), DONE),
            "gptme": DONE,
            "codex": ("failed", "transient", "network"),
            "opencode": ("partial", "fatal", "runaway"),  # it asks again for ever
        },
    ),
    Case("plain", DONE),
    Case("no_result", DONE),
    Case("die heap", ("failed", "fatal", "out_of_memory")),
    Case("die shim", ("failed", "usage", "no_runtime_version")),
    Case("die node", CRASHED),
    Case("quota", ("failed", "quota", "quota_exhausted")),
    Case("rate_limit", RATE),
    Case("auth", AUTH),
    Case("model_missing", ("failed", "model_unavailable", "model_unavailable")),
    Case("context", ("failed", "fatal", "context_overflow")),
    Case("server_error", ("failed", "transient", "server_error")),
    Case("auth_prompt", TIMED_OUT, limit_s=SHORT_S),
    Case(
        "exit0_error",
        EMPTY,
        {
            "aider": AUTH,
            "cline": ("failed", "unknown", "output_cut"),
            "continue": NO_WORD,
            "crush": ("partial", "quota", "rate_limited"),
            "goose": RATE,
            "gptme": DONE,  # a cut stream: the fragment looks like an answer
            "opencode": ("failed", "fatal", "tools_denied"),
            "qwen": ("partial", "auth", "not_authenticated"),
        },
    ),
)

# each CLI has a third of the faults, and those that it ends in a way of its own
ASKED: Final = {
    case.fault: [cli for cli in CLIS if cli in case.others or cli in some(CLIS[at % 3 :], each=3)]
    for at, case in enumerate(CASES)
}


@pytest.fixture(scope="module")
def stand(module_dir: Path) -> Stand:
    """Room for all twelve at once, tight caps, and no memory of quotas."""
    made = make_stand(
        module_dir / "machine", max_concurrent_jobs=12, max_concurrent_turns=12, max_chars=100_000
    )
    for cli in CLIS:
        made.overlay(
            cli,
            stop={"grace_s": GRACE_S, "leave_s": GRACE_S},
            model={"cooldown_s": 0.0001},
            limits={"max_steps": 40, "max_events": 1_000},
        )
    return made


@pytest.mark.requirement("faults:class")
@pytest.mark.requirement("faults:no_process_left")
@pytest.mark.parametrize("case", CASES, ids=[case.fault for case in CASES])
async def test_faults_end_as_they_should(host: Host, stand: Stand, case: Case) -> None:
    """State, class and code per CLI; then nothing of the machine is alive."""
    durations: dict[str, float] = {}

    async def one(cli: str) -> End:
        body = await host.exec(
            f"[[fault {case.fault}]] say PELICAN", cli=cli, timeout_seconds=case.limit_s
        )
        durations[cli] = float(str(body["duration_ms"])) / 1000
        if body["status"] == "completed" and "refuse" not in case.fault:
            assert body["content"], body
        return body["status"], *error_of(body)

    is_sleeping = case.limit_s == SHORT_S
    clis = ASKED[case.fault]
    found = await each(one, clis, at_once=12 if is_sleeping else 4)
    left = stand.survivors()

    assert found == case.expected(clis)
    assert left == {}
    assert {cli: s for cli, s in durations.items() if s > case.limit_s + 10} == {}


@pytest.mark.requirement("faults:runaway")
async def test_runaways_are_ended_by_their_caps(host: Host, stand: Stand) -> None:
    """Endless steps: by the number of steps where they can be counted, else by the deadline."""

    async def one(cli: str) -> End:
        body = await host.exec("[[fault endless_steps]] go", cli=cli, timeout_seconds=20)
        return body["status"], *error_of(body)

    countable = sorted(set(CLIS) - {"aider", "continue", "crush", "droid", "opencode"})
    found = await each(one, countable, at_once=8)

    assert found == dict.fromkeys(countable, RUNAWAY)
    assert stand.survivors() == {}


@pytest.mark.requirement("faults:partial_text")
async def test_a_timeout_keeps_what_was_said(host: Host) -> None:
    """The whole answer stands in a result that timed out."""
    body = await host.exec(
        "[[say 300]] [[fault hang_after_result]]", cli="opencode", timeout_seconds=SHORT_S
    )

    assert (body["status"], len(str(body["content"]))) == ("timed_out", 300)


@pytest.mark.requirement("resources:raw")
async def test_what_a_cli_printed_can_be_read(host: Host) -> None:
    """Each turn and stream with its size; of much, both ends."""
    body = await host.exec("[[fault flood_stderr 10000]] [[say 300000]]", cli="claude")
    found = await host.answer(
        await host.post("resources/read", {"uri": f"aimux://jobs/{body['job_id']}/raw"})
    )
    text = str(found["result"]["contents"][0]["text"])  # type: ignore[index]
    heads = [line for line in text.splitlines() if line.startswith("--- ")]
    total, left_out, errors = (int(re.findall(r"\d+", line)[-1]) for line in heads)

    assert [re.sub(r"\d{3,}", "N", line) for line in heads] == [
        "--- turn 1, stdout: N bytes",
        "--- N bytes are left out here",
        "--- turn 1, stderr: N bytes",
    ]
    assert left_out == total - 2 * 65_536 > 0
    assert errors >= 10_000
    assert text.splitlines()[1].startswith("{")
    assert "emulated flood on stderr" in text
    assert len(text) < 2 * 65_536 + errors + 200


@pytest.mark.requirement("faults:transient_again")
async def test_transient_failures_are_tried_once_more(host: Host, stand: Stand) -> None:
    """The second attempt answers, and both are listed."""
    turns = stand.home / ".emulator" / "claude.turns"
    turns.unlink(missing_ok=True)
    body = await host.exec("[[fault fail_first 1 server_error]] say PELICAN", cli="claude")
    outcomes = [attempt["outcome"] for attempt in body["attempts"]]  # type: ignore[attr-defined]

    assert (body["status"], outcomes) == ("completed", ["transient", "completed"])


@pytest.mark.requirement("faults:stderr_tail")
async def test_a_failure_brings_exit_code_and_stderr(host: Host) -> None:
    """With the CLI's own words, and a hint."""
    body = await host.exec("[[fault auth]] go", cli="gptme")
    error = body["error"]
    assert isinstance(error, dict)

    assert body["exit_code"] == 76
    assert body["stderr_tail"]
    assert error["hint"]
    assert error["message"].startswith("gptme: ")
