"""What happened to a change outside of any model: commands that were run on it, its landing."""

import attrs


@attrs.frozen(kw_only=True)
class Verified:
    """How a command went. `exit_code` None: it did not end by itself, `why` says more."""

    command: str
    exit_code: int | None
    tail: str
    duration_ms: int
    why: str = ""

    @property
    def has_passed(self) -> bool:
        """Whether the command says that all is well."""
        return self.exit_code == 0


@attrs.frozen(kw_only=True)
class Landed:
    """Whether a change was taken over. With a `code` it was not, and `why` says the reason.

    `kept` is where what could not be undone lies.
    """

    files: tuple[str, ...] = ()
    code: str = ""
    why: str = ""
    kept: str = ""

    @property
    def is_landed(self) -> bool:
        """Whether it was taken over."""
        return not self.code
