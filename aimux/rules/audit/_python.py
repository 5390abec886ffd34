"""Python by its syntax tree: the checks by name, and where they hit a module."""

import ast
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

import attrs

from . import _python_calls as calls, _python_checks as checks, _python_flow as flow
from ._hits import Hit
from ._parameters import Parameters, RuleFault
from ._python_tree import PythonTree

Check: TypeAlias = Callable[[PythonTree, Parameters], Iterator[ast.AST]]

CHECKS: Final[Mapping[str, tuple[Check, frozenset[str]]]] = {
    "call": (calls.find_calls, calls.CALL_KEYS),
    "changed_while_iterating": (flow.changed_while_iterating, frozenset()),
    "compared": (checks.compared, frozenset({"operators", "to", "names", "unless_in"})),
    "discarded": (flow.discarded, frozenset({"methods", "replacers", "functions"})),
    "duplicate_keys": (checks.duplicate_keys, frozenset()),
    "handlers": (checks.handlers, frozenset({"types", "is_silent"})),
    "asserted_tuples": (checks.asserted_tuples, frozenset()),
    "jumps_in_finally": (checks.jumps_in_finally, frozenset()),
    "late_binding": (flow.late_binding, frozenset({"keepers", "keywords"})),
    "literal_secrets": (checks.literal_secrets, frozenset()),
    "missing_await": (flow.missing_await, frozenset({"names"})),
    "mutable_defaults": (checks.mutable_defaults, frozenset()),
    "raised": (checks.raised, frozenset({"names"})),
    "set_to": (checks.set_to, frozenset({"names", "values"})),
    "unclosed": (flow.unclosed, frozenset({"names", "consumers"})),
    "unguarded_locks": (flow.unguarded_locks, frozenset({"names"})),
    "unreachable_handlers": (checks.unreachable_handlers, frozenset()),
}
_PATTERNS: Final = frozenset({("compared", "names"), ("unguarded_locks", "names")})


@attrs.frozen(kw_only=True)
class PythonMatcher:
    """One check with what a rule says to it."""

    check: str
    given: Parameters

    @classmethod
    def of(cls, values: Mapping[str, object]) -> "PythonMatcher":
        """A matcher out of a rule's keys.

        Raises:
            RuleFault: an unknown check, or a key that it does not have or that is of another type.
        """
        given = Parameters(values)
        name = given.word("check")
        if name not in CHECKS:
            raise RuleFault(
                f"check {name!r} is not one of {', '.join(sorted(CHECKS))}", key="check"
            )
        keys = CHECKS[name][1] - {"check"}
        for key in values:
            if key != "check" and key not in keys:
                known = ", ".join(sorted(keys)) or "nothing"
                raise RuleFault(f"check {name} has no {key}, only {known}", key=key)
        if name == "call":
            calls.check_call(given)
        else:
            for key in set(values) & keys:
                _read(name, key, given)
        return cls(check=name, given=given)

    def find(self, tree: PythonTree) -> Iterator[Hit]:
        """Where it hits, in no order."""
        for node in CHECKS[self.check][0](tree, self.given):
            line = getattr(node, "lineno", 1)
            yield Hit(line, getattr(node, "end_lineno", None) or line)


def _read(name: str, key: str, given: Parameters) -> None:
    if (name, key) in _PATTERNS:
        given.pattern(key)
    elif key == "is_silent":
        given.flag(key)
    elif key == "to":
        given.word(key)
    else:
        given.words(key)
