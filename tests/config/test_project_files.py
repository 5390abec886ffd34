"""What a project names may be anything; nothing it names leads out of it, hangs or costs much."""

import os
import pathlib
import time
from collections.abc import Callable, Sequence
from typing import Final

import pytest

from aimux.config import Snapshot
from aimux.library import _prompts
from aimux.model import Severity, Source

from .. import needs
from .conftest import ConfigHome

pytestmark = needs.posix

SECRET: Final = "-----BEGIN KEY-----"
FILES: Final = (
    "config.yaml",
    "prompts.d/roles/codereview.md",
    "prompts.d/snippets/advisor.md",
    "prompts.d/styles/json.md",
)
PROCESSOR_S: Final = 20.0  # a bound that was minutes; a slow machine takes some of it


@pytest.fixture
def secret(home: ConfigHome) -> pathlib.Path:
    """A file of the user's, outside the project."""
    path = home.project.parent / "id_test"
    path.write_text(f"max_chars: 7\n{SECRET}", encoding="utf-8")
    return path


def put(home: ConfigHome, file: str) -> pathlib.Path:
    """Where a file of the project belongs, its directory made."""
    path = home.project / ".aimux" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def told(snapshot: Snapshot) -> Sequence[tuple[str, str]]:
    """What was left out, and why."""
    assert all(each.severity is Severity.ERROR for each in snapshot.problems)
    return [(each.where, each.message) for each in snapshot.problems]


def assert_unread(snapshot: Snapshot) -> None:
    """Nothing of the secret is in effect or shown, and what stood below stays."""
    assert SECRET not in repr(snapshot)
    assert snapshot.settings.server.max_chars != 7
    assert all(each.source is not Source.PROJECT for each in snapshot.prompts.values())
    assert snapshot.roles["codereview"].text


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("how", ["absolute", "relative", "twice", "above"])
def test_a_link_out_of_the_project_is_not_read(
    home: ConfigHome, secret: pathlib.Path, file: str, how: str
) -> None:
    """It is told with its path; by itself, by another link, or by a directory on the way."""
    path = put(home, file)
    leads = out = home.project.resolve()
    if how == "absolute":
        path.symlink_to(secret)
    elif how == "relative":
        path.symlink_to(os.path.relpath(secret, path.parent))
    elif how == "twice":
        (home.project / "notes").symlink_to(secret)
        path.symlink_to(home.project / "notes")
    else:
        out = home.project.parent / "elsewhere"
        out.mkdir()
        (out / path.name).write_text(secret.read_text(encoding="utf-8"), encoding="utf-8")
        path.parent.rmdir()
        path.parent.symlink_to(out)
    snapshot = home.load()
    leads = path if how != "above" or file == "config.yaml" else path.parent

    assert (str(leads), f"leads out of {home.project}, so it is not read") in told(snapshot)
    assert_unread(snapshot)


@pytest.mark.parametrize("file", FILES)
def test_a_link_within_the_project_is_read(home: ConfigHome, file: str) -> None:
    """Also when the project itself is reached by a link, as a home directory may be."""
    text = "server: {max_chars: 9}\n" if file == "config.yaml" else "Be brief."
    (home.project / "shared").write_text(text, encoding="utf-8")
    put(home, file).symlink_to("../" * file.count("/") + "../shared")
    link = home.project.parent / "link"
    link.symlink_to(home.project)
    for project in (home.project, link):
        snapshot = ConfigHome(home.user, project, home.loader).load()

        assert snapshot.problems == ()
        if file == "config.yaml":
            assert snapshot.settings.server.max_chars == 9
        else:
            prompt = snapshot.prompts[file.removeprefix("prompts.d/").removesuffix(".md")]
            assert (prompt.text, prompt.source) == (text, Source.PROJECT)


def test_ones_own_files_may_be_links_to_anywhere(home: ConfigHome) -> None:
    """Many keep them in a repository of their own."""
    dots = home.project.parent / "dots"
    dots.mkdir()
    (dots / "default.yaml").write_text("server: {max_chars: 9}\n", encoding="utf-8")
    (dots / "debug.md").write_text("Be brief.", encoding="utf-8")
    (home.user / "default.yaml").symlink_to(dots / "default.yaml")
    (home.user / "prompts.d" / "roles").mkdir(parents=True)
    (home.user / "prompts.d" / "roles" / "debug.md").symlink_to(dots / "debug.md")
    snapshot = home.load()

    assert snapshot.problems == ()
    assert snapshot.settings.server.max_chars == 9
    assert snapshot.roles["debug"].text == "Be brief."


def make_circle(path: pathlib.Path) -> None:
    path.symlink_to(path.name)


def make_zero(path: pathlib.Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize(
    ("make", "why"),
    [
        (os.mkfifo, "a pipe or device, not a file"),
        (os.mkdir, "a directory, not a file"),
        (make_zero, "leads out of"),
    ],
)
def test_what_is_no_file_is_told_and_nobody_waits(
    home: ConfigHome, file: str, make: Callable[[pathlib.Path], None], why: str
) -> None:
    """A pipe would be waited on for ever, a device has no end."""
    path = put(home, file)
    make(path)
    where, message = told(home.load())[0]

    assert (where, why in message) == (str(path), True)


@pytest.mark.parametrize("file", ["default.yaml", "cli.d/x/profile.yaml", "prompts.d/roles/x.md"])
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, make_zero])
def test_ones_own_are_no_trap_either(
    home: ConfigHome, file: str, make: Callable[[pathlib.Path], None]
) -> None:
    """Not on purpose, but they happen."""
    path = home.user / file
    path.parent.mkdir(parents=True, exist_ok=True)
    make(path)

    assert [where for where, _ in told(home.load())] == [str(path)]


