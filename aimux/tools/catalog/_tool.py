"""A tool as data."""

from collections.abc import Mapping

import attrs

from ._schemas import Schema


@attrs.frozen(kw_only=True)
class Tool:
    """One tool. `module` is where its code is; `aliases` maps other names users know to ours."""

    name: str
    title: str
    description: str
    input_schema: Schema
    output_schema: Schema
    annotations: Mapping[str, object]
    module: str
    aliases: Mapping[str, str] = attrs.field(factory=dict)
    task_support: str = "forbidden"  # optional: the client may have the call as a task
