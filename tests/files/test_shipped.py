"""Shipped data, and an installation that has lost a part of itself."""

from pathlib import Path

import pytest

from aimux.errors import SetupFault
from aimux.files import shipped as module
from aimux.files.shipped import InstallationBroken, import_part, is_whole, shipped


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package of an installation that carries nothing."""
    place = tmp_path / "site" / "aimux"
    place.mkdir(parents=True)
    monkeypatch.setattr(module, "_PACKAGE", place)
    return place


def ship(place: Path) -> None:
    """Have profiles and prompts there."""
    (place / "profiles").mkdir(parents=True)
    (place / "profiles" / "default.yaml").touch()
    (place / "prompts" / "roles").mkdir(parents=True)


def test_the_wheel_comes_before_the_checkout(package: Path) -> None:
    """Either is whole."""
    ship(package.parent)
    beside = shipped("profiles")
    ship(package / "_data")

    assert beside == package.parent / "profiles"
    assert shipped("profiles") == package / "_data" / "profiles"
    assert is_whole()


@pytest.mark.parametrize("kind", ["profiles", "prompts", "emulators"])
def test_what_is_missing_is_named_with_the_remedy(package: Path, kind: str) -> None:
    """It is a fault of the setup, not ours."""
    with pytest.raises(SetupFault) as caught:
        shipped(kind)

    assert caught.value.code == "installation_broken"
    assert str(package / "_data" / kind) in caught.value.message
    assert caught.value.hint is not None
    assert "install aimux-mcp again" in caught.value.hint
    assert not is_whole()


def test_a_directory_of_that_name_that_is_not_ours_does_not_count(package: Path) -> None:
    """Other packages leave `prompts` beside us."""
    (package.parent / "prompts").mkdir()
    with pytest.raises(InstallationBroken):
        shipped("prompts")


def test_data_that_goes_while_we_run_is_missed(package: Path) -> None:
    """Each call looks."""
    ship(package.parent)
    before = is_whole()
    (package.parent / "profiles" / "default.yaml").unlink()

    assert before
    assert not is_whole()


def test_a_module_that_is_gone_is_a_broken_installation() -> None:
    """With its name; what is there is imported."""
    with pytest.raises(InstallationBroken, match=r"the module aimux\.no_such is not there"):
        import_part("aimux.no_such")

    assert import_part("aimux.files.shipped") is module
