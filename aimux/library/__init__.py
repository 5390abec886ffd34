"""Texts that steer a CLI, in layers."""

from ._prompts import (
    KINDS as KINDS,
    Lister as Lister,
    Prompt as Prompt,
    PromptLibrary as PromptLibrary,
    TemplateFault as TemplateFault,
    render as render,
)
from ._roles import (
    RoleText as RoleText,
    read_roles as read_roles,
    styles_in as styles_in,
)
