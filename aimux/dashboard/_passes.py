"""Who may look: a link that opens the page once, and the pass it is exchanged for.

Theory of operation. The *token of a link* stands in the link that `aimux dashboard` prints: known
to this process alone, good once and for `LINK_S`. It is exchanged for a *pass*, which the page
keeps for itself and sends with each request. A pass is signed, not remembered: with a key that is
made of the server's token it outlives a restart of the daemon, and ends with that token.
"""

import base64
import hmac
import secrets
from collections import OrderedDict
from hashlib import sha256
from typing import Final

import attrs

from aimux.errors import Refusal

LINK_S: Final = 120.0  # from the link to the page
PASS_S: Final = 86_400.0  # a page that is left open for a day asks for a new link
KEPT_LINKS: Final = 256  # used and expired ones too: a page is told which it was
NONCE_BYTES: Final = 9
LINK_BYTES: Final = 24
PREFIX: Final = "aimux-page"
HINT: Final = "run `aimux dashboard` again: it makes a new link"


@attrs.define
class _LinkToken:
    made: float
    is_used: bool = False


class Passes:
    """The link tokens and passes of one server. Clocks are passed in: seconds for both."""

    def __init__(self, token: str | None) -> None:
        """`token` is what other clients come in with; None where none is needed."""
        seed = (
            secrets.token_bytes(32) if token is None else token.encode("utf-8", "surrogateescape")
        )
        self._key = hmac.digest(seed, b"aimux dashboard passes", sha256)
        self._links: OrderedDict[str, _LinkToken] = OrderedDict()

    def __repr__(self) -> str:
        fresh = sum(not each.is_used for each in self._links.values())
        return f"<Passes: {fresh} links not used>"

    def link_token(self, now: float) -> str:
        """A new link token."""
        made = secrets.token_urlsafe(LINK_BYTES)
        self._links[made] = _LinkToken(now)
        while len(self._links) > KEPT_LINKS:
            self._links.popitem(last=False)
        return made

    def redeem(self, link_token: str, now: float, wall: float) -> str:
        """The pass for a link token, which is used up then. `now` is of the clock it was made by.

        Raises:
            Refusal: it is unknown, was used, or is too old.
        """
        known = self._links.get(link_token)
        if known is None:
            raise Refusal("this link is not known here", code="link_unknown", hint=HINT)
        if known.is_used:
            raise Refusal("this link has been used already", code="link_used", hint=HINT)
        if now - known.made > LINK_S:
            raise Refusal(
                f"this link is older than {LINK_S:g} seconds", code="link_expired", hint=HINT
            )
        known.is_used = True
        return self.grant(wall)

    def grant(self, wall: float) -> str:
        """A pass that is good for `PASS_S`; `wall` is the time since 1970."""
        nonce = secrets.token_urlsafe(NONCE_BYTES)
        said = f"{PREFIX}.{int(wall + PASS_S)}.{nonce}"
        return f"{said}.{self._sign(said)}"

    def holder(self, given: str, wall: float) -> str | None:
        """Whom a pass stands for; None if it is none of ours, or is over."""
        said, _, signature = given.rpartition(".")
        parts = said.split(".")
        if len(parts) != 3 or parts[0] != PREFIX or not parts[1].isdecimal() or len(parts[1]) > 12:
            return None
        if not hmac.compare_digest(self._sign(said).encode(), signature.encode("utf-8", "replace")):
            return None
        return f"page-{parts[2]}" if int(parts[1]) > wall else None

    def _sign(self, said: str) -> str:
        digest = hmac.digest(self._key, said.encode("utf-8", "replace"), sha256)
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
