"""A session of thinking as it is kept: whose it is, when it was used, and what it knows."""

import datetime
from collections.abc import Mapping

import attrs

from ._ids import ThoughtId


@attrs.frozen(kw_only=True)
class ThoughtSession:
    """The steps of one caller's thinking. `body` is the business of the patterns."""

    id: ThoughtId
    pattern: str
    client: str = ""
    body: Mapping[str, object] = attrs.field(factory=dict)
    created_at: datetime.datetime
    last_active_at: datetime.datetime
