"""What keeps a CLI that calls aimux from calling itself for ever.

Every child gets a token in its environment: which job began it all, how deep it stands, how many
jobs were begun under that root before it, and how much time the job above it had. A nested aimux
reads it from its client's environment. The checksum tells a garbled token from a whole one; it is
no secret, for whoever can change a child's environment could as well remove the variable.
"""

import re
import zlib
from collections.abc import Mapping
from typing import Final

import attrs

from aimux.errors import Refusal
from aimux.model import Warned

LINEAGE_VARIABLE: Final = "AIMUX_LINEAGE"
MAX_DEPTH: Final = 3
MAX_DESCENDANTS: Final = 50

_TOKEN: Final = re.compile(
    r"1\.([A-Za-z0-9_-]{1,64})\.(\d{1,4})\.(\d{1,6})\.(\d{1,9})\.([0-9a-f]{8})"
)


@attrs.frozen(kw_only=True)
class Lineage:
    """Where a call comes from. `depth` is 0 for a call that no child of ours made."""

    root: str = ""  # the job that began it all
    depth: int = 0
    descendants: int = 0  # jobs begun under the root so far
    left_s: float | None = None  # what the job above had left when it started its child


def encode(lineage: Lineage) -> str:
    """The token of a lineage that has a root."""
    left_s = max(int(lineage.left_s or 0), 0)
    body = f"1.{lineage.root}.{lineage.depth}.{lineage.descendants}.{left_s}"
    return f"{body}.{_checksum(body)}"


def decode(text: str) -> tuple[Lineage, Warned | None]:
    """The lineage of a token; depth 0 with a warning if it is not one of ours."""
    if not text:
        return Lineage(), None
    found = _TOKEN.fullmatch(text)
    if found is None or _checksum(text.rpartition(".")[0]) != found[5]:
        said = f"{LINEAGE_VARIABLE} is garbled: the call counts as one from outside"
        return Lineage(), Warned(code="lineage_garbled", message=said)
    root, depth, descendants, left_s = found.groups()[:4]
    return (
        Lineage(root=root, depth=int(depth), descendants=int(descendants), left_s=float(left_s)),
        None,
    )


def lineage(env: Mapping[str, str]) -> tuple[Lineage, Warned | None]:
    """Where the client with this environment comes from."""
    return decode(env.get(LINEAGE_VARIABLE, ""))


def enter_job(env: Mapping[str, str], job_id: str, *, descendants: int = 0) -> Lineage:
    """Where the children of a job stand that the client with `env` asks for.

    `descendants` is how many jobs the caller knows to have been begun under the same root.

    Raises:
        Refusal: the job would stand too deep, or its root has begun too many.
    """
    above, _ = lineage(env)
    begun = max(above.descendants, descendants)
    if above.depth > MAX_DEPTH:
        msg = f"aimux called itself {above.depth} levels deep: {MAX_DEPTH} are allowed"
        raise _refused(msg, "too_deep", above)
    if above.root and begun >= MAX_DESCENDANTS:
        msg = f"{begun} jobs were begun under {above.root}: {MAX_DESCENDANTS} are allowed"
        raise _refused(msg, "too_many_descendants", above)
    return Lineage(
        root=above.root or job_id,
        depth=above.depth + 1,
        descendants=begun + 1 if above.root else 0,
    )


def lineage_env(here: Lineage, left_s: float) -> dict[str, str]:
    """The variables for a child that stands there and is started with so much time left."""
    return {LINEAGE_VARIABLE: encode(attrs.evolve(here, left_s=left_s))}


def nested_limit_s(env: Mapping[str, str], limit_s: float) -> float:
    """A job's limit, never more than the job above it had."""
    above, _ = lineage(env)
    return limit_s if above.left_s is None else min(limit_s, above.left_s)


def _refused(message: str, code: str, above: Lineage) -> Refusal:
    return Refusal(
        message,
        code=code,
        retryable=False,
        hint="let the outermost agent make the calls, or keep aimux out of the CLIs' own"
        " MCP servers",
        data={"root": above.root, "depth": above.depth},
    )


def _checksum(body: str) -> str:
    return f"{zlib.crc32(b'aimux lineage ' + body.encode()):08x}"
