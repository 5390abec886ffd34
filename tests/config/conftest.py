"""A client with directories of its own."""

import pathlib
from collections.abc import Mapping

import attrs
import pytest

from aimux.config import ClientContext, Loader, Snapshot


@attrs.frozen
class ConfigHome:
    """Where a test writes its configuration; `load` reads all of it."""

    user: pathlib.Path
    project: pathlib.Path
    loader: Loader

    def write_user(self, text: str) -> pathlib.Path:
        """The user's default.yaml."""
        return self._write(self.user / "default.yaml", text)

    def write_project(self, text: str) -> pathlib.Path:
        """The project's config.yaml."""
        return self._write(self.project / ".aimux" / "config.yaml", text)

    def write_profile(self, name: str, text: str) -> pathlib.Path:
        """A profile of the user's."""
        return self._write(self.user / "cli.d" / name / "profile.yaml", text)

    def client(
        self, env: Mapping[str, str] | None = None, flags: Mapping[str, object] | None = None
    ) -> ClientContext:
        """A client that stands in the project."""
        return ClientContext(
            cwd=self.project, env=env or {}, config_dir=self.user, flags=flags or {}
        )

    def load(
        self, env: Mapping[str, str] | None = None, flags: Mapping[str, object] | None = None
    ) -> Snapshot:
        """What that client's configuration says now."""
        return self.loader.load(self.client(env, flags))

    @staticmethod
    def _write(path: pathlib.Path, text: str) -> pathlib.Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path


@pytest.fixture(scope="session")
def loader(tmp_path_factory: pytest.TempPathFactory) -> Loader:
    """One for all tests, as one serves all clients: shipped files are parsed once."""
    return Loader(tmp_path_factory.mktemp("yaml"))


@pytest.fixture
def home(tmp_path: pathlib.Path, loader: Loader) -> ConfigHome:
    """Empty user and project directories."""
    (tmp_path / "user").mkdir()
    (tmp_path / "project").mkdir()
    return ConfigHome(tmp_path / "user", tmp_path / "project", loader)
