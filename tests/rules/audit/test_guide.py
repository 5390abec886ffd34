"""The guide to audit rules names what there is."""

from pathlib import Path

import pytest

from aimux.rules.audit._matchers import _CONDITIONS, _FLAGS
from aimux.rules.audit._patterns import _KINDS
from aimux.rules.audit._python import CHECKS

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "guide" / "audit-rules.md"

pytestmark = pytest.mark.skipif(not GUIDE.is_file(), reason="the checkout is not here")


def test_the_guide_names_every_check_and_every_key() -> None:
    """A rule of one's own needs no look into the code."""
    text = GUIDE.read_text(encoding="utf-8")
    keys = {key for _, several in CHECKS.values() for key in several}
    words = {*CHECKS, *keys, *_CONDITIONS, *_KINDS, "tokens", "lines", "first_line"}

    assert sorted(word for word in words if f"`{word}`" not in text) == []
    assert sorted(flag for flag in _FLAGS if f"`{flag}: true`" not in text) == []
