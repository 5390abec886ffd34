"""Domains of investigations: shipped ones, and the user's own laid over them by name."""

import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import attrs

from aimux.files.yaml import YamlFault, YamlReader
from aimux.investigate import Domain, read_domain
from aimux.model import Problem, Severity


class YamlLister(Protocol):
    """Lists YAML files of a directory, and may remember that it did."""

    def yaml_in(self, root: pathlib.Path) -> Iterable[pathlib.Path]:
        """The `.yaml` and `.yml` files of `root`, sorted; none where it is missing."""
        ...


@attrs.frozen(kw_only=True)
class DomainLibrary:
    """The domains in effect by name, and what was wrong with files."""

    domains: Mapping[str, Domain]
    problems: Sequence[Problem] = ()


def read_domains(
    roots: Sequence[pathlib.Path], reader: YamlReader, lister: YamlLister
) -> DomainLibrary:
    """Every domain below `roots`, lowest layer first; a higher one replaces it as a whole.

    A file that makes no domain leaves the one below in effect; a wrong key costs only that key.
    """
    domains: dict[str, Domain] = {}
    problems: list[Problem] = []
    for root in roots:
        for file in lister.yaml_in(root):
            try:
                document = reader.read(file)
            except YamlFault as fault:
                where = f"{fault.path}:{fault.line}" if fault.line else str(fault.path)
                problems.append(_told(where, fault.what))
                continue
            domain, faults = read_domain(file.stem, document.data)
            for key, what in faults:
                line = document.line(key)
                where = f"{document.path}:{line}" if line else document.path
                problems.append(_told(where, f"{key}: {what}" if key else what))
            if domain is not None:
                domains[domain.name] = domain
    return DomainLibrary(domains=domains, problems=problems)


def _told(where: str, what: str) -> Problem:
    return Problem(severity=Severity.ERROR, where=where, message=what)
