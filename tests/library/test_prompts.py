"""Texts by layer, and how they are filled in."""

import pathlib
from collections.abc import Iterator

import pytest
from hypothesis import given, strategies as st

from aimux.files.yaml import YamlReader
from aimux.library import Prompt, PromptLibrary, TemplateFault, read_roles, render
from aimux.model import Mode, Severity, Source


class Lister:
    """Lists without remembering."""

    def texts_in(self, root: pathlib.Path) -> Iterator[pathlib.Path]:
        """What the protocol promises."""
        return iter(sorted(each for each in root.glob("*") if each.suffix in {".md", ".txt"}))


def texts(**bodies: str) -> dict[str, Prompt]:
    """Prompts by id; `__` stands for the slash."""
    found = {key.replace("__", "/"): body for key, body in bodies.items()}
    return {key: Prompt(id=key, text=body) for key, body in found.items()}


def write(root: pathlib.Path, id_: str, text: str) -> pathlib.Path:
    """A text file of a layer."""
    path = root / f"{id_}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def read(tmp_path: pathlib.Path) -> PromptLibrary:
    """The three layers of a test."""
    roots = [
        (Source.SHIPPED, tmp_path / "shipped"),
        (Source.USER, tmp_path / "user"),
        (Source.PROJECT, tmp_path / "project"),
    ]
    return PromptLibrary.read(roots, YamlReader(), Lister())


def test_values_and_includes_are_filled_in() -> None:
    """An include without a kind is a snippet."""
    prompts = texts(roles__a='x {{ include "snippets/b" }} {{include "c"}} {{ v }}{{v}}')
    prompts |= texts(snippets__b="B{{ v }}", snippets__c="C")

    assert render(prompts, "roles/a", {"v": "1"}) == "x B1 C 11"


def test_other_braces_stay_as_they_are() -> None:
    """Templates hold code."""
    text = '{ {} {{}} {{ 1 }} {{ a.b }} ${{ x-y }} {{ include b }} {"a": {"b": 1}}'

    assert render(texts(roles__a=text), "roles/a", {}) == text


@given(st.text(), st.text())
def test_a_value_is_never_read_as_a_template(one: str, two: str) -> None:
    """What a participant wrote is data, whatever it looks like."""
    tricks = f'{one}{{{{ b }}}}{{{{ include "x" }}}}{two}'

    assert render(
        texts(snippets__t="<{{ a }}|{{ b }}>"), "snippets/t", {"a": tricks, "b": two}
    ) == (f"<{tricks}|{two}>")


def test_a_missing_value_is_a_fault_that_names_the_nearest() -> None:
    """Nothing is filled in by guess."""
    with pytest.raises(TemplateFault, match="snippets/t: no value for taks") as caught:
        render(texts(snippets__t="{{ taks }}"), "snippets/t", {"task": "x"})

    assert caught.value.hint == "did you mean task?"


def test_an_unknown_text_is_a_fault_that_names_the_nearest() -> None:
    """And who included it."""
    prompts = texts(roles__a='{{ include "snippets/rulez" }}', snippets__rules="R")
    with pytest.raises(
        TemplateFault, match="no text snippets/rulez, included by roles/a"
    ) as caught:
        render(prompts, "roles/a", {})

    assert caught.value.hint == "did you mean snippets/rules?"


def test_a_text_that_includes_itself_is_a_fault_that_shows_the_circle() -> None:
    """At any distance."""
    prompts = texts(
        snippets__a='{{ include "snippets/b" }}',
        snippets__b='{{ include "snippets/c" }}',
        snippets__c='{{ include "snippets/a" }}',
    )
    with pytest.raises(TemplateFault, match="snippets/a -> snippets/b -> snippets/c -> snippets/a"):
        render(prompts, "snippets/a", {})


