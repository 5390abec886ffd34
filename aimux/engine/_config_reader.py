"""What the files of a client say: its configuration and its libraries, read in a thread."""

from collections.abc import Sequence
from pathlib import Path

import trio

from aimux.config import ClientContext, Loader, Snapshot
from aimux.model import Problem

from ._cwd import find_directory
from ._job_request import Client

TYPE_CHECKING = False  # what is read later is named here
if TYPE_CHECKING:
    from aimux.library.agents import AgentLibrary
    from aimux.library.audit import AuditRules
    from aimux.library.domains import DomainLibrary
    from aimux.library.skills import SkillLibrary


class ConfigReader:
    """Configuration, skills, agents, domains and audit rules of any client.

    Cancelled or not, a method reads to its end.
    """

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def __repr__(self) -> str:
        return f"<ConfigReader: {self._loader!r}>"

    async def snapshot(self, client: Client) -> Snapshot:
        """The client's own configuration as it is now. Cancelled or not, it reads to its end."""
        return await trio.to_thread.run_sync(self._loader.load, _context(client))

    async def audit_rules(self, snapshot: Snapshot) -> "AuditRules":
        """The audit rules of a configuration. Cancelled or not, it reads to its end."""
        return await trio.to_thread.run_sync(self._loader.audit_rules, snapshot.paths)

    async def domains(self, client: Client) -> "DomainLibrary":
        """The domains of investigations that the client has.

        Cancelled or not, it reads to its end.
        """
        return await trio.to_thread.run_sync(self._loader.domains, _context(client))

    async def skills(self, client: Client) -> "SkillLibrary":
        """The skills that the client has. Cancelled or not, it reads to its end."""
        return await trio.to_thread.run_sync(self._loader.skills, _context(client))

    async def library_problems(self, client: Client) -> list[Problem]:
        """What is wrong with the client's skills, agents, domains and audit rules.

        Cancelled or not, it reads to its end.
        """
        return await trio.to_thread.run_sync(self._loader.library_problems, _context(client))

    async def agents(self, client: Client, named: str, roots: Sequence[str]) -> "AgentLibrary":
        """The agents in the directory of a call that says `named`, of a client with `roots`.

        Cancelled or not, it reads to its end.

        Raises:
            InvalidArguments: there is no such directory.
        """

        def read() -> "AgentLibrary":
            directory = find_directory(named, roots, client.cwd, client.env)
            context = ClientContext(cwd=Path(directory.path), env=client.env)
            return self._loader.agents(context)

        return await trio.to_thread.run_sync(read)


def _context(client: Client) -> ClientContext:
    return ClientContext(cwd=client.cwd, env=client.env)
