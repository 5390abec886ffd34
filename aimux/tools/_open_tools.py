"""What stands on an open engine. Imported when the engine is, never before."""

from collections.abc import Callable, Mapping

import trio

from aimux.engine import Engine
from aimux.files.shipped import import_part

from ._changes import CONFIGURATION, FileSource
from ._classes import check_classes
from ._config_changes import compare_snapshots
from ._context import ToolContext
from ._resources import Resources
from ._runner import ToolRunner
from ._tasks import JobTasks

TYPE_CHECKING = False  # prompts name what every tool takes: as much as all tools together
if TYPE_CHECKING:
    from ._prompts import Prompts


class OpenTools:
    """The tools, prompts, resources and the jobs as tasks, all on one engine."""

    __slots__ = ("_prompts", "configuration", "context", "resources", "runner", "tasks")

    def __init__(self, engine: Engine, clients: Callable[[], Mapping[str, int]]) -> None:
        """`clients` counts the connected ones per transport.

        Raises:
            SetupFault: the shipped classes of tools are not those that are compiled.
        """
        check_classes()
        context = self.context = ToolContext(engine, clients)
        self.runner = ToolRunner(context)
        context.run_tool = self.runner.call
        self._prompts: Prompts | None = None
        self.resources = Resources(context)
        self.tasks = JobTasks(context)
        self.configuration = FileSource(
            name=CONFIGURATION, read=engine.config.snapshot, compare=compare_snapshots
        )

    async def prompts(self) -> "Prompts":
        """The prompts; what they are made of is read with the first one, in a thread.

        Cancelled or not, it reads to its end.

        Raises:
            InstallationBroken: a part of aimux is gone.
        """
        if self._prompts is None:
            module = await trio.to_thread.run_sync(import_part, "aimux.tools._prompts")
            self._prompts = module.Prompts(self.context)
        else:
            await trio.lowlevel.checkpoint()
        return self._prompts

    def __repr__(self) -> str:
        return f"<OpenTools: {self.context.engine!r}>"
