"""Which role a prompt in the background finds by itself."""

from pathlib import Path

from aimux.config import ClientContext, load
from aimux.model import Role
from aimux.tools._background import role_for

TASK = "please go over the ledger of last month"


def test_a_role_is_found_by_its_tags() -> None:
    """As by its name and summary; one without a text is none."""
    plain = Role(name="plain", text="You help.", summary="Helps with this and that")
    tagged = Role(
        name="books", text="You count.", summary="Sums things up", tags=("ledger", "month")
    )

    found = role_for(TASK, {each.name: each for each in (plain, tagged)})
    assert found is not None
    assert found.id == "books"
    assert "ledger" in found.why

    assert (
        role_for(TASK, {"plain": plain, "books": Role(name="books", tags=("ledger", "month"))})
        is None
    )


def test_the_shipped_roles_are_found_by_what_they_are_for(tmp_path: Path) -> None:
    """A word of a task that only a role's tags have leads to it."""
    roles = load(ClientContext(cwd=tmp_path, env={})).roles
    for task, role in (
        ("security of the upload", "secaudit"),
        ("write documentation for the importer", "docgen"),
    ):
        found = role_for(task, roles)
        assert found is not None, task
        assert found.id == role