def test_a_circle_of_links_is_no_file(home: ConfigHome) -> None:
    """And no error."""
    make_circle(put(home, "config.yaml"))

    assert home.load().settings == ConfigHome(home.user, home.user, home.loader).load().settings


def test_a_pipe_that_takes_a_files_place_is_not_waited_for(
    home: ConfigHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at it and the opening."""
    path = put(home, "config.yaml")
    path.write_text("max_chars: 9", encoding="utf-8")
    opened = os.open

    def swapped(name: pathlib.Path, *args: int) -> int:
        if pathlib.Path(name) == path and path.is_file():
            path.unlink()
            os.mkfifo(path)
        return opened(name, *args)

    monkeypatch.setattr(os, "open", swapped)

    assert told(home.load()) == [(str(path), "cannot be read: not a file")]


# ----------------------------------------------------------------------------------------- costs


SHAPES: Final = {
    "keys": "".join(f"key{number}: v\n" for number in range(100_000)),
    "items": "- a\n" * 250_000,
    "nothings": "-\n" * 500_000,
    "questions": "?\n" * 500_000,
    "flow": "[" + "a," * 500_000 + "]",
    "brackets": "[" * 1_000_000,
    "braces": "{" * 1_000_000,
    "pairs": "[a: b," * 150_000,
    "steps": "- " * 500_000,
    "text": '"' + "\\x41" * 250_000 + '"',
    "anchors": "".join(f"- &a{number} x\n" for number in range(90_000)),
}


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cut", [None, 65_000], ids=["whole", "cut"])
def test_the_cost_of_a_projects_settings_is_bounded(
    home: ConfigHome, shape: str, cut: int | None
) -> None:
    """A megabyte is refused before it is parsed; what is just below the limit, while it is."""
    put(home, "config.yaml").write_text(SHAPES[shape][:cut], encoding="utf-8")
    began = time.process_time()
    snapshot = home.load()

    assert time.process_time() - began < PROCESSOR_S
    assert len(snapshot.errors) >= 1


@pytest.mark.slow
def test_many_texts_together_have_a_budget(home: ConfigHome) -> None:
    """Each is small enough; what is beyond is told, file by file."""
    front = "---\nsummary: x\n" + "".join(f"k{number}: v\n" for number in range(1_500)) + "---\n"
    for number in range(20):
        put(home, f"prompts.d/roles/r{number:02}.md").write_text(f"{front}text", encoding="utf-8")
    began = time.process_time()
    snapshot = home.load()
    cost = time.process_time() - began
    left_out = [where for where, what in told_errors(snapshot) if what.startswith("not read: ")]
    again = ConfigHome(home.user, home.project, home.loader).load()

    assert cost < PROCESSOR_S
    assert "r00" in snapshot.roles
    assert "r19" not in snapshot.roles
    assert len(left_out) > 5
    assert again.roles.keys() == snapshot.roles.keys()


@pytest.mark.slow
def test_what_is_refused_while_it_is_parsed_is_paid_for_too(home: ConfigHome) -> None:
    """Or a hundred such files would cost a minute."""
    front = "---\n" + "".join(f"k{number}: v\n" for number in range(6_000)) + "---\n"
    for number in range(20):
        put(home, f"prompts.d/roles/r{number:02}.md").write_text(front, encoding="utf-8")
    reasons = [what for _, what in told(home.load())]

    assert reasons[0] == "too many or too deeply nested values"
    assert all(each.startswith("not read: ") for each in reasons[3:])


def told_errors(snapshot: Snapshot) -> list[tuple[str, str]]:
    """What was left out; unknown keys are warnings."""
    return [(each.where, each.message) for each in snapshot.errors]


def test_texts_are_kept_in_memory_up_to_a_bound(
    home: ConfigHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the sum of their sizes."""
    monkeypatch.setattr(_prompts, "PROJECT_BYTES", 250)
    for name in "abc":
        put(home, f"prompts.d/roles/{name}.md").write_text("x" * 100, encoding="utf-8")
    snapshot = home.load()

    assert {"a", "b"} <= snapshot.roles.keys()
    assert "c" not in snapshot.roles
    assert told(snapshot)[0][1].startswith("not read: with the files before it too much")


def test_includes_do_not_multiply_without_end(home: ConfigHome) -> None:
    """Five texts of ten includes each would be a hundred thousand."""
    for number in range(6):
        text = f'{{{{ include "s{number + 1}" }}}} ' * 10
        put(home, f"prompts.d/snippets/s{number}.md").write_text(text, encoding="utf-8")
    put(home, "prompts.d/snippets/s6.md").write_text("x" * 1_000, encoding="utf-8")
    role = put(home, "prompts.d/roles/bomb.md")
    role.write_text('{{ include "s0" }}', encoding="utf-8")
    ((where, message),) = told(home.load())

    assert where == str(role)
    assert "texts with its includes" in message


def test_a_long_key_is_no_key(home: ConfigHome) -> None:
    """It would stand in the path of all that is below it."""
    put(home, "config.yaml").write_text(f"? {'a' * 500}\n: [1]\n", encoding="utf-8")

    assert told(home.load())[0][1] == "a key is too long"


def test_an_anchor_may_be_set_again(home: ConfigHome) -> None:
    """YAML allows it, and a warning of the library's is nobody's."""
    put(home, "config.yaml").write_text(
        "server: {drain_seconds: &a 3}\nroles: &a {}\n", encoding="utf-8"
    )

    assert home.load().settings.server.drain_seconds == 3
