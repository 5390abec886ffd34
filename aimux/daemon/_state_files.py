"""Where store and log are: where the settings say, or beside what another program has there.

The Go server that others come from has its own under the same names in the same directory. Whoever
did not choose these names, or only kept what its settings file was shipped with, gets files of
another name; a name that was chosen is never exchanged.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from aimux.errors import AimuxError

if TYPE_CHECKING:
    from aimux.model import ServerSettings

STORE: Final = frozenset({"sessions.db", "~/.config/aimux/sessions.db"})  # nobody's choice
LOG: Final = frozenset({"aimux.log", "~/.config/aimux/aimux.log"})
OTHER_STORE: Final = "aimux-sessions.db"
OTHER_LOG: Final = "aimux-daemon.log"


@attrs.frozen(kw_only=True)
class StateFiles:
    """Where an environment's server keeps its files.

    `foreign` are those of another program that it leaves alone, at the names that the settings
    give; `refusal` is why the store cannot be used.
    """

    store: Path
    log: Path
    foreign: Sequence[Path] = ()
    refusal: AimuxError | None = None


def find_state_files(settings: "ServerSettings", env: Mapping[str, str]) -> StateFiles:
    """Where store and log of this environment's server are. Reads a few bytes of what is there."""
    from aimux.config import state_path
    from aimux.store import is_foreign, refusal_of

    store = state_path(settings.db_path, env)
    log = state_path(settings.log_file, env)
    foreign = (store,) if is_foreign(store) else ()
    if foreign and settings.db_path in STORE:
        store = store.with_name(OTHER_STORE)
    if _is_foreign_log(log) and settings.log_file in LOG:
        foreign = (*foreign, log)
        log = log.with_name(OTHER_LOG)
    return StateFiles(store=store, log=log, foreign=foreign, refusal=refusal_of(store))


def _is_foreign_log(path: Path) -> bool:
    """Whether a log has lines that are not ours; it would be rotated away from its program."""
    try:
        if not path.is_file():  # a pipe would be waited on
            return False
        with path.open("rb") as file:
            return file.read(1) not in {b"", b"{"}
    except OSError:
        return False
