"""Audit rules on the text of one file: what they say, and where they hit."""

from ._audit import (
    BATCH as BATCH,
    SCANNER_SCHEMA as SCANNER_SCHEMA,
    VALIDATOR_SCHEMA as VALIDATOR_SCHEMA,
    code_around as code_around,
    investigation_prompt as investigation_prompt,
    parts_of_focus as parts_of_focus,
    place_of as place_of,
    read_findings as read_findings,
    read_verdicts as read_verdicts,
    scanner_prompt as scanner_prompt,
    share_categories as share_categories,
    validator_prompt as validator_prompt,
    with_evidence_of as with_evidence_of,
    with_verdict as with_verdict,
)
from ._audit_report import (
    AuditPhase as AuditPhase,
    AuditRecord as AuditRecord,
    report_audit as report_audit,
)
from ._checks import (
    INVESTIGATION_SCHEMA as INVESTIGATION_SCHEMA,
    check_json as check_json,
    check_prompt as check_prompt,
    read_investigation as read_investigation,
    refuse_check as refuse_check,
    told_check as told_check,
    with_check as with_check,
)
from ._finding_texts import (
    render_findings_markdown as render_findings_markdown,
    sarif as sarif,
)
from ._findings import (
    counts as counts,
    merge as merge,
    prioritise as prioritise,
    priority_of as priority_of,
)
from ._ignoring import (
    is_ignored as is_ignored,
    is_wanted as is_wanted,
    read_ignored as read_ignored,
)
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
