"""What the workflows run of what is too much for every push here, and what a release carries."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from .packaging.check_sdist import problems

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = ROOT / ".github" / "workflows"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ALWAYS = ("LICENSE", "README.md", "pyproject.toml")  # hatch puts them into every archive

here = pytest.mark.skipif(not WORKFLOWS.is_dir(), reason="the workflows are not here")


def job(workflow: str, name: str) -> str:
    """The text of a job."""
    text = (WORKFLOWS / f"{workflow}.yml").read_text(encoding="utf-8")
    found = re.search(rf"^  {name}:\n((?:(?:    .*)?\n)+)", text, re.MULTILINE)
    assert found is not None, f"{workflow} has no job {name}"
    return found[1]


@here
@pytest.mark.parametrize("name", ["tests", "minimums", "windows"])
def test_each_python_that_we_name_is_tried(name: str) -> None:
    """With the locked versions, with the lowest ones, and on Windows."""
    named = [
        f'"{each.rpartition(" ")[2]}"'
        for each in PROJECT["project"]["classifiers"]
        if re.fullmatch(r"Programming Language :: Python :: 3\.\d+", each)
    ]
    text = job("ci", name)
    session = "tests" if name == "windows" else name

    assert f"python: [{', '.join(named)}]" in text
    assert f"nox -s {session} --force-python ${{{{ matrix.python }}}}" in text


@here
def test_systems_that_we_have_not_are_tried() -> None:
    """The suite on macOS, and here without /proc."""
    assert "macos-latest" in job("ci", "tests")
    assert "-s noproc" in job("ci", "noproc")


@here
@pytest.mark.parametrize("session", ["faults", "whole", "steady"])
def test_what_takes_long_is_run_every_week(session: str) -> None:
    """What goes badly, every row, and the suite over and over."""
    text = (WORKFLOWS / "faults.yml").read_text(encoding="utf-8")

    assert re.search(r'^    - cron: "\d+ \d+ \* \* [0-6]"$', text, re.MULTILINE)
    assert f"nox -s {session}" in job("faults", session)


def test_no_lower_bound_is_one_that_cannot_be_had() -> None:
    """`nox -s minimums` tries all; these were wrong once."""
    groups = PROJECT["dependency-groups"]
    lists = [PROJECT["project"]["dependencies"], *groups.values()]
    told = [each for names in lists for each in names if isinstance(each, str)]
    bounds = dict(
        found.groups() for each in told if (found := re.match(r"([\w.-]+)>=([\d.]+)", each))
    )

    assert [int(each) for each in bounds["orjson"].split(".")] >= [3, 10, 7]  # wheels for 3.13
    assert [int(each) for each in bounds["pytest"].split(".")] >= [9]  # reads [tool.pytest]


def in_archive() -> dict[str, str]:
    """The files that a source archive has by its settings; the text of those that lead on."""
    settings = PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    included = {each.removeprefix("/") for each in settings["include"]}
    texts = {}
    for name in listed.stdout.decode().split("\0"):
        is_in = name in ALWAYS or any(
            name == each or name.startswith(f"{each}/") for each in included
        )
        if is_in and (ROOT / name).is_file():
            is_read = name in {*ALWAYS, "Makefile"} or name.startswith("docs/")
            is_text = is_read and name.endswith((".md", "Makefile"))
            texts[name] = (ROOT / name).read_text(encoding="utf-8") if is_text else ""
    return texts


@here
def test_a_source_archive_of_ours_carries_what_its_pages_need() -> None:
    """By what the settings include: the commands of the README, and where its pages lead."""
    texts = in_archive()

    assert len(texts) > 500
    assert problems(texts) == []
