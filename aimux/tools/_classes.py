"""The classes of calls, as they are compiled, and whether that is what the shipped file says."""

import hashlib
import pathlib
from typing import Final

from aimux.errors import SetupFault
from aimux.files.shipped import shipped
from aimux.files.yaml import YamlReader
from aimux.guidance import ToolClass, classify, read_classes

from ._calls import ToolCall
from .catalog import CLASSES, DIGEST, TOOLS

FILE: Final = "tool-classes.yaml"


def class_of(call: ToolCall) -> ToolClass:
    """What a call whose arguments are checked may do to its caller's time."""
    return classify(CLASSES, call.name, call.arguments)


def digest(path: pathlib.Path) -> str:
    """What a file says, however its lines end, in a few characters."""
    said = path.read_bytes().replace(b"\r\n", b"\n")
    return hashlib.sha256(said).hexdigest()[:16]


def check_classes(profiles: pathlib.Path | None = None) -> None:
    """Refuse to serve by classes that the shipped file does not give.

    Raises:
        ConfigInvalid: a row of it is missing, stale, unknown or there twice.
        SetupFault: it says something else than what was compiled from it.
    """
    path = (profiles or shipped("profiles")) / FILE
    try:
        is_same = digest(path) == DIGEST
    except OSError as error:
        raise SetupFault(f"{path} cannot be read: {error.strerror or error}") from error
    if is_same:
        return
    schemas = {name: tool.input_schema for name, tool in TOOLS.items()}
    if read_classes(YamlReader().read(path).data, schemas) != CLASSES:
        raise SetupFault(
            f"{path} says something else than what is compiled from it",
            code="tool_classes_stale",
            hint="run python -m tests.packaging.make_classes",
        )
