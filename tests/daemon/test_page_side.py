"""Links to the dashboard: made once it is served, told apart from what cannot be."""

from typing import Any, cast

import pytest
import trio
import trio.testing

from aimux.daemon._page import OPEN_S, PageSide, page_url
from aimux.dashboard import Passes
from aimux.errors import SetupFault


class Served:
    """A dashboard, as far as links need one."""

    passes = Passes(None)


async def test_who_asks_first_has_the_page_opened(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """And waits for it; each link has a token of its own."""
    side = PageSide()
    links: list[str] = []

    async def ask() -> None:
        links.append(await side.link())

    async with trio.open_nursery() as asking:
        asking.start_soon(ask)
        asking.start_soon(ask)
        await side.wanted.wait()
        side.opened(cast(Any, Served()), "http://127.0.0.1:8080/mcp", ["--page", "127.0.0.1:8080"])

    tokens = {link.removeprefix("http://127.0.0.1:8080/dashboard/#link=") for link in links}
    assert len(tokens) == 2
    assert not any("/" in token for token in tokens)
    assert repr(side) == "<PageSide: http://127.0.0.1:8080/dashboard/>"


async def test_what_cannot_be_served_is_told_and_tried_again(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """The next who asks is not told of a fault that was before."""
    side = PageSide()

    async def fail() -> None:
        await side.wanted.wait()
        side.failed(SetupFault("no port is free"))

    async with trio.open_nursery() as serving:
        serving.start_soon(fail)
        with pytest.raises(SetupFault, match="no port is free"):
            await side.link()
    begun = trio.current_time()

    assert await side.link() == ""
    assert trio.current_time() - begun == OPEN_S


@pytest.mark.parametrize(
    ("endpoint", "page"),
    [
        ("http://127.0.0.1:8080/mcp", "http://127.0.0.1:8080/dashboard/"),
        ("http://0.0.0.0:80/x", "http://127.0.0.1:80/dashboard/"),
        ("https://[::1]:443/mcp", "https://[::1]:443/dashboard/"),
        ("https://box.example:8443/mcp", "https://box.example:8443/dashboard/"),
    ],
)
def test_the_page_is_beside_the_endpoint(endpoint: str, page: str) -> None:
    """Where a browser of this machine finds it."""
    assert page_url(endpoint) == page
