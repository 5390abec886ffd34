"""Research, decided: what is asked, which files go along, what a status means, how it is told."""

from ._attachments import (
    MAX_FILES_BYTES as MAX_FILES_BYTES,
    judge_attachment as judge_attachment,
)
from ._report import (
    DEFAULT_FORMAT as DEFAULT_FORMAT,
    KEY_NAMES as KEY_NAMES,
    LIVE as LIVE,
    judge_remote as judge_remote,
    key_of as key_of,
    report_research as report_research,
    research_key as research_key,
    research_prompt as research_prompt,
)
