"""Skills of every layer: which counts, what they are made of, and what a hostile clone may not."""

import itertools
import pathlib
from typing import Final

import pytest

from aimux.files.cache import Dependencies
from aimux.files.skills import has_skills, skill_directories
from aimux.files.yaml import YamlReader
from aimux.library.skills import (
    RenderLimits,
    SkillLibrary,
    TemplateFault,
    check_template,
    kind_of,
    names_in,
    read_skills,
    render_skill,
    skill_places,
)
from aimux.model import Severity, Source

FRONT: Final = "---\ndescription: does it\n---\n"


def read(tmp_path: pathlib.Path) -> SkillLibrary:
    """What a client has: the project, the home and the shipped ones are the test's."""
    directories = skill_directories({"HOME": str(tmp_path / "home")}, str(tmp_path / "project"))
    places = skill_places(tmp_path / "shipped", directories)
    return read_skills(places, YamlReader(), Dependencies())


def put(root: pathlib.Path, name: str, text: str = "do it", *, front: str = FRONT) -> pathlib.Path:
    """A file of a skill."""
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{front}{text}\n", encoding="utf-8")
    return file


def user(tmp_path: pathlib.Path) -> pathlib.Path:
    """The user's skills."""
    return tmp_path / "home" / ".config" / "aimux" / "skills.d"


def project(tmp_path: pathlib.Path) -> pathlib.Path:
    """The project's skills."""
    return tmp_path / "project" / ".aimux" / "skills.d"


def told(library: SkillLibrary, severity: Severity = Severity.ERROR) -> list[str]:
    """What is wrong, with where."""
    return [str(each) for each in library.problems if each.severity is severity]


