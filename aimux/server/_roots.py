"""The directories a client works in, asked for when they are needed and kept until they change."""

from typing import Final

import trio

from aimux.protocol import CallId

from ._input_requests import InputRequests

METHOD: Final = "roots/list"
ANSWER_S: Final = 5.0  # a client that does not answer has no roots until it says that they changed


class ClientRoots:
    """What one handshake client said of its roots: the result of `roots/list` as it came."""

    __slots__ = ("_asking", "_changes", "_input_requests", "_is_known", "_result")

    def __init__(self, input_requests: InputRequests) -> None:
        self._input_requests = input_requests
        self._asking = trio.Lock()  # calls that come together ask once
        self._changes = 0
        self._is_known = False
        self._result: object = None

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
