"""Directives are found where they are meant and nowhere else."""

import json

import pytest
from hypothesis import given, strategies as st

from emulators.model_server._script import Directive, Script, directives, marked_part, read_script


def test_last_of_each_group_counts() -> None:
    script = read_script("please [[say one]] and [[say two]], [[slow 3]] [[cut]]")

    assert script == Script(Directive("say", "two"), Directive("cut"))


def test_shell_tests_and_unknown_words_are_ordinary_text() -> None:
    assert read_script("if [[ -f x ]]; then [[wiki]] [[saying 1]] fi").is_empty


def test_tool_arguments_may_hold_closing_brackets() -> None:
    data = {"argv": [["a", "]]"]], "n": 1}

    found = read_script(f"go [[tool Bash {json.dumps(data)}]] now").content

    assert found == Directive("tool", "Bash", data)


@pytest.mark.parametrize("text", ["[[tool Bash {nonsense}]]", "[[say 5", "[[tool! x {}"])
def test_torn_directive_is_ordinary_text(text: str) -> None:
    assert read_script(text).is_empty


def test_tool_without_arguments_gets_none() -> None:
    assert read_script("[[tool! finish]]").content == Directive("tool!", "finish", {})


def test_prompt_overrules_the_run_group_by_group() -> None:
    base = read_script("[[say base]] [[behave 500]]")

    assert read_script("[[say mine]]").over(base) == Script(
        Directive("say", "mine"), Directive("behave", "500")
    )


def test_marked_part_is_what_stands_between_the_marks() -> None:
    assert marked_part('"[[sha256]] [[begin]]a [[end]] b[[end]]"') == "a [[end]] b"
    assert marked_part("[[begin]] only") == "[[begin]] only"


@given(st.text(alphabet='[]{}!" :,ash256ytolcu0\n', max_size=60))
def test_any_text_can_be_read(text: str) -> None:
    for found in directives(text):
        assert f"[[{found.name}" in text


@given(
    st.text().filter(lambda text: "]]" not in text and "[[" not in text),
    st.text(alphabet=st.characters(exclude_characters="[]")),
)
def test_directive_is_found_in_any_surroundings(argument: str, around: str) -> None:
    argument = argument.rstrip("]")
    found = read_script(f"{around}[[say {argument}]]{around}").content

    assert found == Directive("say", argument.strip())
