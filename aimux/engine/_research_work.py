"""What a job that a vendor does is made of; how it is done is read where there is one."""

from collections.abc import Mapping

import attrs

from aimux.model import ResearchTask
from aimux.waiting import Broadcast


def _key_of(env: Mapping[str, str]) -> str:
    from aimux.rules.research import key_of  # most servers do no research

    return key_of(env)


class ResearchKeys:
    """The vendor's key where a research that was left waits for one. In memory only."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._found: str | None = None  # not looked for yet
        self._waiting = 0
        self._changed = Broadcast()

    def __repr__(self) -> str:
        return f"<ResearchKeys: {self._waiting} waiting>"

    @property
    def _key(self) -> str:
        if self._found is None:
            self._found = _key_of(self._env)
        return self._found

    @property
    def has_key(self) -> bool:
        """Whether there is one."""
        return bool(self._key)

    @property
    def is_wanted(self) -> bool:
        """Whether a research waits for a key."""
        return self._waiting > 0 and not self._key

    def offer(self, env: Mapping[str, str]) -> None:
        """Take the key of a client that has one, if one is wanted."""
        if self.is_wanted:
            self._found = _key_of(env)
            if self._found:
                self._changed.notify()

    async def wait(self) -> str:
        """The key, once there is one. Cancelling it only ends the waiting."""
        self._waiting += 1
        try:
            while not self._key:
                await self._changed.wait()
        finally:
            self._waiting -= 1
        return self._key


@attrs.frozen(kw_only=True)
class ResearchWork:
    """The work of a job that a vendor does.

    `body` is what begins it, None for one that was left; an empty `key` is waited for.
    """

    task: ResearchTask
    key: str = attrs.field(repr=False)
    body: Mapping[str, object] | None = attrs.field(default=None, repr=False)
    keeps_answer: bool = True
