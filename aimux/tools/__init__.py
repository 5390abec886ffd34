"""The tools: one module each, the catalog that lists them, resources and prompts."""

from ._app import (
    App as App,
    MakeEngine as MakeEngine,
    error_json as error_json,
    open_app as open_app,
)
from ._calls import (
    Asking as Asking,
    Caller as Caller,
    Client as Client,
    JobView as JobView,
    Payload as Payload,
    Reach as Reach,
    ToolCall as ToolCall,
)
from ._catalog import TOOLS as TOOLS, Tool as Tool
