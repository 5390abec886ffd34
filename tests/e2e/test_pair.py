"""Pair coding over emulated CLIs, in a real repository: what lands, and what does not."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import trio

from ._host import Host, Json, attach, payload, start_server
from ._stand import Stand

TASK = "Set TOTAL in orders.py to two."
REVIEW = "Review a change before it is taken over"
VERIFY = ["python3 -c 'import orders; assert orders.TOTAL > 1'"]


def git(tree: Path, *words: str) -> str:
    """Plain git in the user's repository."""
    settings = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgSign=false")
    ran = subprocess.run(
        ["git", *settings, *words], cwd=tree, capture_output=True, check=True, text=True,
        encoding="utf-8",
    )  # fmt: skip
    return ran.stdout


def repository(stand: Stand) -> Path:
    """The user's project, committed."""
    tree = stand.project()
    (tree / "names.py").write_text("A = 1\nB = 2\n", encoding="utf-8")
    git(tree, "init", "--quiet")
    git(tree, "add", ".")
    git(tree, "commit", "--quiet", "-m", "first")
    return tree


def verdict(hunk: int = 0, said: str = "approved", **more: object) -> Json:
    """One entry of a review."""
    return {"hunk": hunk, "verdict": said, "comment": f"it is {said}", **more}


def emulate(
    stand: Stand, writes: Mapping[str, str], *reviews: Json | str, say: str = "Done."
) -> None:
    """codex writes these files, claude answers with these reviews."""
    stand.emulate(["codex"], script=[{"when": TASK, "write": writes, "say": say}])
    said: Json | str = {"hunks": list(reviews)}
    if reviews and isinstance(reviews[0], str):
        said = reviews[0]
    stand.emulate(["claude"], script=[{"when": REVIEW, "say": said}])


def call(stand: Stand, **arguments: object) -> Json:
    """One call of `exec` with a pair, by a client of its own."""

    async def play() -> Json:
        async with attach(server) as host:
            return await called(host, **arguments)

    with start_server(stand.env, stand.project(), stand.root / "pair.stderr") as server:
        return trio.run(play)


async def called(host: Host, **arguments: object) -> Json:
    given = {"prompt": TASK, "pair": True, "wait_seconds": 60, "cli": "codex", **arguments}
    return payload(
        await host.answer(await host.post("tools/call", {"name": "exec", "arguments": given}))
    )


def data_of(body: Json) -> Json:
    data = body["data"]
    assert isinstance(data, dict), body
    return data


@pytest.mark.requirement("tools:pair")
def test_a_change_that_is_verified_and_approved_lands(stand: Stand) -> None:
    """In the files, and nowhere else: the repository has no commit, stash or setting more."""
    tree = repository(stand)
    before = {path: path.read_bytes() for path in (tree / ".git").rglob("*") if path.is_file()}
    emulate(stand, {"orders.py": "TOTAL = 2\n"}, verdict())

    body = call(stand, verify=VERIFY, reviewer="claude")

    data = data_of(body)
    assert body["status"] == "completed", body
    assert (data["state"], data["landed"], data["files"]) == ("approved", True, ["orders.py"])
    assert (tree / "orders.py").read_text(encoding="utf-8") == "TOTAL = 2\n"
    assert {p: p.read_bytes() for p in (tree / ".git").rglob("*") if p.is_file()} == before
    assert data["rounds"][0]["verify"][0]["exit_code"] == 0  # type: ignore[index]
    assert data["rounds"][0]["hunks"][0]["verdict"] == "approved"  # type: ignore[index]
    assert str(body["content"]).startswith("# Landed: 1 file, +1 -1")
    assert stand.survivors() == {}
    assert list((stand.state / "copies").iterdir()) == []
