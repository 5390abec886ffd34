"""Which conversations a tool goes on with: those of one CLI by exec and its kin, others by theirs.

A strategy keeps what each seat said for itself; a plain turn in the middle of it would be a seat
that nobody prepared, and the strategy would not know of it later.
"""

from collections.abc import Mapping
from typing import Final

from aimux.errors import NotFound, PeerFault
from aimux.model import Session

PAIR: Final = "pair"  # exec goes on with its sessions, as a pair
SINGLE: Final = frozenset({"exec", "background", "agents"})  # one CLI speaks in their sessions
# ids -> what they are of, and the call that is about them
IDS: Final[Mapping[str, tuple[str, str]]] = {
    "job_": ("a job", "status(job_id=…) tells of it, and of its session if it has one"),
    "ses_": ("a session", "sessions(action=info, session_id=…) lists its jobs"),
    "thk_": ("steps of thinking", "go on with think(session_id=…)"),
    "inv_": ("an investigation", "go on with investigate(session_id=…)"),
}
LISTED: Final = "sessions(action=list, status=all) shows what there is; gc removes what is old"


def way_to(wanted: str, given: str) -> str:
    """What to do about an id that was not found where one with the prefix `wanted` belongs."""
    found = IDS.get(given[:4]) if given[:4] != wanted else None
    return LISTED if found is None else f"this is the id of {found[0]}: {found[1]}"


def check_session_id(session_id: str) -> None:
    """Refuse an id that is plainly of something else.

    Raises:
        NotFound: with the way that leads to it.
    """
    if session_id[:4] in IDS and session_id[:4] != "ses_":
        raise NotFound(
            f"{session_id} is not a session",
            code="session_not_found",
            hint=way_to("ses_", session_id),
        )


def check_session_kind(session: Session, tool: str) -> None:
    """Refuse a session that a tool cannot go on with.

    Raises:
        PeerFault: it is of another tool.
    """
    if tool == session.kind or {tool, session.kind} <= SINGLE:
        return
    own = "exec" if session.kind in {*SINGLE, PAIR} else session.kind
    raise PeerFault(
        f"session {session.id} is of {session.kind}, not of {tool}",
        code="session_kind_mismatch",
        hint=f"go on with it by {own}(session_id=…), or leave session_id out and start a new one",
    )