def test_the_same_text_may_be_included_twice_and_depth_is_bounded() -> None:
    """Only circles and towers are refused."""
    twice = texts(snippets__a='{{ include "b" }}{{ include "b" }}', snippets__b="B")
    tower = {
        f"snippets/{n}": Prompt(id=f"snippets/{n}", text=f'{{{{ include "{n + 1}" }}}}')
        for n in range(20)
    }

    assert render(twice, "snippets/a", {}) == "BB"
    with pytest.raises(TemplateFault, match="included 8 deep"):
        render(tower, "snippets/0", {})


def test_higher_layers_replace_by_id_and_remember_what_they_hide(tmp_path: pathlib.Path) -> None:
    """Kinds do not collide, and includes take the layer in effect."""
    write(tmp_path / "shipped", "roles/a", '{{ include "snippets/s" }}')
    write(tmp_path / "shipped", "snippets/s", "shipped")
    write(tmp_path / "shipped", "styles/a", "a style")
    user = write(tmp_path / "user", "snippets/s", "the user's")
    project = write(tmp_path / "project", "roles/b", "the project's")
    library = read(tmp_path)

    assert set(library.prompts) == {"roles/a", "roles/b", "snippets/s", "styles/a"}
    assert render(library.prompts, "roles/a", {}) == "the user's"
    assert library.prompts["snippets/s"].origin == str(user)
    assert library.prompts["snippets/s"].source is Source.USER
    assert [each.text for each in library.hidden["snippets/s"]] == ["shipped"]
    assert library.prompts["roles/b"].origin == str(project)
    assert not library.problems


def test_roles_carry_what_their_front_matter_says(tmp_path: pathlib.Path) -> None:
    """And what their includes hold."""
    write(tmp_path / "shipped", "snippets/s", "S")
    write(
        tmp_path / "shipped",
        "roles/a",
        '---\nsummary: It does\nmode: write\ntags: [x, y]\n---\n\nText {{ include "s" }}\n',
    )
    roles, problems = read_roles(read(tmp_path))
    role = roles["a"]

    assert (role.summary, role.mode, role.tags, role.text) == (
        "It does",
        Mode.WRITE,
        ("x", "y"),
        "Text S",
    )
    assert not problems


def test_a_role_without_front_matter_reads(tmp_path: pathlib.Path) -> None:
    """Writing has to be said."""
    write(tmp_path / "user", "roles/a", "Just text.")
    roles, _ = read_roles(read(tmp_path))

    assert roles["a"].mode is Mode.READ


@pytest.mark.parametrize(
    ("front", "says", "line"),
    [
        ("mode: danger", "mode 'danger' is not one of read, write: read is taken", 2),
        ("mode: [write]", "mode ['write'] is not one of read, write: read is taken", 2),
        ("summary: [x]", "summary is not text", 2),
        ("tags: x", "tags are not a list of words", 2),
        ("sumary: x", "unknown key sumary", 2),
    ],
)
def test_a_wrong_key_costs_only_that_key(
    tmp_path: pathlib.Path, front: str, says: str, line: int
) -> None:
    """The role stays, and reads."""
    path = write(tmp_path / "user", "roles/a", f"---\n{front}\n---\nText")
    roles, problems = read_roles(read(tmp_path))

    assert roles["a"].mode is Mode.READ
    assert roles["a"].text == "Text"
    assert [(each.message, each.where) for each in problems] == [(says, f"{path}:{line}")]


@pytest.mark.parametrize(
    "text",
    [
        "---\nmode: [\n---\nx",
        "---\n- x\n---\nx",
        "---\nmode: read\n",
        "\ufeff---\na: 1\na: 2\n---\n",
    ],
)
def test_a_text_whose_front_matter_cannot_be_read_is_left_out(
    tmp_path: pathlib.Path, text: str
) -> None:
    """What it would have replaced stays."""
    write(tmp_path / "shipped", "roles/a", "shipped")
    write(tmp_path / "user", "roles/a", text)
    library = read(tmp_path)

    assert library.prompts["roles/a"].text == "shipped"
    assert [each.severity for each in library.problems] == [Severity.ERROR]


