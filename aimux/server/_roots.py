"""The directories a client works in, asked for when they are needed and kept until they change."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import attrs
import trio

from aimux.protocol import CallId, read_roots
from aimux.tools import Client

from ._input_requests import InputRequests

METHOD: Final = "roots/list"
ANSWER_S: Final = 5.0  # a client that does not answer has no roots until it says that they changed


class ClientRoots:
    """What one handshake client said of its roots: the result of `roots/list` as it came."""

    __slots__ = ("_asking", "_changes", "_directory", "_input_requests", "_is_known", "_result")

    def __init__(self, input_requests: InputRequests) -> None:
        self._input_requests = input_requests
        self._asking = trio.Lock()  # calls that come together ask once
        self._changes = 0
        self._is_known = False
        self._result: object = None
        self._directory = ""

    def __repr__(self) -> str:
        return f"<ClientRoots: {'known' if self._is_known else 'to be asked for'}>"

    def forget(self) -> None:
        """They have changed: they are asked for when they are needed next."""
        self._changes += 1
        self._is_known = False

    async def ask(self, call_id: CallId) -> object:
        """The client's answer, None if it does not tell.

        It is asked for in the course of a call unless it is known. Cancelling it takes the request
        back.
        """
        async with self._asking:
            while not self._is_known:
                asked = self._changes
                answered = None
                with trio.move_on_after(ANSWER_S):
                    answered = await self._input_requests.ask(METHOD, {}, call_id)
                self._result = None if answered is None else answered.result
                # what changed meanwhile is asked for again, unless nobody answers
                self._is_known = answered is None or asked == self._changes
            return self._result

    async def locate(self, call_id: CallId) -> None:
        """Have `placed` go by what the client answers, asked for as `ask` does.

        Cancelling it takes the request back.
        """
        paths = read_roots(await self.ask(call_id)) or []
        self._directory = await trio.to_thread.run_sync(_first_directory, paths) if paths else ""

    def placed(self, client: Client) -> Client:
        """The client in the first of its roots that can be read here, as far as it was located."""
        return attrs.evolve(client, cwd=Path(self._directory)) if self._directory else client


def _first_directory(paths: Sequence[str]) -> str:
    readable = os.R_OK | os.X_OK
    found = (each for each in paths if os.path.isdir(each) and os.access(each, readable))  # noqa: PTH112
    return next(found, "")
