"""Audit rules on the text of one file: what they say, and where they hit."""

from ._languages import BY_SUFFIX as BY_SUFFIX, language_of as language_of
from ._parameters import RuleFault as RuleFault
from ._rule import (
    CATEGORIES as CATEGORIES,
    LANGUAGES as LANGUAGES,
    RULE_KEYS as RULE_KEYS,
    AuditRule as AuditRule,
    read_rule as read_rule,
)
from ._scan import (
    MAX_BYTES as MAX_BYTES,
    SCANNER as SCANNER,
    Scan as Scan,
    Skipped as Skipped,
    scan as scan,
)
