"""The roles, styles and snippets that come with aimux."""

from typing import Final

import pytest

from aimux.files.shipped import shipped
from aimux.files.yaml import YamlReader
from aimux.library import PromptLibrary, RoleText, read_roles, render
from aimux.model import Mode, Source

from .test_prompts import Lister

ROLES: Final = (
    "analyze", "architect", "challenge", "codereview", "coding", "debug", "docgen", "planner",
    "planning", "precommit", "refactor", "research", "review", "secaudit", "testgen", "thinkdeep",
    "tracer",
)  # fmt: skip
VERDICTS: Final = {
    "challenge": ("PROCEED", "PROCEED WITH CHANGES", "RETHINK"),
    "codereview": ("APPROVE", "REQUEST CHANGES", "NEEDS DISCUSSION"),
    "debug": ("CONFIRMED", "REFUTED", "INCONCLUSIVE"),
    "precommit": ("PASS", "FAIL", "WARN"),
    "research": ("HIGH", "MEDIUM", "LOW", "UNKNOWN"),
    "review": ("LGTM", "CHANGES NEEDED", "DISCUSS"),
    "thinkdeep": ("VERIFIED", "PLAUSIBLE", "QUESTIONABLE", "WRONG"),
    "tracer": ("UNTRACED",),
}


@pytest.fixture(scope="module")
def library() -> PromptLibrary:
    """Everything shipped."""
    return PromptLibrary.read([(Source.SHIPPED, shipped("prompts"))], YamlReader(), Lister())


@pytest.fixture(scope="module")
def roles(library: PromptLibrary) -> dict[str, RoleText]:
    """The shipped roles, without a fault."""
    found, problems = read_roles(library)

    assert not library.problems
    assert not problems
    return dict(found)


def test_there_are_seventeen_roles(roles: dict[str, RoleText]) -> None:
    """Those of the README."""
    assert tuple(roles) == ROLES


@pytest.mark.parametrize("name", ROLES)
def test_a_role_has_a_summary_a_process_and_an_answer_and_is_filled_in(
    roles: dict[str, RoleText], name: str
) -> None:
    """Nothing of a template is left in it."""
    role = roles[name]

    assert role.summary
    assert role.tags
    assert role.text.startswith("# ")
    assert "Answer with\n" in role.text
    assert "{{" not in role.text
    assert 600 < len(role.text) < 3000


@pytest.mark.parametrize("name", ROLES)
def test_only_coding_and_testgen_write_by_themselves(roles: dict[str, RoleText], name: str) -> None:
    """An adviser says so in its text as well."""
    role = roles[name]
    if name in {"coding", "testgen"}:
        assert role.mode is Mode.WRITE
        assert "You change files in the working directory" in role.text
    else:
        assert role.mode is Mode.READ
        assert name == "refactor" or "You advise; you do not change anything" in role.text


@pytest.mark.parametrize("name", VERDICTS)
def test_a_role_names_its_verdicts(roles: dict[str, RoleText], name: str) -> None:
    """Whoever reads the answer looks for these words."""
    for verdict in VERDICTS[name]:
        assert verdict in roles[name].text


def test_coding_carries_the_rules_against_stubs(roles: dict[str, RoleText]) -> None:
    """By include."""
    assert "Every parameter changes the result" in roles["coding"].text
    assert "Would a test fail if the body were emptied?" in roles["coding"].text


def test_snippets_and_styles_are_there(library: PromptLibrary) -> None:
    """Those that strategies ask for by id."""
    assert {
        "snippets/coding-rules",
        "snippets/diff-only",
        "snippets/review-checklist",
        "styles/concise",
        "styles/detailed",
        "styles/json",
    } <= set(library.prompts)
    assert render(library.prompts, "snippets/diff-only", {"task": "T{{x}}"}).endswith("T{{x}}")
    checklist = render(library.prompts, "snippets/review-checklist", {})
    assert checklist.count("| STUB-") == 8