@pytest.mark.requirement("skills:layers")
def test_the_nearest_layer_wins_and_what_it_replaces_is_known(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """shipped < installation < user < project, by the relative path."""
    monkeypatch.setattr("aimux.files.skills.beside", lambda: tmp_path / "config")
    low = put(tmp_path / "shipped", "team/deploy.md", "shipped")
    put(tmp_path / "config" / "skills.d", "fragments/p.md", "for all")
    put(tmp_path / "config" / "skills.d", "everybody.md", "{% include 'p' %}")
    middle = put(user(tmp_path), "team/deploy.md", "user")
    put(user(tmp_path), "own.md", "mine")
    put(project(tmp_path), "team/deploy.md", "project")
    library = read(tmp_path)

    everybody = library.skills["everybody"]
    assert list(library.skills) == ["everybody", "own", "team/deploy"]
    assert everybody.source is Source.INSTALLATION
    assert render_skill(everybody, library.parts_of(everybody), {}) == "for all"
    skill = library.skills["team/deploy"]
    assert (skill.text, skill.source) == ("project", Source.PROJECT)
    assert skill.hidden == [str(low), str(middle)]
    assert library.problems == []


@pytest.mark.requirement("skills:common")
def test_the_common_form_is_understood_where_hosts_keep_it(tmp_path: pathlib.Path) -> None:
    """A directory with SKILL.md; what lies beside it is its own; its text is no template."""
    front = "---\nname: pdf\ndescription: Use when: a PDF is to be read\nlicense: MIT\n---\n"
    put(tmp_path / "home" / ".claude/skills", "pdf/SKILL.md", "Say {{ this }}", front=front)
    put(tmp_path / "home" / ".claude/skills", "pdf/notes/more.md", "not a skill")
    put(project(tmp_path), "fill/SKILL.md", "fill it")
    library = read(tmp_path)

    assert list(library.skills) == ["fill", "pdf"]
    skill = library.skills["pdf"]
    assert skill.description == "Use when: a PDF is to be read"
    assert (skill.host, skill.source) == ("claude", Source.USER)
    assert render_skill(skill, {}, {}) == "Say {{ this }}"
    assert told(library) == []


def test_what_other_hosts_keep_does_not_replace_a_shipped_prompt(tmp_path: pathlib.Path) -> None:
    """A clone's `.claude/skills/review` is not aimux's `review`; a file of skills.d may be."""
    put(tmp_path / "shipped", "review.md", "ours")
    put(tmp_path / "project", ".claude/skills/review/SKILL.md", "theirs")
    library = read(tmp_path)

    assert library.skills["review"].text == "ours"
    assert "only a file of skills.d replaces it" in told(library, Severity.WARNING)[0]


@pytest.mark.requirement("skills:graph")
@pytest.mark.parametrize(
    ("texts", "line", "what"),
    [
        ({"a.md": "x\n\n{% include 'gone' %}"}, "a.md:6", "there is no part gone"),
        (
            {"a.md": "{% include 'one' %}", "fragments/one.md": "{% include 'two' %}",
             "fragments/two.md": "\n{% include 'one' %}"},
            "two.md:5", "parts in a circle: one -> two -> one",
        ),
        (
            {"a.md": "{% include 'one' %}\n{% include 'one' %}", "fragments/one.md": "1"},
            "a.md:5", "part one is included twice",
        ),
        ({"a.md": "{% include name %}"}, "a.md:4", "include wants a name in quotes"),
        ({"a.md": "x", "a/SKILL.md": "y"}, "a.md", "a is taken by"),
    ],
)  # fmt: skip
def test_a_fault_in_what_a_skill_is_made_of_is_named_with_its_line(
    texts: dict[str, str], line: str, what: str, tmp_path: pathlib.Path
) -> None:
    """Missing, in a circle, twice, computed, two files of one name; what stands below stays."""
    put(tmp_path / "shipped", "a.md", "below")
    for name, text in texts.items():
        put(user(tmp_path), name, text)
    library = read(tmp_path)

    (problem,) = told(library)
    assert what in problem
    assert line in problem
    assert library.skills["a"].text in ("below", "y")


def test_a_users_part_goes_into_shipped_skills_and_a_projects_into_its_own(
    tmp_path: pathlib.Path,
) -> None:
    """A clone does not rewrite what is shipped by naming a part as we do."""
    put(tmp_path / "shipped", "a.md", "{% include 'p' %}")
    put(tmp_path / "shipped", "fragments/p.md", "shipped part")
    put(project(tmp_path), "fragments/p.md", "project part")
    put(project(tmp_path), "b.md", "{% include 'p' %}")
    library = read(tmp_path)
    texts = {
        name: render_skill(skill, library.parts_of(skill), {})
        for name, skill in library.skills.items()
    }
    put(user(tmp_path), "fragments/p.md", "user part")
    again = read(tmp_path)
    skill = again.skills["a"]

    assert texts == {"a": "shipped part", "b": "project part"}
    assert render_skill(skill, again.parts_of(skill), {}) == "user part"


def test_unknown_and_wrong_keys_are_told_with_their_line(tmp_path: pathlib.Path) -> None:
    """Each costs only itself."""
    front = (
        "---\ndescription: d\nargumets: []\nrelated: [nobody]\n"
        "arguments:\n  - name: x\n    complete: clis\n  - name: X Y\n---\n"
    )
    file = put(user(tmp_path), "a.md", front=front)
    library = read(tmp_path)
    said = "\n".join(told(library, Severity.WARNING))

    assert f"unknown key argumets (did you mean arguments?) @ {file}:3" in said
    assert f"there is no skill nobody @ {file}:4" in said
    assert f"complete clis is not one of cli, role, agent, domain, pattern, path @ {file}:7" in said
    assert "an argument without a name" in said
    assert [each.name for each in library.skills["a"].arguments] == ["x"]


# ------------------------------------------------------------------------------- a hostile clone


@pytest.mark.requirement("skills:inside")
def test_nothing_leads_out_of_a_project(tmp_path: pathlib.Path) -> None:
    """Neither a file, nor a directory of one skill, nor the directory of all of them."""
    secret = put(tmp_path / "elsewhere", "secret.md", "a secret")
    put(tmp_path / "elsewhere/dir", "SKILL.md", "a secret")
    project(tmp_path).mkdir(parents=True)
    (project(tmp_path) / "file.md").symlink_to(secret)
    (project(tmp_path) / "dir").symlink_to(tmp_path / "elsewhere/dir")
    (tmp_path / "project/.claude").mkdir()
    (tmp_path / "project/.claude/skills").symlink_to(tmp_path / "elsewhere")
    library = read(tmp_path)

    assert library.skills == {}
    assert len([each for each in told(library) if "leads out of" in each]) == 3


@pytest.mark.requirement("skills:rights")
def test_a_skill_gives_no_rights_and_runs_no_command(tmp_path: pathlib.Path) -> None:
    """What other hosts read so is told; the text is text."""
    front = "---\nname: a\ndescription: d\nallowed-tools: Bash(*)\nhooks: {}\n---\n"
    put(project(tmp_path), "a/SKILL.md", "now: !`touch /tmp/owned`", front=front)
    library = read(tmp_path)
    said = "\n".join(told(library, Severity.WARNING))

    assert "allowed-tools has no effect" in said
    assert "hooks has no effect" in said
    assert "are not run" in said
    assert render_skill(library.skills["a"], {}, {}) == "now: !`touch /tmp/owned`"


@pytest.mark.requirement("skills:bounds")
def test_a_huge_file_is_refused_before_it_is_read(tmp_path: pathlib.Path) -> None:
    """100 MB cost nothing and are told; so is a text that is only too long."""
    file = put(project(tmp_path), "huge.md")
    with file.open("ab") as opened:
        opened.truncate(100_000_000)
    put(project(tmp_path), "long.md", "y" * 70_000)
    library = read(tmp_path)

    assert library.skills == {}
    assert any("the limit is" in each and "long.md" in each for each in told(library))
    assert any("too much" in each or "the limit is" in each for each in told(library))
    assert len(told(library)) == 2


@pytest.mark.requirement("skills:bounds")
@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{% for a in l %}{% for b in l %}{% for c in l %}{% endfor %}{% endfor %}{% endfor %}",
         "takes over 20000 steps"),
        ("{{ v }}" * 600, "prints over 524288 characters"),
        ("{{ v" + "|json" * 30 + " }}", "characters on the way"),
        ("{{ 9**9**9 }}", "arithmetic is not for templates"),
        ("{{ 'a' * 999999999 }}", "arithmetic is not for templates"),
        ("{% for a in range(10) %}{% endfor %}", "a call is not for templates"),
        ("{{ ''.__class__ }}", "has no attribute '__class__'"),
        ("{{ v.__class__.__mro__ }}", "has no attribute '__class__'"),
        ("{% set v = v ~ v %}", "is not for templates"),
        ("{% macro m() %}{% endmacro %}", "macro is not for templates"),
        ("{% extends 'x' %}", "extends is not for templates"),
        ("{% import '/etc/passwd' as p %}", "import is not for templates"),
        ("{% for a in l recursive %}{% endfor %}", "loops in another"),
        ("{{ gone }}", "'gone' is undefined"),
        ("{{ l }}", "a list cannot be printed"),
        ("{% if %}", "Expected an expression"),
        ("{% if v %}" * 200 + "{% endif %}" * 200, "nested too deeply"),
        ("{{ v|attr('x') }}", "no filter attr"),
        ("{{ v < l }}", "cannot be computed"),
    ],
)  # fmt: skip
def test_a_template_ends_whatever_it_says(text: str, what: str, tmp_path: pathlib.Path) -> None:
    """In a clear fault with file and line, not in minutes, gigabytes or Python."""
    file = put(project(tmp_path), "a.md", text)
    skill = read(tmp_path).skills["a"]
    with pytest.raises(TemplateFault) as fault:
        render_skill(skill, {}, {"l": list(range(100)), "v": 'x"' * 600})

    assert what in fault.value.message
    assert str(file) in fault.value.message


