"""`status` as clients see it."""

from typing import Final

from ._about import describe
from ._schemas import MAX_CHARS, RESULT, count, flag, object_schema, seconds, string
from ._tool import Tool

STATUS: Final = Tool(
    name="status",
    title="Look at a job",
    description=describe("status"),
    input_schema=object_schema(
        {
            "job_id": string("the job to look at"),
            "wait_seconds": seconds(
                "wait this long for the end; with events_after, for the next event",
                minimum=0,
                maximum=3600,
            ),
            "turn": count("this turn of the job alone", minimum=1),
            "offset": count("first character of content", minimum=0),
            "tail": count("the last so many characters", minimum=1),
            "include_content": flag("the whole content"),
            "max_chars": MAX_CHARS,
            "events_after": count("also list events after this sequence number", minimum=0),
        },
        ("job_id",),
    ),
    output_schema=RESULT,
    annotations={
        "title": "Look at a job",
        "readOnlyHint": True,
        "idempotentHint": True,
        "openWorldHint": False,
    },
    module="aimux.tools._status",
)
