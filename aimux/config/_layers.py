"""The layers of settings laid over each other, where each value is from, and what was wrong."""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Final

from aimux.model import Problem, Settings, Severity, Source

from ._aliases import rename
from ._merge import Origin, merge, paths
from ._shape import Fault, FaultKind, Tree, check

# A fresh clone must not change whom the server trusts, where it writes or who may reach it.
NOT_FROM_PROJECT: Final = (
    "server.allow_danger", "server.auth_token", "server.db_path", "server.log_file",
    "server.transport", "hooks", "pair.verify", "pair.linked_dirs", "agents",
    "research.base_url", "audit.check_programs", "notifications", "telemetry",
)  # fmt: skip
BUILT_IN: Final = Origin(source=Source.SHIPPED, where="built in")


class Layers:
    """Settings merged so far, where each is from, and what was wrong on the way."""

    def __init__(self) -> None:
        self.tree: Tree = {}
        self.origins: dict[str, Origin] = {}
        self.problems: list[Problem] = []

    def say(self, severity: Severity, where: str, message: str, suggestion: str = "") -> None:
        """Keep a problem for the one who asks what is wrong."""
        problem = Problem(severity=severity, where=where, message=message, suggestion=suggestion)
        self.problems.append(problem)

    def complain(self, where: str, message: str, suggestion: str) -> None:
        """Keep a warning."""
        self.say(Severity.WARNING, where, message, suggestion)

    def add(
        self,
        source: Source,
        raw: object,
        given: Collection[str],
        stands_at: Callable[[str], Origin],
    ) -> None:
        """Lay `raw` over the rest. `given` are the keys of its layer, of which it may be a part."""

        def warn(path: str, message: str) -> None:
            self.say(Severity.WARNING, str(stands_at(path)), f"{path}: {message}")

        raw, moved = rename(raw, given, warn)

        def origin_of(path: str) -> Origin:
            return stands_at(moved.get(path, path))

        def report(fault: Fault) -> None:
            is_unknown = fault.kind is FaultKind.UNKNOWN
            self.say(
                Severity.WARNING if is_unknown else Severity.ERROR,
                str(origin_of(fault.path)),
                f"{fault.path}: {fault.message}" if fault.path else fault.message,
                fault.suggestion,
            )

        fitted = check(Settings, raw, report)
        if source is Source.PROJECT:
            for path in _prune(fitted, NOT_FROM_PROJECT):
                message = f"{path}: not taken from a project, set it in your own configuration"
                self.say(Severity.WARNING, str(origin_of(path)), message)
        self.tree = merge(self.tree, fitted)
        for path in paths(fitted):
            for below in [each for each in self.origins if each.startswith(f"{path}.")]:
                del self.origins[below]  # reset or replaced as a whole
            self.origins[path] = origin_of(path)
            if path == "server.auth_token" and source > Source.SHIPPED:
                message = "server.auth_token: a secret in a file, AIMUX_AUTH_TOKEN is its place"
                self.say(Severity.WARNING, str(origin_of(path)), message)

    def where(self, path: str) -> str:
        """Where the value in effect stands, for messages."""
        while path:
            if path in self.origins:
                return str(self.origins[path])
            path = path.rpartition(".")[0]
        return str(BUILT_IN)


def nested(path: str, value: object) -> Tree:
    """The tree in which `value` alone stands, at a dotted path."""
    for word in reversed(path.split(".")):
        value = {word: value}
    assert isinstance(value, dict)
    return value


def _prune(tree: Tree, denied: Sequence[str]) -> Iterator[str]:
    for path in denied:
        *above, last = path.split(".")
        node: object = tree
        for word in above:
            node = node.get(word) if isinstance(node, dict) else None
        if isinstance(node, dict) and last in node:
            del node[last]
            yield path
