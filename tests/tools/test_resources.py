"""Jobs, sessions, CLIs and roles as resources."""

import json
import pathlib
from typing import Any

import attrs
import pytest

from aimux.errors import NotFound
from aimux.model import ServerSettings
from aimux.tools import TOOLS

from ..engine.house import House, answers, open_house
from .calls import HANG, Clock


async def read(house: House, uri: str) -> Any:
    resources = (await house.app.ready()).resources
    content = await resources.read(house.client, uri)
    assert content["uri"] == uri
    text = str(content["text"])
    return text if content["mimeType"] == "text/plain" else json.loads(text)


async def test_resources_are_read(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """Each kind of URI gives what it says, of running and of ended jobs."""
    async with open_house(tmp_path, [answers("a fine answer", native="n"), HANG]) as house:
        job = await house.run()
        running = await house.ask("exec", prompt="x", wait_seconds=1)
        house.loader.snapshot = attrs.evolve(
            house.loader.snapshot,
            settings=attrs.evolve(
                house.loader.snapshot.settings,
                server=ServerSettings(disabled_clis=["alpha", "beta", "gamma"]),
            ),
            fingerprint="two",
        )
        assert (await read(house, f"aimux://jobs/{job.id}"))["content"] == "a fine answer"
        assert await read(house, f"aimux://jobs/{job.id}/output") == "a fine answer"
        assert await read(house, f"aimux://jobs/{running['job_id']}/output") == "so far"
        events = await read(house, f"aimux://jobs/{job.id}/events")
        assert [each["seq"] for each in events] == list(range(1, len(events) + 1))
        session = await read(house, f"aimux://sessions/{job.session_id}")
        assert session["session"]["id"] == job.session_id
        assert [row["id"] for row in session["jobs"]] == [job.id]
        assert (await read(house, "aimux://metrics"))["total"]["turns"] == 1
        assert (await read(house, "aimux://health"))["jobs"]["running"] == 1
        assert (await read(house, "aimux://clis/alpha"))["state"] == "disabled"
        assert (await read(house, "aimux://roles/coding"))["mode"] == "write"
        resources = (await house.app.ready()).resources
        uris = [each["uri"] for each in await resources.listed()]
        assert uris == [
            "aimux://health",
            "aimux://jobs",
            "aimux://metrics",
            "aimux://usage",
            *(f"aimux://schemas/{tool}" for tool in TOOLS),
            f"aimux://jobs/{running['job_id']}",
            f"aimux://jobs/{job.id}",
        ]
        rows = (await read(house, "aimux://jobs"))["jobs"]
        assert [row["id"] for row in rows] == [running["job_id"], job.id]
        assert [row["parent_id"] for row in rows] == [None, None]
        house.engine.supervisor.drop_recent([job.id])
        assert await read(house, f"aimux://jobs/{job.id}/output") == "a fine answer"


@pytest.mark.parametrize(
    "uri",
    [
        "http://health",
        "aimux://",
        "aimux://nothing",
        "aimux://jobs/",
        "aimux://jobs/job_nobody",
        "aimux://jobs/job_nobody/output",
        "aimux://jobs/x/nonsense",
        "aimux://health/more",
        "aimux://sessions/ses_nobody",
        "aimux://clis/nobody",
        "aimux://roles/nobody",
        "aimux://jobs/job_1/output/more",
    ],
)
async def test_what_is_not_there_is_not_found(
    tmp_path: pathlib.Path, autojump_clock: Clock, uri: str
) -> None:
    """One code for all of them; the URI is told, and what it names that is not there."""
    async with open_house(tmp_path, profiles=[]) as house:
        with pytest.raises(NotFound) as missing:
            await read(house, uri)

    assert (missing.value.code, missing.value.data["uri"]) == ("resource_not_found", uri)
    if uri.endswith(("nobody", "nobody/output")):
        assert "nobody" in str(missing.value.data["why"])


async def test_a_job_is_described_with_its_cli_if_it_has_one(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """A workflow has none."""
    step = {"tool": "think", "arguments": {"pattern": "think", "prompt": "so?"}}
    async with open_house(tmp_path, [answers()]) as house:
        await house.ask("exec", prompt="x", cli="alpha")
        await house.ask("workflow", steps=[step])
        listed = await (await house.app.ready()).resources.listed()

    told = [str(each["description"]) for each in listed if "/jobs/job_" in str(each["uri"])]
    assert sorted(told) == ["exec on alpha: completed", "workflow: completed"]


async def test_templates_are_completed(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """Jobs, sessions, CLIs and roles by what they begin with; nothing for anything else."""
    async with open_house(tmp_path, [answers()]) as house:
        job = await house.run()
        resources = (await house.app.ready()).resources

        async def complete(template: str, value: str) -> list[str]:
            return list(await resources.complete(house.client, template, value))

        assert await complete("aimux://jobs/{id}", "JOB_") == [job.id]
        assert await complete("aimux://jobs/{id}/output", "job_nobody") == []
        assert await complete("aimux://sessions/{id}", "") == [job.session_id]
        assert await complete("aimux://clis/{name}", "B") == ["beta"]
        assert await complete("aimux://roles/{name}", "re") == ["review"]
        assert await complete("aimux://health", "") == []
