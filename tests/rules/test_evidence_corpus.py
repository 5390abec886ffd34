"""Sixty texts in the manners of models, with what is true of them; `tests/corpus/evidence`."""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

from aimux.files.tree import MAX_BYTES, TreeReader
from aimux.model import dump
from aimux.rules import check_places, find_places

from .. import needs

CORPUS = Path(__file__).parents[1] / "corpus" / "evidence"
RIGHT: Final = 60  # of the texts; no fewer

pytestmark = needs.posix


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the tree, with what a repository cannot carry."""
    root = tmp_path / "tree"
    shutil.copytree(CORPUS / "tree", root)
    outside = tmp_path / "outside"
    outside.mkdir()
    for path in (tmp_path / "outside.py", outside / "outside.py"):
        path.write_text('SECRET = "nobody may read this"\n', encoding="utf-8")
    lib = root / "lib"
    (lib / "out.py").symlink_to(tmp_path / "outside.py")
    (lib / "etc").symlink_to("../../outside")
    (lib / "same.py").symlink_to("../lib/pool.go")
    (lib / "null.py").symlink_to("/dev/null")
    os.mkfifo(lib / "pipe.py")
    (lib / "blob.py").write_bytes(b"\x7fELF\0\0\0")
    (lib / "huge.py").write_bytes(b"x = 1\n" * (MAX_BYTES // 6 + 1))
    return root


def verdicts(text: str, root: Path) -> list[Mapping[str, object]]:
    reader = TreeReader(root)
    found = find_places(text.replace("{root}", str(root)))
    return [dump(each) for each in check_places(found, reader.read_lines)]


def test_the_texts_come_to_what_is_true_of_them(tree: Path) -> None:
    """Place, quote, verdict and reason; a failure shows the texts that came out otherwise."""
    expected: Mapping[str, Sequence[Mapping[str, object]]] = json.loads(
        (CORPUS / "expected.json").read_text(encoding="utf-8")
    )
    came_to = {
        path.stem: verdicts(path.read_text(encoding="utf-8"), tree)
        for path in sorted((CORPUS / "texts").iterdir())
    }
    wrong = {name: made for name, made in came_to.items() if made != expected[name]}

    assert came_to.keys() == expected.keys()
    assert len(expected) >= 60
    assert len(expected) - len(wrong) >= RIGHT, json.dumps(wrong, indent=1, ensure_ascii=False)
