"""Research at a vendor, over HTTPS: the interactions API of Gemini."""

from ._gemini import (
    INSTALL as INSTALL,
    Gemini as Gemini,
    is_installed as is_installed,
    open_gemini as open_gemini,
)
from ._interactions import (
    Attachment as Attachment,
    Interaction as Interaction,
    Refused as Refused,
    request_body as request_body,
)
