"""Changes told to clients that asked for them: resources, lists, tasks.

One task follows each thing that is watched, for as long as it is; what changes in a burst is told
once.
"""

import logging
from collections.abc import Callable, Collection
from functools import partial
from typing import Final

import trio

from aimux.errors import AimuxError, NotFound
from aimux.protocol import render_notice
from aimux.tools import App, Changed, Client

from ._tasks import task_of

log = logging.getLogger("aimux.watch")

LOOK_EVERY_S: Final = 4.0  # between looks at files: a change is told within five seconds
BURST_S: Final = 0.5  # at most two notices a second about one thing
SCHEME: Final = "aimux://"

Notify = Callable[[str, dict[str, object]], None]


class Watches:
    """What one client watches. Tasks that follow it end with the nursery."""

    def __init__(
        self,
        app: App,
        nursery: trio.Nursery,
        notify: Notify,
        can_be_asked: Callable[[str], bool],
        client: Callable[[str], Client],
    ) -> None:
        """`can_be_asked` tells whether whoever watches a task can answer its questions; `client`
        is who watches, with the directory that counts for what of this name files decide.
        """
        self._client = client
        self._app = app
        self._nursery = nursery
        self._notify = notify
        self._can_be_asked = can_be_asked
        self._had: dict[str, object] = {}
        self._scopes: dict[tuple[str, str], trio.CancelScope] = {}

    def __repr__(self) -> str:
        return f"<Watches: {len(self._scopes)} followed>"

    def follow(
        self,
        uris: Collection[str],
        task_ids: Collection[str],
        *,
        lists: bool,
        files: Collection[str] = (),
    ) -> None:
        """Follow exactly these from now on.

        `lists` is the list of resources, `files` names what files may change of other lists and of
        resources.
        """
        wanted = {("uri", uri) for uri in uris} | {("task", each) for each in task_ids}
        if lists:
            wanted.add(("lists", ""))
        wanted |= {("files", name) for name in files}
        for key in self._scopes.keys() - wanted:
            self._scopes.pop(key).cancel(reason="not watched any more")
        for kind, name in wanted - self._scopes.keys():
            scope = self._scopes[kind, name] = trio.CancelScope()
            self._nursery.start_soon(self._run, kind, name, scope)

    def had(self, name: str, value: object) -> None:
        """Note what the client was answered of what files decide: it need not hear of that."""
        self._had[name] = value

    async def _run(self, kind: str, name: str, scope: trio.CancelScope) -> None:
        tell: dict[str, Callable[[], object]] = {
            "uri": partial(self._notify, "notifications/resources/updated", {"uri": name}),
            "lists": partial(self._notify, "notifications/resources/list_changed", {}),
        }
        with scope:
            try:
                if kind == "files":
                    await self._follow_files(name)
                    return
                resources = (await self._app.ready()).resources
                if kind == "task":
                    await self._follow_task(name)
                    return
                wait = (
                    resources.wait_listed_change
                    if kind == "lists"
                    else partial(resources.wait_change, name)
                )
                while await wait():
                    await trio.sleep(BURST_S)  # first, so that the notice covers the whole burst
                    tell[kind]()
            except NotFound:
                return  # nothing of that name: there will be no change
            except AimuxError as error:  # costs the client its notices, not its session
                log.warning("%s %s is not followed: %s", kind, name, error.message)
                return
            tell[kind]()  # the last one: it has ended

    async def _follow_files(self, name: str) -> None:
        """Tell what files have changed of lists and resources; who did not ask hears nothing.

        They are looked at as long as the client wants to know (docs/design/0013).
        """
        source = await self._app.source(name)
        # what changes before our first look is a change for whoever has the list
        before = self._had.pop(name, None)
        if before is None:
            before = await source.read(self._client(name))
        while True:
            await trio.sleep(LOOK_EVERY_S)
            before = self._had.pop(name, before)
            after = await source.read(self._client(name))
            changed = Changed() if before is after else source.compare(before, after)
            before = after
            for each in sorted(changed.lists):
                self._notify(f"notifications/{each}/list_changed", {})
            for uri in sorted(changed.uris):
                self._notify("notifications/resources/updated", {"uri": uri})

    async def _follow_task(self, job_id: str) -> None:
        tools = await self._app.ready()
        told: object = None
        while True:
            try:
                view = await tools.tasks.job_view(job_id)
            except NotFound:
                return
            task = task_of(view, can_ask=self._can_be_asked(job_id))
            state = (task.status, *task.input_requests)
            if state != told:
                told = state
                self._notify(*render_notice(task, is_modern=True))
            if task.is_terminal:
                return
            await tools.resources.wait_change(f"{SCHEME}jobs/{job_id}")
            await trio.sleep(BURST_S)
