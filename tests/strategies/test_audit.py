"""Audits over a fake `ask`: phases and their shares, who is lost, who may refute whom."""

import json
from collections.abc import Callable, Mapping, Sequence

import attrs
import pytest
import trio
from trio.testing import MockClock

from aimux.model import (
    Budget,
    ExecutedCheck,
    Finding,
    FindingSeverity,
    JobStatus,
    Report,
)
from aimux.rules.panels import Member
from aimux.strategies import Seat
from aimux.strategies.seats import AuditRequest, Checking, Depth, RuleScan, Scanner, audit
from aimux.testing import FakeAsk, Reply

from .panels import Table, believe, late, panel

HOUR_S = 3_600.0
SHOWN = ["python3", "-c", "check"]


def found(title: str, *, quote: str = "it is there, surely", line: int = 1, **more: object) -> str:
    """A scanner's JSON with one finding."""
    return json.dumps({"findings": [raw(title, quote=quote, line=line, **more)]})


def raw(
    title: str, *, quote: str = "it is there, surely", line: int = 1, **more: object
) -> dict[str, object]:
    return {
        "category": "correctness", "severity": "high", "path": "a.py", "line": line,
        "quote": quote, "title": title, "scenario": "always", **more,
    }  # fmt: skip


def verdicts(*states: str) -> str:
    """A validator's JSON."""
    return json.dumps({
        "verdicts": [
            {"finding": at, "state": state, "why": "looked"}
            for at, state in enumerate(states, start=1)
        ]
    })  # fmt: skip


def investigated(report: str, *command: str, exit_code: int = 42) -> str:
    """An investigator's JSON."""
    check = {"command": list(command), "exit_code": exit_code} if command else None
    return json.dumps({"report": report, "check": check})


def checking(
    exit_code: int | None, control: int | None = 1, why: str = "", ran: list[object] | None = None
) -> Checking:
    """Checks that all end alike."""

    async def run(check: ExecutedCheck, limit_s: float) -> ExecutedCheck:
        if ran is not None:
            ran.append((list(check.command), limit_s))
        await trio.lowlevel.checkpoint()
        return attrs.evolve(check, exit_code=exit_code, control_exit_code=control, why=why)

    return Checking(programs=["python3"], root="/home/me/shop", limit_s=60.0, run=run)


def request(
    depth: Depth = Depth.STANDARD,
    *,
    scanners: str = "A",
    validators: str = "V",
    vendors: Mapping[str, str] | None = None,
    rules: RuleScan | None = None,
    **more: object,
) -> AuditRequest:
    """An audit by seats of these names; each is of a vendor of its own unless `vendors` says."""
    ruled = RuleScan(files=["a.py", "b.py"]) if rules is None else rules

    def member(name: str) -> Member:
        _, members = panel(name)
        vendor = (vendors or {}).get(name, f"vendor-{name}")
        return attrs.evolve(members[name], vendor=vendor)

    def seat(name: str) -> Seat:
        return panel(name)[0][0]

    async def scan() -> RuleScan:
        await trio.lowlevel.checkpoint()
        return ruled

    async def code(findings: Sequence[Finding]) -> Sequence[str]:
        await trio.lowlevel.checkpoint()
        return ["    1 code" for _ in findings]

    kinds = ("correctness", "security", "performance")
    return AuditRequest(
        **{  # type: ignore[arg-type]  # as the tests name them
            "depth": depth,
            "scope": {"path": "/home/me/shop"},
            "scanners": [
                Scanner(seat=seat(name), member=member(name), categories=[kinds[at]])
                for at, name in enumerate(scanners)
            ],
            "validators": [(seat(name), member(name)) for name in validators],
            "scan": scan,
            "check": believe,
            "code": code,
            "limit_s": HOUR_S,
            "scanner_limit_s": 600.0,
            "validator_limit_s": 300.0,
            **more,
        }
    )


def play(wanted: AuditRequest, said: Table, budget: Budget | None = None) -> tuple[Report, FakeAsk]:
    """The report of an audit whose time is not ours."""
    return trio.run(_play, wanted, said, budget, clock=MockClock(autojump_threshold=0))


