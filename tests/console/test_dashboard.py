"""`aimux dashboard` where the daemon is another than it should be."""

import pytest

from aimux.console import _dashboard
from aimux.daemon import DaemonSilent
from aimux.errors import AimuxError


def answered(monkeypatch: pytest.MonkeyPatch, answer: object) -> None:
    """Have the daemon say that, or refuse with it."""

    async def ask(*_: object) -> object:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(_dashboard, "have_daemon", lambda _: None)
    monkeypatch.setattr(_dashboard, "ask", ask)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (DaemonSilent("no such question: dashboard"), "daemon_too_old"),
        (DaemonSilent("cannot listen on 127.0.0.1:8080: taken"), "daemon_silent"),
        (None, "daemon_not_started"),
    ],
)
async def test_why_there_is_no_page_is_told(
    monkeypatch: pytest.MonkeyPatch, answer: object, code: str
) -> None:
    """With the way out."""
    answered(monkeypatch, answer)
    with pytest.raises(AimuxError) as refused:
        await _dashboard._link()

    assert refused.value.code == code
    assert refused.value.hint or code != "daemon_too_old"


@pytest.mark.parametrize(
    ("env", "system", "has_one"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({"BROWSER": "firefox"}, "linux", True),
        ({}, "darwin", True),
        ({}, "win32", True),
    ],
)
def test_no_browser_is_started_in_a_terminal(
    env: dict[str, str], system: str, has_one: bool
) -> None:
    """Without a screen one would take the terminal over, and cannot show the page."""
    assert _dashboard.has_screen(env, system) is has_one


async def test_a_daemon_that_is_slow_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says that the page is not there yet."""
    answered(monkeypatch, {"url": ""})

    assert await _dashboard._link() == ""
