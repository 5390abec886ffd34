"""One POST to a webhook, signed where there is a secret. Blocks: it is called in a thread."""

import hashlib
import hmac
import os
import ssl
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import IO, Final

from aimux.model import NotificationSettings
from aimux.times import utc_now

SECRET_BYTES: Final = 4_096


def signature(secret: bytes, at: int, body: bytes) -> str:
    """The value of `X-Aimux-Signature`: seconds since 1970, and HMAC-SHA256 over `at.body`."""
    made = hmac.new(secret, b"%d." % at + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={made}"


class _StayThere(urllib.request.HTTPRedirectHandler):
    """What is told to one place is not told to another."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: object,
        newurl: str,
    ) -> None:
        return None


def post(to: NotificationSettings, body: bytes) -> str:
    """Why it failed; empty if it was taken. A redirect is not followed."""
    headers = {"Content-Type": "application/json", "User-Agent": "aimux"}
    if to.secret_file:
        try:
            secret = read_secret(Path(to.secret_file).expanduser())
        except (OSError, ValueError) as error:
            return f"secret_file {to.secret_file}: {error}"
        headers["X-Aimux-Signature"] = signature(secret, int(utc_now().timestamp()), body)
    opener = urllib.request.build_opener(
        _StayThere, urllib.request.HTTPSHandler(context=ssl.create_default_context())
    )
    request = urllib.request.Request(to.url, data=body, headers=headers, method="POST")  # noqa: S310  # the setting is checked: https, or http on this machine
    try:
        with opener.open(request, timeout=to.timeout_seconds) as answer:
            answer.read(1)
    except urllib.error.HTTPError as error:
        error.close()
        return f"answered {error.code}"
    except (OSError, HTTPException, ValueError) as error:
        return str(error) or type(error).__name__
    return ""


def read_secret(path: Path) -> bytes:
    """The secret in a file of this user's alone.

    Raises:
        OSError: it cannot be read.
        ValueError: it is empty, or others may read it.
    """
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        secret = file.read(SECRET_BYTES).strip()
    if os.name == "posix" and mode & 0o077:
        raise ValueError("others may read it: chmod 600 it")
    if not secret:
        raise ValueError("it is empty")
    return secret
