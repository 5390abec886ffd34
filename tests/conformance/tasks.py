"""The tasks of the suite, the tools that make them, and the methods that read them."""

from collections.abc import Callable, Mapping

import attrs

from aimux.protocol import (
    Called,
    Code,
    Fault,
    Json,
    Task,
    TaskStatus,
    TaskSupport,
    judge_cancel,
    judge_task,
    related,
    render_cancelled,
    render_created,
    render_notice,
    render_result,
    render_state,
    render_task,
    unknown_task,
)

from .catalogue import TASK_SUPPORT, text
from .questions import COLOR, NAME, accepted, form
from .steps import InputRequired, Outcome, Steps, Tool, result

_YES_NO = {"type": "boolean"}


class Tasks:
    """All tasks of one fixture."""

    def __init__(self) -> None:
        self._tasks: dict[str, Task] = {}
        self._on_input: dict[str, Callable[[Mapping[str, object]], Json]] = {}
        self._answers: dict[str, dict[str, object]] = {}

    def tools(self) -> Mapping[str, Tool]:
        """Those that start a task, each by its name."""
        return {
            "slow_compute": self._slow_compute,
            "failing_job": self._failing_job,
            "protocol_error_job": self._protocol_error_job,
            "confirm_delete": self._input_task({"confirm": form("Delete?", confirm=_YES_NO)}),
            "multi_input": self._input_task({"first": NAME, "second": COLOR}),
            "test_tool_with_task": self._ask_then_task,
        }

    async def serve(self, called: Called, steps: Steps) -> Outcome:
        """Answer a method of tasks."""
        revision = called.revision
        if called.method == "tasks/list":
            return {"tasks": [render_task(each, revision) for each in self._tasks.values()]}
        task_id = str(called.params["taskId"])
        if task_id not in self._tasks:
            return unknown_task(task_id)
        match called.method:
            case "tasks/get":
                return render_state(self._tasks[task_id], revision)
            case "tasks/result":
                await steps.wait_until(lambda: self._tasks[task_id].is_terminal)
                return render_result(self._tasks[task_id], revision)
            case "tasks/update":
                responses = called.params["inputResponses"]
                assert isinstance(responses, dict)
                self._update(task_id, responses, steps)
                return {}
            case "tasks/cancel":
                is_running = judge_cancel(self._tasks[task_id], revision)
                if isinstance(is_running, Fault):
                    return is_running
                cancelled = attrs.evolve(
                    self._tasks[task_id], status=TaskStatus.CANCELLED, input_requests={}
                )
                self._settle(cancelled, steps)
                return render_cancelled(self._tasks[task_id], revision)
            case _:
                return Fault(Code.METHOD_NOT_FOUND, f"not served here: {called.method}")

    def _create(self, called: Called, steps: Steps, status: TaskStatus) -> Task:
        now = steps.now()
        task = Task(
            task_id=steps.new_id(),
            status=status,
            created_at=now,
            updated_at=now,
            ttl_ms=300_000,
            poll_ms=100,
        )
        self._tasks[task.task_id] = task
        return task

    def _settle(self, task: Task, steps: Steps) -> None:
        """Move a task on, unless it is over."""
        if self._tasks[task.task_id].is_terminal:
            return
        task = attrs.evolve(task, updated_at=steps.now())
        self._tasks[task.task_id] = task
        for is_modern in (True, False):
            steps.changed(*render_notice(task, is_modern=is_modern))

    async def _slow_compute(self, called: Called, arguments: Json, steps: Steps) -> Outcome:
        seconds = float(str(arguments.get("seconds", 0)))
        done = result(text(f"{arguments.get('label', 'work')} took {seconds:g} s"))
        return await self._maybe_task(called, steps, seconds, result=done)

    async def _failing_job(self, called: Called, arguments: Json, steps: Steps) -> Outcome:
        failed: Json = {**result(text("the job failed")), "isError": True}
        return await self._maybe_task(called, steps, 1.0, result=failed)

    async def _protocol_error_job(self, called: Called, arguments: Json, steps: Steps) -> Outcome:
        error = Fault(Code.INTERNAL_ERROR, "the job broke the protocol")
        return await self._maybe_task(called, steps, 0.2, error=error)

    async def _maybe_task(
        self,
        called: Called,
        steps: Steps,
        seconds: float,
        *,
        result: Json | None = None,
        error: Fault | None = None,
    ) -> Outcome:
        """Run as a task where that is wanted, else right here."""
        is_task = judge_task(called, TASK_SUPPORT[str(called.params["name"])])
        if isinstance(is_task, Fault):
            return is_task
        if not is_task:
            await steps.sleep(seconds)
            return error if error is not None else result or {}
        task = self._create(called, steps, TaskStatus.WORKING)

        async def work(steps: Steps) -> None:
            await steps.sleep(seconds)
            status = TaskStatus.FAILED if error is not None else TaskStatus.COMPLETED
            done = attrs.evolve(task, status=status, result=result, error=error)
            self._settle(done, steps)

        steps.spawn(work)
        return render_created(task, called.revision)

    def _input_task(self, requests: Mapping[str, Json]) -> Tool:
        async def run(called: Called, arguments: Json, steps: Steps) -> Outcome:
            is_task = judge_task(called, TaskSupport.REQUIRED)
            if isinstance(is_task, Fault):
                return is_task
            task = self._create(called, steps, TaskStatus.WORKING)

            def finish(answers: Mapping[str, object]) -> Json:
                return result(text(f"answered: {', '.join(sorted(answers))}"))

            self._on_input[task.task_id] = finish
            self._answers[task.task_id] = {}

            async def work(steps: Steps) -> None:
                asking = attrs.evolve(
                    task, status=TaskStatus.INPUT_REQUIRED, input_requests=requests
                )
                self._settle(asking, steps)
                if called.revision.is_modern:
                    return
                for key, request in requests.items():  # 2025-11-25 asks by requests of its own
                    params = request["params"]
                    assert isinstance(params, dict)
                    tied = {**params, "_meta": related(task.task_id)}
                    said = await steps.ask(str(request["method"]), tied)
                    self._update(task.task_id, {key: said}, steps)

            steps.spawn(work)
            return render_created(task, called.revision)

        return run

    def _update(self, task_id: str, responses: Mapping[str, object], steps: Steps) -> None:
        task, fresh = accept_input(self._tasks[task_id], responses)
        if not fresh:
            return
        answers = self._answers[task_id]
        answers.update(fresh)
        self._settle(task, steps)
        if not task.input_requests:
            done = self._on_input[task_id](answers)
            self._settle(attrs.evolve(task, status=TaskStatus.COMPLETED, result=done), steps)

    async def _ask_then_task(self, called: Called, arguments: Json, steps: Steps) -> Outcome:
        is_task = judge_task(called, TaskSupport.REQUIRED)
        if isinstance(is_task, Fault):
            return is_task
        if not called.revision.is_modern:
            return await self._maybe_task(called, steps, 0.1, result=result(text("Hello!")))
        content = accepted(called.input_responses, "user_name")
        if content is None:
            return InputRequired({"user_name": NAME})
        done = result(text(f"Hello, {content.get('name')}!"))
        return await self._maybe_task(called, steps, 0.1, result=done)


def accept_input(task: Task, responses: Mapping[str, object]) -> tuple[Task, dict[str, object]]:
    """Return the task without the requests that were answered, and those answers.

    Answers to unknown keys and malformed ones are ignored; the rest stays pending, and the task
    works on once nothing is. Keys must never be used again within a task.
    """
    if task.is_terminal:
        return task, {}
    accepted = {
        key: answer
        for key, answer in responses.items()
        if key in task.input_requests and isinstance(answer, dict)
    }
    pending = {key: one for key, one in task.input_requests.items() if key not in accepted}
    status = TaskStatus.INPUT_REQUIRED if pending else TaskStatus.WORKING
    return attrs.evolve(task, input_requests=pending, status=status), accepted
