"""What all driver tests share: specs for the small children beside them, and leak checks."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from trio.testing import MockClock

from aimux.drivers import ProcessSpec
from aimux.testing import MakeSpec, Output, children_of, open_fds

CHILDREN = Path(__file__).parent / "children"
# in every child's environment, whatever it was given: of Python, of macOS
OF_THE_SYSTEM = {"LC_CTYPE", "__CF_USER_TEXT_ENCODING"}
BASE = {"PATH": os.environ["PATH"], "PYTHONUTF8": "1"}


@pytest.fixture
def output() -> Output:
    return Output()


@pytest.fixture
def make_spec(tmp_path: Path) -> MakeSpec:
    """Give a function from a child's name, arguments and settings to a spec."""

    def make(
        name: str, *args: object, env: dict[str, str] | None = None, **settings: Any
    ) -> ProcessSpec:
        argv = [sys.executable, "-I", "-S", str(CHILDREN / f"{name}.py"), *map(str, args)]
        return ProcessSpec(argv=argv, cwd=str(tmp_path), env=BASE | (env or {}), **settings)

    return make


@pytest.fixture
def mock_clock() -> MockClock:
    """Give graces a tenth of their length; nothing jumps, because the children are real."""
    return MockClock(rate=10)


@pytest.fixture
def leaves_nothing() -> Iterator[None]:
    """Fail if the test leaves a child, zombie or descriptor behind."""
    fds, children = open_fds(), children_of()
    yield
    assert children_of() == children
    assert open_fds() == fds
