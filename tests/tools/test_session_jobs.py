"""`sessions(action=retry)`: what was asked is asked again, and what was more is refused."""

import pathlib
from collections.abc import Mapping
from typing import Final

import attrs
import pytest

from aimux.engine import JobRequest, PreparedJob
from aimux.tools import TOOLS
from aimux.tools._exec import OF_ONE_CALL, OF_PAIR

from ..engine.house import answers, fails, open_house
from .calls import Clock, ask, fault, route
from .test_styles import ROLES, sent, with_styles


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


ASKED: Final[Mapping[str, object]] = {
    "role": "brief",
    "cli": "beta",
    "model": "b-large",
    "effort": "high",
    "mode": "read",
    "timeout_seconds": 77,
    "fallback": True,
    "schema": {"type": "object", "required": ["a"]},
    "style": "json",
    "tty": True,
}


@pytest.mark.requirement("sessions:retry")
async def test_what_is_repeated_is_the_whole_of_what_was_asked(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Deadline, form, schema, terminal, fallback: the second child is started as the first."""
    every = TOOLS["exec"].input_schema["properties"]
    assert isinstance(every, dict)
    assert ASKED.keys() | OF_ONE_CALL | OF_PAIR == every.keys(), "who repeats a new argument?"

    async with open_house(tmp_path, lambda _: answers('{"a": 1}'), roles=ROLES) as house:
        with_styles(house)
        prepared = house.engine.prepare
        requests = []

        async def prepare(request: JobRequest) -> PreparedJob:
            requests.append(request)
            return await prepared(request)

        house.engine.prepare = prepare  # type: ignore[method-assign]  # looked over the shoulder
        first = await ask(house, "exec", prompt="read it", **ASKED)
        body = await ask(house, "sessions", action="retry", job_id=first["job_id"])
        handle = house.engine.supervisor.find(body["job_id"])
        assert handle is not None
        await handle.done.wait()
        other = await ask(house, "sessions", action="retry", job_id=body["job_id"], cli="alpha")

    assert first["status"] == handle.job.status == "completed"
    assert handle.limit_s == 77
    assert handle.job.outcome is not None
    assert handle.job.outcome.data == {"a": 1}
    assert attrs.evolve(requests[1], cwd="", session_id="") == requests[0]
    assert sent(house)[0] == sent(house)[1]
    assert other["cli"] == "alpha"
    assert requests[2].route == attrs.evolve(requests[0].route, cli="alpha", model="")
    assert requests[2].style == "json"


@pytest.mark.parametrize("arguments", [{}, {"text": "yes"}, {"job_id": "job_0"}])
async def test_an_answer_needs_a_job_and_words(
    tmp_path: pathlib.Path, autojump_clock: Clock, arguments: dict[str, str]
) -> None:
    """What is missing is named before anything is looked for."""
    async with open_house(tmp_path, lambda _: answers()) as house:
        refused = await fault(house, "sessions", action="answer", **arguments)
        again = await fault(house, "sessions", action="retry")

    assert refused.code == again.code == "invalid_arguments"
