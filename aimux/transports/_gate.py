"""Who may come in: foreign pages, wrong tokens and bloated requests are turned away first."""

import hmac
import logging
from collections.abc import Callable
from hashlib import sha256
from typing import Final

import trio

from aimux.protocol import Headers, Rejection, judge_source

from ._bind import ListenAddress, dialled
from ._request import Header, Scope, problem

MAX_HEADERS: Final = 100
LOG_EVERY_S: Final = 5.0  # between lines about refused credentials
CHALLENGE: Final[Header] = (b"www-authenticate", b'Bearer realm="aimux"')
_BEARER: Final = "bearer "

log = logging.getLogger("aimux.http")


class Refused(Exception):  # an answer, not an error
    """The request is answered with this and nothing else."""

    def __init__(self, status: int, body: bytes, headers: tuple[Header, ...] = ()) -> None:
        super().__init__(status)
        self.status = status
        self.body = body
        self.headers = headers


class Gate:
    """Judges each request by its headers."""

    def __init__(
        self, address: ListenAddress, knows: Callable[[str], str | None] | None = None
    ) -> None:
        """`knows` says whom a credential beside the token stands for; None for nobody."""
        self._address = address
        self._knows = knows
        self._digest = None if address.token is None else _digest(address.token)
        self._logged_at = -LOG_EVERY_S
        self._unlogged = 0

    def judge_source(self, scope: Scope, headers: Headers) -> None:
        """Refuse what a foreign page or name brought here (X-1), and too many headers.

        Raises:
            Refused: 403, 421 or 431.
        """
        if len(scope["headers"]) > MAX_HEADERS:
            raise Refused(431, problem(f"more than {MAX_HEADERS} headers"))
        hosts = self._address.hosts | dialled(scope.get("server"))
        rejection = judge_source(headers, hosts)
        if isinstance(rejection, Rejection):
            raise Refused(rejection.status, rejection.data)

    def admit(self, scope: Scope, headers: Headers) -> str:
        """The principal that a request's credential stands for: "" where none is needed.

        Raises:
            Refused: 401.
        """
        if self._digest is None:
            return ""
        given = headers.all("authorization")
        word = given[0] if len(given) == 1 else ""
        if word[: len(_BEARER)].lower() == _BEARER:
            given_token = word[len(_BEARER) :].strip()
            digest = _digest(given_token)
            if hmac.compare_digest(digest, self._digest):
                return digest.hex()[:16]
            known = None if self._knows is None else self._knows(given_token)
            if known is not None:
                return known
        self._log_refusal(scope, "wrong token" if given else "no token")
        raise Refused(401, problem("a bearer token is needed"), (CHALLENGE,))

    def _log_refusal(self, scope: Scope, why: str) -> None:
        now = trio.current_time()
        if now - self._logged_at < LOG_EVERY_S:
            self._unlogged += 1
            return
        client = (scope.get("client") or ("?",))[0]
        log.warning(
            "%s from %s on %s (%d more since the last line)",
            why, client, scope["path"], self._unlogged,
        )  # fmt: skip
        self._logged_at, self._unlogged = now, 0


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogateescape")).digest()
