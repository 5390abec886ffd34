"""Texts that steer a CLI, rules of audits, domains of investigations, in layers."""

from ._audit_rules import (
    AuditRules as AuditRules,
    read_audit_rules as read_audit_rules,
)
from ._domains import (
    DomainLibrary as DomainLibrary,
    read_domains as read_domains,
)
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
)