async def _play(wanted: AuditRequest, said: Table, budget: Budget | None) -> tuple[Report, FakeAsk]:
    ask = FakeAsk(_reply(said), budget=budget or Budget())
    return await audit(wanted)(ask.ask, ask.note), ask


def _reply(table: Table) -> Callable[[str, str], Reply | str]:
    """Investigators are called by seat and finding: the seat's second answer is for them."""

    def reply(seat: str, prompt: str) -> Reply | str:
        del prompt
        name, _, finding = seat.partition("-")
        said = table[name]
        if isinstance(said, list):
            return said[1] if finding else said[0]
        return said

    return reply


def states(report: Report) -> dict[str, str]:
    assert isinstance(report.data, Mapping)
    return {each["title"]: each["state"] for each in report.data["findings"]}


def phases(report: Report) -> dict[str, str]:
    assert isinstance(report.data, Mapping)
    return {each["name"]: each["status"] for each in report.data["phases"]}


def reason(report: Report, name: str) -> str:
    assert isinstance(report.data, Mapping)
    return next(each["reason"] or "" for each in report.data["phases"] if each["name"] == name)


@pytest.mark.parametrize(
    ("depth", "names"),
    [
        (Depth.QUICK, ["rules", "scan"]),
        (Depth.STANDARD, ["rules", "scan", "validate"]),
        (Depth.DEEP, ["rules", "scan", "validate", "investigate"]),
    ],
)
def test_a_depth_has_its_phases(depth: Depth, names: list[str]) -> None:
    """Nothing less, nothing more, and each is noted as it ends."""
    said: Table = {"A": found("x"), "V": [verdicts("stands"), "The root."]}
    report, ask = play(request(depth), said)

    assert list(phases(report)) == names
    assert report.status is JobStatus.COMPLETED, report.failure
    assert [data["phase"] for _, data in ask.notes] == names


def test_what_stands_is_confirmed_and_what_was_not_looked_at_is_not() -> None:
    """A true quote that nobody refuted; the second finding has no verdict and stays."""
    two = json.dumps({"findings": [raw("one"), raw("two", line=9)]})
    report, _ = play(request(), {"A": two, "V": verdicts("stands")})

    assert states(report) == {"one": "confirmed", "two": "unrefuted"}


def test_what_is_refuted_is_listed_apart() -> None:
    """With the reason; it is not investigated."""
    report, ask = play(request(Depth.DEEP), {"A": found("x"), "V": verdicts("refuted")})

    assert states(report) == {"x": "refuted"}
    assert phases(report)["investigate"] == "skipped"
    assert len(ask.asked) == 2


def test_what_quotes_nothing_is_not_validated() -> None:
    """Whoever would refute it has nothing to look at."""
    report, ask = play(request(), {"A": found("x", quote="this is nowhere at all")})

    assert states(report) == {"x": "unverified"}
    assert [each.seat for each in ask.asked] == ["A"]
    assert phases(report)["validate"] == "skipped"
    assert report.status is JobStatus.COMPLETED


def test_one_scanner_lost_is_partial_and_named() -> None:
    """With its CLI, its categories and why; what the other found is there."""
    said: Table = {"A": found("x"), "B": Reply(fails="auth"), "V": verdicts("stands")}
    report, _ = play(request(scanners="AB"), said)

    assert report.status is JobStatus.PARTIAL
    assert phases(report)["scan"] == "partial"
    assert reason(report, "scan") == "B (cli-b) on security: auth"
    assert states(report) == {"x": "confirmed"}


def test_prose_of_a_scanner_is_no_empty_list() -> None:
    """An answer that is no list of findings loses the scanner, it does not clear the code."""
    report, _ = play(request(), {"A": "Looks good to me, nothing to report here."})

    assert phases(report)["scan"] == "failed"
    assert "no list of findings" in reason(report, "scan")
    assert report.status is JobStatus.PARTIAL  # the rules did run
    assert "nothing about what is clean" in report.content


