"""`aimux skills`, as a shell runs it."""

import json

import pytest

from .conftest import Machine

pytestmark = pytest.mark.slow


@pytest.mark.requirement("skills:rights")
def test_skills_are_listed_with_their_source_and_faults_and_shown(bare: Machine) -> None:
    """A table, or JSON; a broken one is left out or told, and the exit code says so."""
    whole = bare.aimux("skills", "list")
    root = bare.project / ".aimux" / "skills.d"
    (root / "wide").mkdir(parents=True)
    front = "---\nname: wide\ndescription: takes all\nallowed-tools: Bash\n---\n"
    (root / "wide" / "SKILL.md").write_text(f"{front}Do it.\n", encoding="utf-8")
    (root / "loop.md").write_text(
        "---\ndescription: spins\n---\n{% for a in range(9) %}{% endfor %}\n", encoding="utf-8"
    )
    listed = bare.aimux("skills")
    said = json.loads(bare.aimux("skills", "list", "--json").out)
    shown = bare.aimux("skills", "show", "wide", "task=now")
    unknown = bare.aimux("skills", "show", "wid")
    by_name = {each["name"]: each for each in said["skills"]}

    assert whole.code == 0
    assert "debug" in whole.out
    assert listed.code == 1
    assert "takes all" in listed.out
    assert "allowed-tools has no effect" in listed.err
    assert "loop.md:4" in listed.err
    assert (by_name["wide"]["source"], by_name["wide"]["fault"]) == ("project", None)
    assert by_name["wide"]["path"] == str(root / "wide" / "SKILL.md")
    assert "a call is not for templates" in by_name["loop"]["fault"]
    assert len(by_name) == 15
    assert shown.out.startswith("Do it.")
    assert shown.out.endswith("# Task\n\nnow\n")
    assert unknown.code == 2
    assert "did you mean wide?" in unknown.err
