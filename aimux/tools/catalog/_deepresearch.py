"""`deepresearch` as clients see it."""

from typing import Final

from ._schemas import MAX_CHARS, RESULT, flag, object_schema, seconds, string
from ._strategies import ANNOTATIONS
from ._tool import Tool

DEEPRESEARCH: Final = Tool(
    name="deepresearch",
    title="Research a topic with sources",
    description=(
        "Research a topic on the web: a report with its sources, from Gemini's research agent, "
        "where the client's environment has GEMINI_API_KEY or GOOGLE_API_KEY; takes minutes. "
        "Without a key a CLI answers of what it knows (provider=fallback, grounded=false). "
        "Answers are kept and given again with their age."
    ),
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
            "async": flag("return a job_id at once"),
            "wait_seconds": seconds("wait so long before a running job is handed over", minimum=0),
            "timeout_seconds": seconds("deadline of the whole", minimum=0.1),
            "max_chars": MAX_CHARS,
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
