"""`deepresearch` as clients see it."""

from typing import Final

from ._about import describe
from ._schemas import RESULT, SHOWN_CHARS, flag, object_schema, string
from ._strategies import ANNOTATIONS, RUNNING
from ._tool import Tool

DEEPRESEARCH: Final = Tool(
    name="deepresearch",
    title="Research a topic with sources",
    description=describe("deepresearch"),
    input_schema=object_schema(
        {
            "topic": string("what to find out", minLength=1),
            "output_format": string(
                "report (default), executive_summary, bullet_points, table, json, adr, or your "
                "own words"
            ),
            "model": string("the vendor's research agent or model; default is the configured one"),
            "files": {
                "type": "array",
                "items": {"type": "string", "minLength": 1},
                "maxItems": 10,
                "description": "text, PDF, office or image files in cwd that go along, 20 MiB",
            },
            "force": flag("ask again although an answer is kept"),
            "cwd": string("absolute path; default as for exec"),
            "async": RUNNING["async"],
            "wait_seconds": RUNNING["wait_seconds"],
            "timeout_seconds": RUNNING["timeout_seconds"],
            "max_chars": SHOWN_CHARS,
        },
        ("topic",),
    ),
    output_schema=RESULT,
    annotations={"title": "Research a topic with sources", **ANNOTATIONS},
    module="aimux.tools._deepresearch",
    task_support="optional",
    aliases={
        "prompt": "topic",
        "question": "topic",
        "attachments": "files",
        "timeout": "timeout_seconds",
    },
)
