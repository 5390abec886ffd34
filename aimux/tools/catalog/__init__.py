"""The tools, prompts and resources as a client sees them: names, schemas and texts, as plain data.

It is on the path to the first answer, so it imports nothing heavy; the code of a tool is imported
when it is first called.
"""

from ._about import ABOUT as ABOUT
from ._classes import CLASSES as CLASSES, DIGEST as DIGEST
from ._listing import (
    CALL_NAMES as CALL_NAMES,
    TOOLS as TOOLS,
    listed as listed,
    meant as meant,
)
from ._prompts import PROMPTS as PROMPTS
from ._resources import SCHEME as SCHEME, TEMPLATES as TEMPLATES, templates as templates
from ._schemas import RESULT as RESULT, Schema as Schema
from ._tool import Tool as Tool