def test_a_role_that_cannot_be_filled_in_is_left_out(tmp_path: pathlib.Path) -> None:
    """A role takes no values."""
    write(tmp_path / "user", "roles/a", "{{ task }}")
    roles, problems = read_roles(read(tmp_path))

    assert not roles
    assert "no value for task" in problems[0].message


def test_a_project_may_steer_a_role_but_not_let_it_write(tmp_path: pathlib.Path) -> None:
    """A fresh clone must not turn a reviewer into a writer."""
    write(tmp_path / "shipped", "roles/review", "---\nmode: read\n---\nshipped")
    write(tmp_path / "shipped", "roles/coding", "---\nmode: write\n---\nshipped")
    for name in ("review", "coding", "own"):
        write(tmp_path / "project", f"roles/{name}", "---\nmode: write\n---\nproject")
    roles, problems = read_roles(read(tmp_path))

    assert {name: role.text for name, role in roles.items()} == dict.fromkeys(
        ("coding", "own", "review"), "project"
    )
    assert roles["review"].mode is Mode.READ
    assert roles["coding"].mode is Mode.WRITE
    assert roles["own"].mode is Mode.WRITE
    assert [each.message for each in problems] == [
        "a project may not let review write: read is taken"
    ]


def test_a_user_may_let_any_role_write(tmp_path: pathlib.Path) -> None:
    """It is their machine."""
    write(tmp_path / "shipped", "roles/refactor", "---\nmode: read\n---\nshipped")
    write(tmp_path / "user", "roles/refactor", "---\nmode: write\n---\nuser")
    roles, problems = read_roles(read(tmp_path))

    assert roles["refactor"].mode is Mode.WRITE
    assert not problems


@pytest.mark.parametrize("layer", ["user", "project"])
@pytest.mark.parametrize("text", ["only text", "---\nsummary: mine\n---\ntext"])
def test_a_text_that_says_nothing_of_its_stance_has_that_below(
    tmp_path: pathlib.Path, layer: str, text: str
) -> None:
    """Texts of other servers have no front matter, and their coding role writes."""
    write(tmp_path / "shipped", "roles/coding", "---\nmode: write\n---\nshipped")
    write(tmp_path / "shipped", "roles/review", "---\nmode: read\n---\nshipped")
    for name in ("coding", "review", "own"):
        write(tmp_path / layer, f"roles/{name}", text)
    roles, problems = read_roles(read(tmp_path))

    assert problems == []
    assert {name: role.mode for name, role in roles.items()} == {
        "coding": Mode.WRITE,
        "review": Mode.READ,
        "own": Mode.READ,
    }
    assert roles["coding"].text == text.rpartition("---\n")[2]


def test_a_stance_goes_through_layers_that_say_nothing(tmp_path: pathlib.Path) -> None:
    """And one that was said on the way holds above."""
    write(tmp_path / "shipped", "roles/coding", "---\nmode: write\n---\nshipped")
    write(tmp_path / "user", "roles/coding", "---\nmode: read\n---\nuser")
    write(tmp_path / "project", "roles/coding", "project")
    roles, _ = read_roles(read(tmp_path))

    assert (roles["coding"].mode, roles["coding"].text) == (Mode.READ, "project")


def test_a_text_that_cannot_be_filled_in_leaves_the_one_below(tmp_path: pathlib.Path) -> None:
    """Told, and with the stance of that one."""
    write(tmp_path / "shipped", "roles/coding", "---\nmode: write\n---\nshipped")
    path = write(tmp_path / "user", "roles/coding", "do {{ task }}")
    roles, problems = read_roles(read(tmp_path))

    assert [(each.where, each.message) for each in problems] == [
        (str(path), "roles/coding: no value for task")
    ]
    assert (roles["coding"].mode, roles["coding"].text) == (Mode.WRITE, "shipped")
