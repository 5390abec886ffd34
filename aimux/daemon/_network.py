"""The network side of the daemon: HTTP, SSE and WebSocket clients over the same state."""

import importlib
import logging
import os
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
import trio

from aimux.errors import AimuxError, SetupFault
from aimux.server import serve_session
from aimux.tools import Client

from ._stdio import own_directory

if TYPE_CHECKING:  # its libraries cost 0.1 s, and most daemons have no network side
    from aimux.model import TransportSettings
    from aimux.transports.network import ListenAddress, Wire

    from ._serve import Daemon

SECRETS: Final = frozenset({"AIMUX_AUTH_TOKEN", "AIMUX_AUTH_TOKEN_FILE"})  # no child needs them
UNAUTHENTICATED: Final = "AIMUX_ALLOW_UNAUTHENTICATED_HTTP"
SETTLE_S: Final = 1.0  # to decide costs imports and files: a client waits for its first answer

log = logging.getLogger("aimux.http")


def _client(env: Mapping[str, str], directory: Path) -> Client:
    """Network clients say nothing of where they are: they work where the daemon was started."""
    kept = {name: value for name, value in env.items() if name not in SECRETS}
    return Client(key="http", cwd=directory, env=kept, transport="http")


@attrs.frozen
class NetworkListener:
    """A way into the daemon by network.

    With an address (or `is_wanted`) it must work, or the daemon does not start. Otherwise it
    listens if `server.transport.type` says so, and what is wrong with that is logged. Its clients
    work in `directory`; the daemon itself leaves for the root.
    """

    address: str = ""
    is_wanted: bool = False
    is_public: bool = False
    directory: Path = attrs.field(factory=own_directory)

    def options(self) -> list[str]:
        """The words after `aimux daemon run` that make the same listener."""
        stays = self.directory != Path(self.directory.anchor)
        place = ["--directory", str(self.directory)] if stays else []
        if not self.is_wanted:
            return place
        public = ["--bind-public"] if self.is_public else []
        return ["--http", *([self.address] if self.address else []), *public, *place]

    async def __call__(
        self, daemon: "Daemon", *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve network clients until the daemon takes no new ones."""
        if self.is_wanted:
            await self._serve(daemon, task_status)
            return
        task_status.started()
        await trio.sleep(SETTLE_S)
        try:
            await self._serve(daemon, trio.TASK_STATUS_IGNORED)
        except AimuxError as error:
            log.error("no network clients: %s (%s)", error.message, error.hint)  # noqa: TRY400  # not a bug

    async def _serve(self, daemon: "Daemon", task_status: trio.TaskStatus[None]) -> None:
        env = dict(os.environ)
        plan = await trio.to_thread.run_sync(self._plan, env)
        if plan is None:
            return
        network = importlib.import_module("aimux.transports.network")  # in memory by now
        address, transport = plan
        daemon.stays = True
        async with trio.open_nursery() as serving:
            listening = await serving.start(
                partial(network.serve_http, nursery=daemon.nursery, metrics=daemon.app.metrics),
                address,
                transport,
                partial(_serve_one, daemon),
                _client(env, self.directory),
            )
            daemon.enders.append(listening.end)
            sys.stderr.write(f"aimux: serving {listening.url}\n")
            task_status.started()

    def _plan(self, env: Mapping[str, str]) -> "tuple[ListenAddress, TransportSettings] | None":
        """Where to listen and how; None: nobody asked for it. Reads files."""
        from aimux.config import ClientContext, load, state_dir
        from aimux.model import Severity, TransportType

        flags: dict[str, object] = {"server.transport.port": self.address} if self.address else {}
        snapshot = load(ClientContext(cwd=Path("/"), env=env, flags=flags))
        server = snapshot.settings.server
        if not self.is_wanted and server.transport.type is TransportType.STDIO:
            return None
        from aimux.transports.network import (
            choose_address,
            find_token,
            in_container,
            is_set,
            make_token,
            require_token,
        )

        for problem in snapshot.problems:
            if problem.severity is Severity.ERROR and "server.transport" in problem.message:
                raise SetupFault(str(problem))
        directory = state_dir(env)
        token = find_token(env, server.auth_token, directory)
        is_container = in_container(env)
        if token is None and is_container and not is_set(env, UNAUTHENTICATED):
            token = make_token(directory)
            sys.stderr.write(
                f"aimux: no AIMUX_AUTH_TOKEN was given; this one is kept in {directory} and not "
                f"shown again: {token}\n"
            )
        address = choose_address(
            server.transport.reach if is_container else server.transport.address,
            token=token,
            env=env,
            is_public=self.is_public or is_container,
        )
        transport = attrs.evolve(
            server.transport,
            tls_cert=self._placed(server.transport.tls_cert),
            tls_key=self._placed(server.transport.tls_key),
        )
        return require_token(address, env, directory), transport

    def _placed(self, path: str) -> str:
        """A file of the settings, seen from where the daemon was started."""
        return str(self.directory / path) if path else ""


async def _serve_one(daemon: "Daemon", wire: "Wire", client: Client) -> None:
    await serve_session(wire, daemon.app, client)


def serve_network() -> int:
    """Be the daemon of this environment with its network side open; the exit code."""
    from ._entry import run_daemon

    listener = NetworkListener(is_wanted=True)
    return run_daemon(listeners=[listener], options=listener.options())
