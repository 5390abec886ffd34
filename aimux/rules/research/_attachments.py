"""Which files may go along with a research, told from name and content."""

from collections.abc import Mapping
from typing import Final

MAX_FILES_BYTES: Final = 20 * 2**20  # together: they travel inside the request
TEXT: Final = "text/plain"
_ZIPPED: Final = b"PK\x03\x04"
_OLD_OFFICE: Final = b"\xd0\xcf\x11\xe0"
_OFFICE: Final = "application/vnd.openxmlformats-officedocument."
_OPEN: Final = "application/vnd.oasis.opendocument."
# ending -> what the vendor calls it, and how such a file begins
_KNOWN: Final[Mapping[str, tuple[str, tuple[bytes, ...]]]] = {
    "pdf": ("application/pdf", (b"%PDF-",)),
    "png": ("image/png", (b"\x89PNG\r\n\x1a\n",)),
    "jpg": ("image/jpeg", (b"\xff\xd8\xff",)),
    "jpeg": ("image/jpeg", (b"\xff\xd8\xff",)),
    "gif": ("image/gif", (b"GIF87a", b"GIF89a")),
    "webp": ("image/webp", (b"RIFF",)),
    "docx": (f"{_OFFICE}wordprocessingml.document", (_ZIPPED,)),
    "xlsx": (f"{_OFFICE}spreadsheetml.sheet", (_ZIPPED,)),
    "pptx": (f"{_OFFICE}presentationml.presentation", (_ZIPPED,)),
    "odt": (f"{_OPEN}text", (_ZIPPED,)),
    "ods": (f"{_OPEN}spreadsheet", (_ZIPPED,)),
    "odp": (f"{_OPEN}presentation", (_ZIPPED,)),
    "doc": ("application/msword", (_OLD_OFFICE,)),
    "xls": ("application/vnd.ms-excel", (_OLD_OFFICE,)),
    "ppt": ("application/vnd.ms-powerpoint", (_OLD_OFFICE,)),
}


def judge_attachment(name: str, data: bytes) -> tuple[str, str]:
    """The media type of a file, or an empty one and why it cannot go along.

    What has none of the known endings goes as text, if it is text.
    """
    if not data:
        return "", "it is empty"
    ending = name.rpartition(".")[2].lower()
    known = _KNOWN.get(ending)
    if known is not None:
        mime_type, beginnings = known
        if data.startswith(beginnings):
            return mime_type, ""
        return "", f"its content is not that of a {ending} file"
    if b"\0" in data:
        return "", "neither text nor a kind of document that the vendor takes"
    try:
        data.decode()
    except UnicodeDecodeError:
        return "", "neither UTF-8 text nor a kind of document that the vendor takes"
    return "text/csv" if ending == "csv" else TEXT, ""
