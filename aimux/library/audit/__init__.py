"""Rules of audits in layers: a room of its own, read where an audit is made."""

from ._rules import AuditRules as AuditRules, read_audit_rules as read_audit_rules
