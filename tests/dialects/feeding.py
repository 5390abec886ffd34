"""Records fed to a dialect, and everything it says of them."""

import json

from aimux.dialects import Dialect, open_dialect
from aimux.model import Said, Stream

OUT, ERR = Stream.STDOUT, Stream.STDERR


def lines(*records: object) -> bytes:
    """Records as JSON lines; text as it is."""
    return b"".join(
        (each if isinstance(each, str) else json.dumps(each)).encode() + b"\n" for each in records
    )


def told(name: str, *records: object, exit_code: int | None = 0) -> tuple[list[Said], Dialect]:
    """Everything a dialect says of some stdout."""
    dialect = open_dialect(name)
    said = dialect.feed(OUT, lines(*records))
    return said + dialect.finish(exit_code), dialect
