"""The tools: one module each, the catalog that lists them, resources and prompts."""

from ._app import (
    App as App,
    MakeEngine as MakeEngine,
    open_app as open_app,
)
from ._calls import (
    Caller as Caller,
    Client as Client,
    InputRequired as InputRequired,
    JobView as JobView,
    Payload as Payload,
    Reach as Reach,
    ToolCall as ToolCall,
    error_json as error_json,
)
from ._changes import PROMPTS as PROMPTS, Changed as Changed, FileSource as FileSource
from .catalog import TOOLS as TOOLS, Tool as Tool
