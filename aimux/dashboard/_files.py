"""The static files of the page, and the headers that keep it to itself.

Nothing that a CLI, a model or a repository says can become part of the page: no script, style,
image or connection comes from anywhere but these files, and no text is ever parsed as HTML.
"""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

import attrs

from aimux.files.shipped import installation_broken

ROOT: Final = Path(__file__).parent / "static"
PAGE: Final = "index.html"
KINDS: Final[Mapping[str, bytes]] = {
    ".html": b"text/html; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
    ".txt": b"text/plain; charset=utf-8",
}
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types aimux"
)
HEADERS: Final = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)


@attrs.frozen
class StaticFile:
    """One file: what it is, what it holds, and the tag that says whether it is still that."""

    kind: bytes
    data: bytes = attrs.field(repr=False)
    tag: bytes


def load_files(root: Path = ROOT) -> dict[str, StaticFile]:
    """The files of the page by the name they are asked for with. Reads them all.

    Raises:
        InstallationBroken: this installation does not carry them, or no longer.
    """
    found: dict[str, StaticFile] = {}
    for path in sorted(root.rglob("*")):
        kind = KINDS.get(path.suffix)
        if kind is not None and path.is_file():
            data = path.read_bytes()
            tag = b'"' + sha256(data).hexdigest()[:16].encode() + b'"'
            found[path.relative_to(root).as_posix()] = StaticFile(kind, data, tag)
    if PAGE not in found:
        raise installation_broken(str(root / PAGE))
    return found
