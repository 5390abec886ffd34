"""What stands on an open engine. Imported when the engine is, never before."""

from collections.abc import Callable, Mapping

from aimux.engine import Engine

from ._classes import check_classes
from ._context import ToolContext
from ._prompts import Prompts
from ._resources import Resources
from ._runner import ToolRunner
from ._tasks import JobTasks


class OpenTools:
    """The tools, prompts, resources and the jobs as tasks, all on one engine."""

    __slots__ = ("context", "prompts", "resources", "runner", "tasks")

    def __init__(self, engine: Engine, clients: Callable[[], Mapping[str, int]]) -> None:
        """`clients` counts the connected ones per transport.

        Raises:
            SetupFault: the shipped classes of tools are not those that are compiled.
        """
        check_classes()
        context = self.context = ToolContext(engine, clients)
        self.runner = ToolRunner(context)
        context.run_tool = self.runner.call
        self.prompts = Prompts(context)
        self.resources = Resources(context)
        self.tasks = JobTasks(context)

    def __repr__(self) -> str:
        return f"<OpenTools: {self.context.engine!r}>"
