"""What each of the five protocol revisions allows, as one table.

Theory of operation. ``TABLE`` names a thing (a field as ``Shape.field``, a content type, a
behaviour) and the first and last revision that has it. A ``Revision`` is a column of that table.
Dates compare as text, so a span is two versions; the methods have a table of their own beside it
(``_methods``).
"""

import functools
from collections.abc import Mapping
from typing import Final

import attrs

VERSIONS: Final = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28")
HANDSHAKE_VERSIONS: Final = VERSIONS[:4]
MODERN_VERSIONS: Final = VERSIONS[4:]
LATEST_HANDSHAKE: Final = "2025-11-25"
ASSUMED_OVER_HTTP: Final = "2025-03-26"  # a POST without version header and without session
MODERN: Final = "2026-07-28"

_V1, _V2, _V3, _V4, _V5 = VERSIONS

TABLE: Final[Mapping[str, tuple[str, str]]] = {
    # behaviour
    "batches": (_V2, _V2),
    "handshake": (_V1, _V4),
    "progress.message": (_V2, _V5),
    "input_required": (_V5, _V5),
    "elicitation": (_V3, _V5),
    "elicitation.url": (_V4, _V5),
    "elicitation.id": (_V4, _V4),
    "sampling.tools": (_V4, _V5),
    "tasks.core": (_V4, _V4),
    "tasks.extension": (_V5, _V5),
    "sse.priming": (_V4, _V4),  # for the HTTP transport: older clients choke on empty data
    # capabilities the server may declare
    "capability.completions": (_V2, _V5),
    "capability.tasks": (_V4, _V4),
    "capability.extensions": (_V5, _V5),
    # error codes
    "error.resource_not_found": (_V1, _V4),
    "error.url_elicitation_required": (_V4, _V4),
    "error.missing_capability": (_V5, _V5),
    # fields
    "Implementation.title": (_V3, _V5),
    "Implementation.description": (_V4, _V5),
    "Implementation.icons": (_V4, _V5),
    "Implementation.websiteUrl": (_V4, _V5),
    "Tool.annotations": (_V2, _V5),
    "Tool.title": (_V3, _V5),
    "Tool.outputSchema": (_V3, _V5),
    "Tool.outputSchema.any": (_V5, _V5),
    "Tool._meta": (_V3, _V5),
    "Tool.icons": (_V4, _V5),
    "Tool.execution": (_V4, _V4),
    "CallToolResult.structuredContent": (_V3, _V5),
    "CallToolResult.structuredContent.any": (_V5, _V5),
    "Resource.title": (_V3, _V5),
    "Resource._meta": (_V3, _V5),
    "Resource.icons": (_V4, _V5),
    "ResourceContents._meta": (_V3, _V5),
    "Prompt.title": (_V3, _V5),
    "Prompt._meta": (_V3, _V5),
    "Prompt.icons": (_V4, _V5),
    "PromptArgument.title": (_V3, _V5),
    "Annotations.lastModified": (_V3, _V5),
    "ContentBlock._meta": (_V3, _V5),
    # content types
    "content.audio": (_V2, _V5),
    "content.resource_link": (_V3, _V5),
}


@attrs.frozen(eq=False, repr=False)
class Revision:
    """One column of the table. There is one object per version: compare with ``is``."""

    version: str
    is_modern: bool
    features: frozenset[str]

    def __repr__(self) -> str:
        """Show as the version."""
        return f"<Revision {self.version}>"

    def has(self, feature: str) -> bool:
        """Tell whether the revision has a thing of the table."""
        return feature in self.features

    def lacks(self, shape: str) -> frozenset[str]:
        """Return the fields of ``shape`` that some revision has and this one has not."""
        return _lacking(self, shape)


@functools.cache
def _lacking(revision: Revision, shape: str) -> frozenset[str]:
    prefix = f"{shape}."
    return frozenset(
        name.removeprefix(prefix)
        for name in TABLE
        if name.startswith(prefix) and name not in revision.features
    )


def _column(version: str) -> Revision:
    features = frozenset(name for name, (first, last) in TABLE.items() if first <= version <= last)
    return Revision(version, version in MODERN_VERSIONS, features)


REVISIONS: Final[Mapping[str, Revision]] = {version: _column(version) for version in VERSIONS}


def negotiate(requested: str) -> Revision:
    """Return the revision that ``initialize`` settles on: never a modern one."""
    return REVISIONS[requested if requested in HANDSHAKE_VERSIONS else LATEST_HANDSHAKE]
