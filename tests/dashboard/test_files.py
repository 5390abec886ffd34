"""The static files: all there, none that calls out, a policy without exceptions."""

import re
from pathlib import Path

import pytest

from aimux.dashboard._files import KINDS, POLICY, ROOT, load_files
from aimux.files.shipped import InstallationBroken

OWN = [path for path in sorted(ROOT.glob("*")) if path.suffix in {".js", ".html", ".css"}]


def test_every_file_is_served_by_its_name() -> None:
    """With its kind; the vendored ones have their licences beside them."""
    files = load_files()
    there = {each.relative_to(ROOT).as_posix() for each in ROOT.rglob("*") if each.is_file()}

    assert set(files) == there
    assert files["index.html"].kind.startswith(b"text/html")
    assert files["main.js"].kind.startswith(b"text/javascript")
    licences = {"vendor/htm.LICENSE.txt", "vendor/preact.LICENSE.txt", "vendor/uplot.LICENSE.txt"}
    assert licences <= set(files)


def test_the_policy_allows_nothing_but_own_files() -> None:
    """No host, no inline script or style, no eval, no data, no frame."""
    rules = dict(rule.strip().partition(" ")[::2] for rule in POLICY.split(";"))

    assert rules.pop("default-src") == "'none'"
    assert rules.pop("require-trusted-types-for") == "'script'"
    assert rules.pop("trusted-types") == "aimux"
    assert set(rules.values()) == {"'self'", "'none'"}


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_no_file_of_ours_turns_text_into_markup(path: Path) -> None:
    """Nor has it inline script or style, which the policy would refuse, or an address to load."""
    text = path.read_text(encoding="utf-8")
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|dangerouslySetInnerHTML"
        r"|\beval\(|new Function|<script>|<style|\sstyle=\"|\son\w+=\""
        r"|(?:src|href)=\"https?:|url\(\s*['\"]?https?:|import\s.*['\"]https?:"
    )

    assert re.findall(forbidden, text) == []


def test_modules_import_what_is_there() -> None:
    """Each relative import of the page names a file of it."""
    for path in ROOT.glob("*.js"):
        for name in re.findall(r"from \"(\./[^\"]+)\"", path.read_text(encoding="utf-8")):
            assert (path.parent / name).is_file(), (path.name, name)


def test_an_installation_without_the_page_says_so(tmp_path: Path) -> None:
    """And what to do."""
    with pytest.raises(InstallationBroken, match=r"index\.html is not there"):
        load_files(tmp_path)


def test_each_kind_is_said_to_the_browser() -> None:
    """It is told not to guess, so nothing may be without."""
    assert {path.suffix for path in ROOT.rglob("*") if path.is_file()} <= set(KINDS)
