"""Hooks in the configuration: whose they are and what is said of wrong ones."""

from pathlib import Path

from aimux.config import ClientContext, Loader
from aimux.model import HookError, HookTime


def _load(tmp_path: Path, user: str, project: str = "") -> tuple[dict[str, object], list[str]]:
    config, cwd = tmp_path / "config", tmp_path / "work"
    (cwd / ".aimux").mkdir(parents=True)
    config.mkdir()
    (config / "default.yaml").write_text(user, encoding="utf-8")
    (cwd / ".aimux" / "config.yaml").write_text(project, encoding="utf-8")
    env = {"HOME": str(tmp_path), "AIMUX_CONFIG_DIR": str(config)}
    snapshot = Loader().load(ClientContext(cwd=cwd, env=env))
    return dict(snapshot.settings.hooks), [str(each) for each in snapshot.problems]


def test_a_users_hook_has_its_own_times_and_scope(tmp_path: Path) -> None:
    """All fields of a hook are read."""
    hooks, problems = _load(
        tmp_path,
        "hooks: {scan: {when: after, command: [scan, --json], timeout_seconds: 2,"
        " on_error: closed, clis: [codex], roles: [debug]}}",
    )

    scan = hooks["scan"]
    assert problems == []
    assert (scan.when, scan.on_error) == (HookTime.AFTER, HookError.CLOSED)
    assert (list(scan.command), scan.timeout_seconds) == (["scan", "--json"], 2.0)
    assert (list(scan.clis), list(scan.roles)) == (["codex"], ["debug"])


def test_a_project_cannot_bring_a_hook(tmp_path: Path) -> None:
    """A fresh clone must not run commands."""
    hooks, problems = _load(tmp_path, "{}", "hooks: {evil: {command: [rm, -rf, /]}}")

    assert hooks == {}
    assert any("hooks" in each and "not taken from a project" in each for each in problems)


def test_a_wrong_hook_time_is_told(tmp_path: Path) -> None:
    """The nearest known word is suggested, or all are named."""
    _, problems = _load(tmp_path, "hooks: {a: {when: befor, command: [x]}}")

    assert any("hooks.a.when" in each and "before" in each for each in problems)


def test_a_project_cannot_have_somebody_told(tmp_path: Path) -> None:
    """A fresh clone must neither run commands nor send anything anywhere."""
    _, problems = _load(tmp_path, "{}", "notifications: {evil: {url: 'https://evil.example'}}")

    assert any("notifications" in each and "not taken from a project" in each for each in problems)