def test_time_is_a_bound_too(tmp_path: pathlib.Path) -> None:
    """For what costs more than it counts."""
    put(project(tmp_path), "a.md", "{{ v }}")
    skill = read(tmp_path).skills["a"]

    with pytest.raises(TemplateFault, match="takes over 0 seconds"):
        render_skill(skill, {}, {"v": "x"}, RenderLimits(time_s=0))


def test_a_busy_machine_costs_a_template_nothing(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its time is what it computes, not what passes meanwhile."""
    put(project(tmp_path), "a.md", "{{ v }}")
    skill = read(tmp_path).skills["a"]
    for clock in ("perf_counter", "monotonic", "time"):
        monkeypatch.setattr(f"time.{clock}", itertools.count(0, 100).__next__)
    text = render_skill(skill, {}, {"v": "x"})
    monkeypatch.undo()

    assert "x" in text


def test_a_template_is_checked_without_values(tmp_path: pathlib.Path) -> None:
    """So that a list of skills can say which are broken, and in which part."""
    put(user(tmp_path), "a.md", "{{ v }}{% include 'p' %}")
    put(user(tmp_path), "fragments/p.md", "fine\n{{ 1 + 1 }}")
    library = read(tmp_path)
    skill = library.skills["a"]
    with pytest.raises(TemplateFault) as fault:
        check_template(skill, library.parts_of(skill))

    assert "p.md:5" in fault.value.message


def test_values_are_never_read_as_a_template(tmp_path: pathlib.Path) -> None:
    """Whatever they hold, and inside JSON they stay one text."""
    put(user(tmp_path), "a.md", '{{ v }} "{{ v|inside }}" {{ v|json }} {{ v|quoted }}')
    skill = read(tmp_path).skills["a"]
    text = render_skill(skill, {}, {"v": '{{ 1 }}{% x %}"\n'})

    assert text == (
        '{{ 1 }}{% x %}"\n "{{ 1 }}{% x %}\\"\\n" "{{ 1 }}{% x %}\\"\\n" > {{ 1 }}{% x %}"'
    )


def test_names_are_those_of_tags_and_parts(tmp_path: pathlib.Path) -> None:
    """So that only what is used is looked up: no text, no attribute."""
    put(user(tmp_path), "a.md", "agents {{ x.roles }} {% if clis %}{% include 'p' %}{% endif %}")
    put(user(tmp_path), "fragments/p.md", "{{ 'domains' }}{{ jobs }}")
    library = read(tmp_path)
    skill = library.skills["a"]
    names = names_in(skill, library.parts_of(skill))

    assert {"x", "clis", "jobs"} <= names
    assert not names & {"agents", "roles", "domains"}


def test_kinds_go_by_whole_words(tmp_path: pathlib.Path) -> None:
    """`latest` is no test and `inspect` no spec; one of many is one."""
    front = (
        "---\ndescription: d\narguments: [{name: goal}]\nkinds_of: goal\n"
        "kinds: {test: [test], bug: [bug, crash]}\n---\n"
    )
    put(user(tmp_path), "a.md", front=front)
    skill = read(tmp_path).skills["a"]

    assert kind_of(skill, "the latest bugs") == "bug"
    assert kind_of(skill, "Tests for it") == "test"
    assert kind_of(skill, "inspect it") == ""


def test_without_a_directory_there_is_nothing_to_read(tmp_path: pathlib.Path) -> None:
    """So that the list of prompts opens nothing where nobody has skills."""
    env = {"HOME": str(tmp_path / "home")}

    assert not has_skills(env, str(tmp_path / "project"))
    put(project(tmp_path), "a.md")
    assert has_skills(env, str(tmp_path / "project"))
    assert has_skills({"AIMUX_CONFIG_DIR": "~/c", **env}, str(tmp_path / "project"))
    assert not has_skills({"AIMUX_CONFIG_DIR": "~/c", **env}, str(tmp_path))