def test_everything_lost_is_a_failure() -> None:
    """Rules that could not be read and scanners that do not answer: nothing ran."""
    wanted = request(scanners="AB", rules=RuleScan(why="the rules cannot be read"))
    report, _ = play(wanted, {"A": Reply(fails="auth"), "B": Reply(fails="quota")})

    assert report.status is JobStatus.FAILED
    assert report.failure is not None
    assert report.failure.code == "nothing_ran"
    assert "the rules cannot be read" in report.failure.message
    assert phases(report)["validate"] == "skipped"


@pytest.mark.parametrize("answer", ["I think they are all fine.", '{"verdicts": []}'])
def test_an_unparsable_validator_confirms_nothing(answer: str) -> None:
    """The finding stays unrefuted, the phase says who gave no verdict."""
    report, _ = play(request(), {"A": found("x"), "V": answer})

    assert states(report) == {"x": "unrefuted"}
    assert phases(report)["validate"] == "failed"
    assert reason(report, "validate").startswith("V: ")


def test_a_validator_is_of_another_vendor_than_the_finder() -> None:
    """The first one that is; its prompt does not tell who found it."""
    wanted = request(validators="VW", vendors={"A": "acme", "V": "acme"})
    report, ask = play(wanted, {"A": found("x"), "W": verdicts("stands")})

    assert [each.seat for each in ask.asked] == ["A", "W"]
    assert "cli-a" not in ask.asked[1].prompt
    assert states(report) == {"x": "confirmed"}


def test_without_another_vendor_nobody_confirms() -> None:
    """It is said, with the finding's title; its own vendor is not asked."""
    wanted = request(vendors={"A": "acme", "V": "acme"})
    report, ask = play(wanted, {"A": found("x")})

    assert len(ask.asked) == 1
    assert states(report) == {"x": "unrefuted"}
    assert reason(report, "validate") == "no validator of another vendor for 1: x"


def test_a_certain_rule_needs_no_validator() -> None:
    """It is not asked about, and stays what it is."""
    certain = Finding(
        rule="python/eval", category="security", severity=FindingSeverity.MEDIUM, path="a.py",
        line=1, end_line=1, title="eval", is_certain=True, scanners=("rules",),
    )  # fmt: skip
    wanted = request(scanners="", rules=RuleScan(findings=[certain], files=["a.py"]))
    report, ask = play(wanted, {})

    assert ask.asked == []
    assert states(report) == {"eval": "unrefuted"}


def test_phases_share_one_deadline() -> None:
    """A scanner gets half of what is left, a validator a part; the result has the shares."""
    said: Table = {"A": late(found("x"), 40.0), "V": verdicts("stands")}
    wanted = request(Depth.DEEP, limit_s=100.0)
    report, ask = play(wanted, said)
    assert isinstance(report.data, Mapping)
    shares = {each["name"]: each["limit_seconds"] for each in report.data["phases"]}

    assert [each.limit_s for each in ask.asked] == [50.0, pytest.approx(36.0), 60.0]
    assert shares == {"rules": 100.0, "scan": 50.0, "validate": 36.0, "investigate": 60.0}
    assert report.data["phases"][1]["took_seconds"] == 40.0


def test_the_last_phase_may_take_all_that_is_left() -> None:
    """`quick` has nothing after its scanners to keep time for."""
    _, ask = play(request(Depth.QUICK, limit_s=100.0), {"A": found("x")})

    assert [each.limit_s for each in ask.asked] == [100.0]


def test_a_late_scanner_leaves_time_for_the_validators() -> None:
    """What the other one found is validated in time."""
    said: Table = {"A": found("x"), "B": Reply(hangs=True), "V": verdicts("stands")}
    report, _ = play(request(scanners="AB", limit_s=100.0), said)

    assert states(report) == {"x": "confirmed"}
    assert "B (cli-b)" in reason(report, "scan")


