"""What files change while a client is connected: told within five seconds, to who asked."""

import pathlib
from typing import Any

import attrs
import trio
import trio.testing

from aimux.model import Role
from aimux.server._watch import LOOK_EVERY_S
from aimux.tools._changes import Changed, FileSource

from ..engine.house import ALPHA, BETA, House, open_house
from .wire import META, attach

Clock = trio.testing.MockClock
ROLE = "aimux://roles/review"


def change(house: House, **more: Any) -> None:
    """Another configuration from now on."""
    house.loader.snapshot = attrs.evolve(house.loader.snapshot, fingerprint="two", **more)


async def test_a_role_that_changes_is_told_to_who_subscribed(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Once, within five seconds; the list of resources is the same, so nothing is said of it."""
    async with open_house(tmp_path) as house, attach(house.app, house) as peer:
        await peer.open()
        await peer.result("resources/subscribe", {"uri": ROLE})
        await trio.sleep(LOOK_EVERY_S)
        await peer.settle()
        assert peer.notices == []
        roles = {**house.loader.snapshot.roles, "review": Role(name="review", text="Another.")}
        change(house, roles=roles)
        await trio.sleep(5.0)
        await peer.settle()
        told = peer.notices[:]
        await trio.sleep(60.0)
        await peer.settle()

    assert [(each["method"], each["params"]["uri"]) for each in told] == [
        ("notifications/resources/updated", ROLE)
    ]
    assert peer.notices == told


async def test_a_cli_that_comes_or_goes_changes_the_list(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Told to every client that is connected; one of its own is not told."""
    async with open_house(tmp_path) as house, attach(house.app, house) as peer:
        await peer.open()
        await trio.sleep(LOOK_EVERY_S)
        change(house, profiles={"alpha": ALPHA, "beta": BETA})
        await trio.sleep(5.0)
        await peer.settle()

    assert peer.told("notifications/resources/list_changed") == [{}]
    assert peer.told("notifications/resources/updated") == []


async def test_any_list_can_have_a_source(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """What registers itself is looked at for each client, and says which list it changes."""
    state = object()
    clients = []

    async def read(client: object) -> object:
        await trio.lowlevel.checkpoint()
        clients.append(client)
        return state

    source = FileSource(
        name="mine", read=read, compare=lambda _, __: Changed(lists=frozenset({"tools"}))
    )
    async with open_house(tmp_path) as house:
        house.app.register(source)
        async with attach(house.app, house) as peer:
            await peer.open()
            await trio.sleep(2 * LOOK_EVERY_S)
            state = object()
            await trio.sleep(5.0)
            await peer.settle()

    assert peer.told("notifications/tools/list_changed") == [{}]
    assert {type(each).__name__ for each in clients} == {"Client"}


async def test_a_modern_client_hears_of_what_it_listens_for(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """And of nothing else, though it changes too."""
    async with open_house(tmp_path) as house, attach(house.app, house) as peer:
        wanted = {"resourceSubscriptions": ["aimux://clis/gamma"]}
        await peer.begin(
            "subscriptions/listen", {"notifications": wanted, "_meta": META}, call_id="l"
        )
        await peer.settle()
        await trio.sleep(LOOK_EVERY_S)
        change(house, profiles={"alpha": ALPHA, "beta": BETA})
        await trio.sleep(5.0)
        await peer.settle()

    uris = [each["uri"] for each in peer.told("notifications/resources/updated")]
    assert uris == ["aimux://clis/gamma"]
    assert peer.told("notifications/resources/list_changed") == []
