"""Whether a call of `exec` is one for a pair; what pairs are made of is read only then."""

from typing import Final

from aimux.errors import PeerFault
from aimux.model import Mode

from ._calls import ToolCall
from ._context import ToolContext

OWN: Final = ("reviewer", "verify", "best_of", "max_rounds", "dirty")  # of pair alone
AGAINST: Final = ("session_id", "schema", "tty")  # mean nothing where several seats work


async def is_wanted(context: ToolContext, call: ToolCall) -> bool:
    """Whether a call of `exec` is one for a pair.

    Cancelling it changes nothing: it only reads.

    Raises:
        PeerFault: it brings what only a pair takes, and is none.
    """
    given = call.arguments
    own = [name for name in OWN if given.get(name) is not None]
    wanted = given.get("pair")
    if wanted is None and given.get("role"):
        settings = (await context.engine.snapshot(call.client)).settings.pair
        is_plain = given.get("mode") == Mode.READ or any(given.get(name) for name in AGAINST)
        wanted = settings.default and given.get("role") == settings.driver_role and not is_plain
    if own and not wanted:
        raise PeerFault(
            f"{' and '.join(own)} would have no effect: this is no pair",
            code="contradictory_arguments",
            hint=f"give pair=true with {'it' if len(own) == 1 else 'them'}",
        )
    return bool(wanted)
