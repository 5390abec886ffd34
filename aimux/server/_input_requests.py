"""What the client is asked in the course of its calls, and who waits for its answers."""

from collections.abc import Callable, Mapping

import trio

from aimux.protocol import Answered, AskId, CallId, Outgoing, Peer


class InputRequests:
    """The open requests to one client."""

    __slots__ = ("_peer", "_push", "_waiting")

    def __init__(self, peer: Peer, push: Callable[[Outgoing | None], None]) -> None:
        self._peer = peer
        self._push = push
        self._waiting: dict[AskId, Callable[[Answered], None]] = {}

    def __repr__(self) -> str:
        return f"<InputRequests: {len(self._waiting)} open>"

    async def ask(
        self, method: str, params: Mapping[str, object], call_id: CallId
    ) -> Answered | None:
        """Ask the client something in the course of a call; None if it may not be asked.

        Cancelling it takes the request back; a late answer is dropped.
        """
        asked = self._peer.ask(method, params, call_id)
        if asked is None:
            await trio.lowlevel.checkpoint()
            return None
        ask_id, outgoing = asked
        ready = trio.Event()
        answers: list[Answered] = []

        def take(answered: Answered) -> None:
            answers.append(answered)
            ready.set()

        self._waiting[ask_id] = take
        self._push(outgoing)
        try:
            await ready.wait()
        finally:
            self._waiting.pop(ask_id, None)
            if not answers:
                self._push(self._peer.withdraw(ask_id, "no answer is needed any more"))
        return answers[0]

    def settle(self, answered: Answered) -> None:
        """Give an answer to whoever waits for it, if somebody does."""
        take = self._waiting.pop(answered.ask_id, None)
        if take is not None:
            take(answered)
