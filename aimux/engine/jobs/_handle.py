"""A caller's hold on a job: its log, its time, its budget, its children, and how to end it."""

from typing import Final

import attrs
import trio

from aimux.engine.log import JobLog, Questions
from aimux.errors import BudgetSpent, OutOfTime, Refusal
from aimux.model import (
    TERMINAL,
    Budget,
    Job,
    JobId,
    JobStarted,
    JobStatus,
    Report,
    Session,
    Spent,
    Usage,
)
from aimux.rules import exhausted

from ._slots import Slot

BACKSTOP_S: Final = 20.0  # after the deadline, for work that does not watch it itself
STEPS_END_S: Final = 10.0  # more than a stopped CLI gets before it is killed


@attrs.define(eq=False, kw_only=True)
class JobHandle:
    """One job while it is open or recent. Made by `JobSupervisor.open_job`."""

    log: JobLog
    client_key: str
    limit_s: float = float("inf")
    session: Session | None = None
    is_new_session: bool = False
    holds: str = ""  # the id of the session, or of what else no other job may use meanwhile
    budget: Budget = attrs.field(factory=Budget)
    parent: "JobHandle | None" = None
    root_id: str = ""  # the root job: this one, or whose step or nested call it is
    lender: str = ""  # of slots: set for a call that a turn of ours has made
    first_slot: Slot | None = None  # asked for at the start, taken by the first turn
    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    backstop: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    done: trio.Event = attrs.field(factory=trio.Event)
    deadline: float = float("inf")  # loop clock, set with the first slot
    cause: str = ""  # why it was cancelled, in our own words
    is_kill: bool = False
    is_aborted: bool = False  # the supervisor closes under it
    remote_id: str = ""  # of what a vendor does for it, once that is in the store
    report: Report | None = None  # of the work; nothing that comes later changes it
    is_over: bool = False  # why it ends is decided; what is left is to write it down
    children: "set[JobHandle]" = attrs.field(factory=set)  # that have not ended
    waits: set[trio.CancelScope] = attrs.field(factory=set)  # for slots: they end at the deadline
    spent: Spent = attrs.field(factory=Spent)

    def __repr__(self) -> str:
        return f"<JobHandle: {self.id} {self.job.status}>"

    @property
    def job(self) -> Job:
        """The job's row as of now."""
        return self.log.job

    @property
    def id(self) -> JobId:
        """The job's id."""
        return self.log.job.id

    @property
    def questions(self) -> Questions:
        """What its children ask a person."""
        return self.log.questions

    @property
    def is_ending(self) -> bool:
        """Its end is in the log and not in the store yet."""
        return not self.done.is_set() and self.log.job.status in TERMINAL

    @property
    def is_closed(self) -> bool:
        """Nothing can begin below it any more."""
        return self.is_over or bool(self.cause) or self.report is not None

    @property
    def is_left(self) -> bool:
        """Aimux stops, and the next server goes on with it: its end is not ours to write."""
        return self.is_aborted and bool(self.remote_id) and not self.cause and self.parent is None

    @property
    def kept_chars(self) -> int:
        """What it holds in memory once it has ended."""
        content = self.job.outcome.content if self.job.outcome is not None else ""
        is_shared = any(content is end.content for end in self.log.ends)
        said = 0 if is_shared else len(content)
        return len(self.job.prompt) + self.log.entries.kept_chars + said

    # ------------------------------------------------------------------ time and budget

    def begin(self) -> None:
        """It has had a slot: its clock runs, and its parent's. Nothing to do the second time."""
        if self.parent is not None:
            self.parent.begin()
        if self.deadline != float("inf") or self.job.status is not JobStatus.QUEUED:
            return
        self.log.add(JobStarted())
        self.deadline = trio.current_time() + self.limit_s
        if self.parent is not None:
            self.deadline = min(self.deadline, self.parent.deadline)
        self.backstop.deadline = self.deadline + BACKSTOP_S
        for wait in self.waits:
            wait.deadline = self.deadline

    def go_on(self, left_s: float) -> None:
        """It began under another server and has so much time left."""
        self.deadline = trio.current_time() + left_s
        self.backstop.deadline = self.deadline + BACKSTOP_S

    def admit_turn(self) -> None:
        """Count another turn here and in the jobs above.

        Raises:
            BudgetSpent: the budget of one of them is used up; nothing was counted.
            OutOfTime: its time is over.
        """
        if trio.current_time() >= self.deadline:
            raise OutOfTime(f"{self.id} has used its {self.limit_s:g} s")
        for job in self._lineage():
            figure = exhausted(job.budget, job.spent)
            if figure:
                raise BudgetSpent(
                    f"the budget of {job.id} is spent: {figure}",
                    hint="give it a larger budget, or go on from what its turns have said",
                    data={"job_id": job.id, "budget": figure},
                )
        for job in self._lineage():
            job.spent = attrs.evolve(job.spent, turns=job.spent.turns + 1)

    def spend(self, usage: Usage | None) -> None:
        """Count what a turn has used, here and in the jobs above."""
        for job in self._lineage():
            job.spent = job.spent.plus(usage)

    def _lineage(self) -> "list[JobHandle]":
        """This job and those above it."""
        line: list[JobHandle] = [self]
        while line[-1].parent is not None:
            line.append(line[-1].parent)
        return line

    # ------------------------------------------------------------------ ending

    def cancel(self, cause: str, *, is_kill: bool = False) -> bool:
        """Ask the job and its children to end; False if it has ended already.

        A kill skips the polite signal.
        """
        if self.is_over or self.report is not None:
            return False
        self.cause = self.cause or cause
        self.is_kill = self.is_kill or is_kill
        for child in list(self.children):
            child.cancel(cause, is_kill=is_kill)
        if self.is_kill:
            self.stop_children(grace_s=0)
        self.scope.cancel(reason=cause)
        return True

    async def end_steps(self) -> None:
        """Have the jobs below it end, and wait for that; a cancelled one has its limit too."""
        for child in list(self.children):
            child.cancel(f"its parent {self.id} has ended")
        with trio.move_on_after(STEPS_END_S, shield=True):
            while self.children:
                await next(iter(self.children)).done.wait()

    def stop_children(self, *, grace_s: float) -> None:
        """Ask the processes of its turns to leave within `grace_s`."""
        for turn in self.log.live_turns:
            if turn.child is not None:
                turn.child.stop(grace_s=grace_s)


def check_not_busy(session_id: str, busy: JobHandle | None) -> None:
    """Let a job use a session, or whatever else one job at a time may use.

    Raises:
        Refusal: another job is using it.
    """
    if busy is None:
        return
    if busy.done.is_set():  # the session as it is now is not stored yet
        raise Refusal(
            f"session {session_id} is in use by {busy.id}, whose end is not stored yet",
            code="session_busy",
            hint="see sessions(action=health) for what is wrong with the store",
            data={"job_id": busy.id},
        )
    raise Refusal(
        f"session {session_id} is in use by {busy.id}",
        code="session_busy",
        hint=f"wait for it: status(job_id={busy.id!r}, wait_seconds=45)",
        data={"job_id": busy.id},
    )