def test_a_spent_budget_ends_in_a_report() -> None:
    """What was found stays, the phase that had no turn left says so."""
    report, _ = play(request(), {"A": found("x")}, Budget(turns=1))

    assert states(report) == {"x": "unrefuted"}
    assert "budget_spent" in reason(report, "validate")


# ------------------------------------------------------------------------- executed checks

UNREFUTED = {"A": "acme", "V": "acme"}  # nobody else may confirm it


def deep(ran: Checking | None, *answers: str) -> Report:
    said: Table = {"A": found("x"), "V": ["", *answers]}
    wanted = request(Depth.DEEP, vendors=UNREFUTED, checking=ran)
    return play(wanted, said)[0]


def check_of(report: Report) -> Mapping[str, object]:
    assert isinstance(report.data, Mapping)
    found_check = report.data["findings"][0]["check"]
    assert isinstance(found_check, Mapping)
    return found_check


def test_a_command_that_ends_as_predicted_confirms() -> None:
    """It alone does; command, predicted and real exit code stand in the finding."""
    ran: list[object] = []
    report = deep(checking(42, ran=ran), investigated("The root.", *SHOWN))

    assert ran == [(SHOWN, 60.0)]
    assert states(report) == {"x": "confirmed"}
    assert check_of(report)["command"] == SHOWN
    assert check_of(report)["predicted_exit_code"] == 42
    assert check_of(report)["exit_code"] == 42
    assert "as predicted" in report.content
    assert "The root." in report.content


@pytest.mark.parametrize(
    ("ends", "control", "why"), [(0, 1, ""), (1, 1, ""), (42, 42, ""), (None, None, "stopped")]
)
def test_a_command_that_ends_otherwise_confirms_nothing(
    ends: int | None, control: int | None, why: str
) -> None:
    """Nor one that ends so without the code, too, nor one that did not end."""
    report = deep(checking(ends, control, why), investigated("The root.", *SHOWN))

    assert states(report) == {"x": "unrefuted"}
    assert check_of(report)["shows_it"] is False


def test_a_command_that_may_not_run_is_told_and_not_run() -> None:
    """Another program than those of the configuration."""
    ran: list[object] = []
    report = deep(checking(42, ran=ran), investigated("The root.", "rm", "-rf", "."))

    assert ran == []
    assert states(report) == {"x": "unrefuted"}
    assert "audit.check_programs" in str(check_of(report)["why"])


def test_without_leave_no_command_is_asked_for() -> None:
    """An investigation is prose then; a command in it is a text."""
    report = deep(None, investigated("The root.", *SHOWN))
    assert isinstance(report.data, Mapping)

    assert report.data["findings"][0]["check"] is None
    assert states(report) == {"x": "unrefuted"}


def test_an_investigation_in_prose_is_kept() -> None:
    """Whoever answers without JSON proposes no command; the text counts."""
    report = deep(checking(42), "It comes from len().")
    assert isinstance(report.data, Mapping)

    assert report.data["findings"][0]["check"] is None
    assert report.data["findings"][0]["investigation"] == "It comes from len()."


def test_checks_run_one_at_a_time() -> None:
    """Two that want one port do not meet; each has what is left of the time."""
    running, most, limits = 0, 0, []

    async def run(check: ExecutedCheck, limit_s: float) -> ExecutedCheck:
        nonlocal running, most
        running += 1
        most = max(most, running)
        limits.append(limit_s)
        await trio.sleep(30)
        running -= 1
        return attrs.evolve(check, exit_code=42)

    two = json.dumps({"findings": [raw("one"), raw("two", line=9)]})
    said: Table = {"A": two, "V": ["", investigated("The root.", *SHOWN)]}
    ran = Checking(programs=["python3"], root="/home/me/shop", limit_s=60.0, run=run)
    wanted = request(Depth.DEEP, vendors=UNREFUTED, checking=ran, limit_s=70.0)
    report, _ = play(wanted, said)

    assert most == 1
    assert limits == [60.0, 40.0]
    assert states(report) == {"one": "confirmed", "two": "confirmed"}
