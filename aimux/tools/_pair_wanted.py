"""Whether a call of `exec` is one for a pair; what pairs are made of is read only then."""

from typing import Final

from aimux.errors import PeerFault
from aimux.model import Mode, SessionId
from aimux.rules import check_session_id, check_session_kind

from ._calls import ToolCall
from ._context import ToolContext

OWN: Final = (  # of pair alone
    "reviewer", "verify", "best_of", "max_rounds", "dirty", "timeout_per_turn_seconds",
)  # fmt: skip
AGAINST: Final = ("schema", "tty")  # mean nothing where several seats work
EXEC: Final = "exec"  # kinds of sessions
PAIR: Final = "pair"


async def is_wanted(context: ToolContext, call: ToolCall) -> bool:
    """Whether a call of `exec` is one for a pair.

    Cancelling it changes nothing: it only reads.

    Raises:
        NotFound: it goes on with a session that is not there.
        PeerFault: it brings what only a pair takes, and is none, or its session is of another kind.
    """
    given = call.arguments
    own = [name for name in OWN if given.get(name) is not None]
    wanted = given.get("pair")
    if given.get("session_id"):
        wanted = await _goes_on(context, str(given["session_id"]), wanted)
    elif wanted is None and given.get("role"):
        settings = (await context.engine.config.snapshot(call.client)).settings.pair
        is_plain = given.get("mode") == Mode.READ or any(given.get(name) for name in AGAINST)
        wanted = settings.default and given.get("role") == settings.driver_role and not is_plain
    if own and not wanted:
        raise PeerFault(
            f"{' and '.join(own)} would have no effect: this is no pair",
            code="contradictory_arguments",
            hint=f"give pair=true with {'it' if len(own) == 1 else 'them'}",
        )
    return bool(wanted)


async def _goes_on(context: ToolContext, session_id: str, wanted: object) -> bool:
    """Whether a session is a pair's; whoever began it goes on with it."""
    check_session_id(session_id)
    session = await context.engine.store.session(SessionId(session_id))
    is_pair = session.kind == PAIR if wanted is None else wanted
    kind = PAIR if is_pair else EXEC
    check_session_kind(session, kind)
    return kind == PAIR
