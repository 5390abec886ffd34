"""`sessions(action=retry)`: what was asked is asked again, and what was more is refused."""

import pathlib

import attrs
import pytest

from ..engine.house import answers, fails, open_house
from .calls import Clock, ask, fault, route


@pytest.mark.requirement("sessions:retry")
async def test_a_job_of_several_turns_is_not_repeated_as_one_turn(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A pair landed in a copy; its prompt alone would write into the tree itself."""
    async with open_house(tmp_path, lambda _: answers()) as house:
        request = attrs.evolve(house.request("pair on it"), keeps_session=False)
        handle = await house.begin(request)
        await handle.done.wait()
        refused = await fault(house, "sessions", action="retry", job_id=handle.job.id)

    assert refused.code == "retry_not_known"


@pytest.mark.requirement("sessions:retry")
async def test_what_is_repeated_keeps_prompt_cli_and_mode(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """The first ended with nothing, so the second is in a session of its own."""
    async with open_house(tmp_path, [fails("context overflow"), answers("now")]) as house:
        first = await house.run("read it", route=route(cli="beta"))
        body = await ask(house, "sessions", action="retry", session_id=first.session_id)
        handle = house.engine.supervisor.find(body["job_id"])
        assert handle is not None
        await handle.done.wait()

        assert body["retried"] == first.id
        assert (handle.job.prompt, handle.job.cli, handle.job.mode) == ("read it", "beta", "read")
        assert handle.job.session_id != first.session_id


@pytest.mark.parametrize("arguments", [{}, {"text": "yes"}, {"job_id": "job_0"}])
async def test_an_answer_needs_a_job_and_words(
    tmp_path: pathlib.Path, autojump_clock: Clock, arguments: dict[str, str]
) -> None:
    """What is missing is named before anything is looked for."""
    async with open_house(tmp_path, lambda _: answers()) as house:
        refused = await fault(house, "sessions", action="answer", **arguments)
        again = await fault(house, "sessions", action="retry")

    assert refused.code == again.code == "invalid_arguments"
