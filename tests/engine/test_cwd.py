"""Where a job works."""

import pathlib
from typing import Any

import attrs
import pytest
import trio.testing

from aimux.config import ClientContext, Snapshot
from aimux.errors import AimuxError, InvalidArguments, Refusal
from aimux.model import Mode, Seat

from .house import answers, open_house

Clock = trio.testing.MockClock


async def _refused(house: Any, **more: Any) -> AimuxError:
    with pytest.raises(AimuxError) as refused:
        await house.engine.prepare(house.request(**more))
    return refused.value


def _codes(prepared: Any) -> list[str]:
    return [each.code for each in prepared.first.routes.warnings]


async def test_the_call_counts_before_roots_and_they_before_the_start(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A single root that is there is taken without a word."""
    for name in ("root", "named"):
        (tmp_path / name).mkdir()
    roots = [str(tmp_path / "root")]
    async with open_house(tmp_path) as house:
        start = await house.engine.prepare(house.request())
        rooted = await house.engine.prepare(house.request(roots=roots))
        named = await house.engine.prepare(house.request(cwd=str(tmp_path / "named"), roots=roots))

    assert [each.cwd for each in (start, rooted, named)] == [
        str(house.work), roots[0], str(tmp_path / "named")
    ]  # fmt: skip
    assert [_codes(each) for each in (start, rooted, named)] == [[], [], []]
    assert rooted.first.cwd == roots[0]


async def test_the_first_of_several_roots_that_exists_is_told(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Where none does, the client's start counts, which is told too."""
    gone, there, other = (str(tmp_path / name) for name in ("gone", "there", "other"))
    for name in ("there", "other"):
        (tmp_path / name).mkdir()
    async with open_house(tmp_path, lambda _: answers()) as house:
        first = await house.engine.prepare(house.request(roots=[gone, there, other]))
        none = await house.engine.prepare(house.request(roots=[gone]))
        job = await house.run(roots=[gone, there, other])

    assert (first.cwd, _codes(first)) == (there, ["cwd_from_roots"])
    assert (none.cwd, _codes(none)) == (str(house.work), ["roots_unusable"])
    assert job.outcome is not None
    (warning,) = job.outcome.warnings
    assert there in warning.message
    assert "pass cwd" in warning.message


@pytest.mark.parametrize(
    "name", ["a" * 256, "/".join(["a" * 200] * 30), "\ud800"], ids=["name", "path", "half"]
)
async def test_a_name_that_no_directory_can_have_is_a_fault_of_cwd(
    tmp_path: pathlib.Path, autojump_clock: Clock, name: str
) -> None:
    """Longer than the system takes, or not to be written as bytes; a root like that is none."""
    path = str(tmp_path / name)
    async with open_house(tmp_path) as house:
        refused = await _refused(house, cwd=path)
        rooted = await house.engine.prepare(house.request(roots=[path]))

    assert (type(refused), refused.code) == (InvalidArguments, "cwd_invalid")
    assert refused.data["problems"][0]["path"] == "cwd"
    assert "an existing directory" in refused.message
    assert (rooted.cwd, _codes(rooted)) == (str(house.work), ["roots_unusable"])


async def test_a_session_stays_where_it_began(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Whatever the client's roots are by now."""
    async with open_house(tmp_path, lambda _: answers(native="n1")) as house:
        job = await house.run()
        again = await house.engine.prepare(
            house.request(session_id=job.session_id, roots=[str(tmp_path)])
        )

    assert again.cwd == str(house.work)


@pytest.mark.parametrize("way", ["start", "call", "root", "link", "seat"])
async def test_nobody_writes_in_the_home_directory_itself(
    tmp_path: pathlib.Path, autojump_clock: Clock, way: str
) -> None:
    """However it was named; reading there is told."""
    home = tmp_path / "me"
    home.mkdir()
    (tmp_path / "link").symlink_to(home)
    async with open_house(tmp_path) as house:
        env = {**house.client.env, "HOME": str(home)}
        house.client = attrs.evolve(house.client, env=env)
        if way == "start":
            house.client = attrs.evolve(house.client, cwd=home)
        more: dict[str, Any] = {
            "start": {},
            "call": {"cwd": str(home)},
            "root": {"roots": [str(home)]},
            "link": {"cwd": str(tmp_path / "link")},
            "seat": {"seats": [Seat(name="A", cwd=str(home))]},
        }[way]
        reading = await house.engine.prepare(house.request(**more))
        refused = await _refused(house, mode=Mode.WRITE, **more)

    assert _codes(reading) == ["cwd_too_wide"]
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.retryable) == ("cwd_too_wide", False)
    assert refused.hint is not None
    assert refused.hint.startswith("pass cwd")


async def test_nobody_writes_in_the_root_directory(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    async with open_house(tmp_path) as house:
        house.client = attrs.evolve(house.client, cwd=pathlib.Path(tmp_path.anchor))
        reading = await house.engine.prepare(house.request())
        refused = await _refused(house, mode=Mode.WRITE)
        fine = await house.engine.prepare(house.request(mode=Mode.WRITE, cwd=str(house.work)))

    assert _codes(reading) == ["cwd_too_wide"]
    assert refused.code == "cwd_too_wide"
    assert _codes(fine) == []


async def test_the_configuration_of_the_root_counts(
    tmp_path: pathlib.Path, autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The project's is where the client works, not where it was started."""
    (tmp_path / "root").mkdir()
    asked: list[pathlib.Path] = []
    async with open_house(tmp_path) as house:
        load = house.loader.load

        def note(client: ClientContext) -> Snapshot:
            asked.append(client.cwd)
            return load(client)

        monkeypatch.setattr(house.loader, "load", note)
        await house.engine.prepare(house.request(roots=[str(tmp_path / "root")]))
        await house.engine.prepare(house.request(cwd=str(tmp_path / "root")))

    assert asked == [tmp_path / "root", house.work]
