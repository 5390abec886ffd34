"""The exception tree, split by who is at fault.

Every class carries what the wire needs: `error_type` (the family), `code` (stable, machine
readable), `retryable`, an optional `hint` (what to do next) and `data` (facts that belong to the
message). Anything that is not an `AimuxError` is a bug and travels up to one of the two firewalls.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, TypeVar

E = TypeVar("E", bound=BaseException)


class AimuxError(Exception):
    """Base of everything this project raises on purpose.

    `message` is a lower-case fragment that names the value and the way out.
    """

    error_type: ClassVar[str] = "internal"
    default_code: ClassVar[str] = "internal"
    default_retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        hint: str | None = None,
        retryable: bool | None = None,
        data: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = self.default_code if code is None else code
        self.hint = hint
        self.retryable = self.default_retryable if retryable is None else retryable
        self.data: dict[str, object] = dict(data or {})
        self.warnings: Sequence[Mapping[str, object]] = ()  # about the call that it ended


class PeerFault(AimuxError):
    """The client broke the protocol, a schema, or named something that is not there."""

    error_type = "peer"
    default_code = "invalid_request"


class InvalidArguments(PeerFault):
    """Tool arguments do not fit the schema; `problems` lists every fault at once.

    Each problem is `{path, value, expected, suggestion?}`; `meant` are the arguments with all of
    them mended, where that is certain.
    """

    default_code = "invalid_arguments"

    def __init__(
        self,
        message: str,
        *,
        problems: Sequence[Mapping[str, object]],
        meant: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message, data={"problems": [dict(each) for each in problems]})
        self.problems = [dict(each) for each in problems]
        self.meant = meant


class NotFound(PeerFault):
    """A job, session, CLI, role or resource of that name does not exist; `code` says which kind."""

    default_code = "not_found"


class Refusal(AimuxError):
    """We chose not to: breaker open, no slot, not allowed, too deep."""

    error_type = "refusal"
    default_code = "refused"
    default_retryable = True


class CircuitOpen(Refusal):
    """The breaker of a CLI refuses the turn."""

    default_code = "circuit_open"


class BudgetSpent(Refusal):
    """A job has used what it may use; the message names the figure."""

    default_code = "budget_spent"
    default_retryable = False


class OutOfTime(Refusal):
    """A job has no time left for another turn."""

    default_code = "timed_out"


class TooManyJobs(Refusal):
    """Capacity and queue are full."""

    default_code = "too_many_jobs"


class SetupFault(AimuxError):
    """A profile, the configuration, a binary or the state directory is wrong; says file and key."""

    error_type = "setup"
    default_code = "setup"


class ConfigInvalid(SetupFault):
    """A configuration file or value cannot be used; `data["problems"]` lists each as text."""

    default_code = "config_invalid"


class BinaryMissing(SetupFault):
    """The profile names a binary that is not there, or that cannot be started."""

    default_code = "cli_not_installed"


class StoreUnavailable(SetupFault):
    """The state directory or database cannot be opened, read or written."""

    default_code = "store_unavailable"


class InternalFault(AimuxError):
    """Our own bug, as seen from outside a firewall."""

    default_code = "internal"


def first_leaf(group: BaseExceptionGroup[E]) -> E:
    """The first exception of a group that is no group itself, depth first."""
    first = group.exceptions[0]
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
