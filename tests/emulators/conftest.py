from pathlib import Path

import pytest

from ._theatre import Theatre


@pytest.fixture
def theatre(tmp_path: Path) -> Theatre:
    """An empty HOME and a project that looks like a git tree."""
    home, project = tmp_path / "home", tmp_path / "project"
    home.mkdir()
    (project / ".git").mkdir(parents=True)
    return Theatre(home, project)
