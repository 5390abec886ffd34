"""Every workflow file of a configuration read as a call would read it."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from aimux.files.yaml import Document, YamlFault, YamlReader
from aimux.model import Problem, Severity
from aimux.rules.workflow import StepFault, Workflow, read_workflow
from aimux.tools._steps import check_step, files_in, step_tools, steps_in, workflow_files


def workflow_problems(roots: Sequence[Path]) -> list[Problem]:
    """What keeps workflows below `roots` from being run, with file and line.

    It reads files: call it in a thread where a loop runs.
    """
    reader = YamlReader()
    found: list[Problem] = []
    for root in roots:
        try:
            files_in(root)
        except OSError as error:
            found.append(_told(str(root), 0, f"cannot be read: {error.strerror}"))
    for path in workflow_files(roots).values():
        found += _problems_of(path, reader)
    return found


def _problems_of(path: Path, reader: YamlReader) -> Iterator[Problem]:
    try:
        document = reader.read(path)
    except YamlFault as fault:
        yield _told(fault.path, fault.line, fault.what)
        return
    found = read_workflow(steps_in(document.data), step_tools(), check_step)
    if isinstance(found, Workflow):
        return
    for each in found:
        yield _told(document.path, _line(document, each), f"{each.path}: {each.message}")


def _line(document: Document, fault: StepFault) -> int:
    place = re.sub(r"\[(\d+)\]", r".\1", fault.path)
    bare = place.removeprefix("steps.")  # a file may be the list alone
    return document.line(place) or document.line(bare) or 1


def _told(path: str, line: int, what: str) -> Problem:
    where = f"{path}:{line}" if line else path
    return Problem(severity=Severity.ERROR, where=where, message=what)
