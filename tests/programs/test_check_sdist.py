"""The check of a source archive finds what it is for."""

import pytest

from ..packaging.check_sdist import NEEDED, problems

GOOD = {
    **dict.fromkeys(NEEDED, ""),
    "Makefile": "$(STAMP): requirements.lock pyproject.toml\n",
    "README.md": "[a](docs/a.md#b) [docs](docs) [web](https://a.example/b.md) `[x](y)`\n",
    "docs/a.md": "[up](../README.md)\n```\n[c](nowhere)\n```\n",
}


def test_a_good_archive_has_no_problem() -> None:
    """Pages, directories, other sites, and what only looks like a link."""
    assert problems(GOOD) == []


@pytest.mark.parametrize("name", NEEDED)
def test_what_its_first_commands_begin_with_is_named(name: str) -> None:
    """`make demo` begins with the Makefile, which begins with the lock file."""
    texts = {each: text for each, text in GOOD.items() if each != name}

    assert f"missing: {name}" in problems(texts)


def test_a_page_that_is_led_to_and_not_there_is_named() -> None:
    """From the README and from every other page."""
    texts = {**GOOD, "README.md": "[a](docs/gone.md)", "docs/a.md": "see [b](b/c.md)"}

    assert problems(texts) == [
        "missing: docs/gone.md, that README.md leads to",
        "missing: docs/b/c.md, that docs/a.md leads to",
    ]


def test_strays_are_named() -> None:
    """Of the build, of an editor."""
    assert problems({**GOOD, "tests/a.pyc": ""}) == ["odd: tests/a.pyc"]
