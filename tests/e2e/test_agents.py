"""`agents` over emulated CLIs: who there is, who fits, and runs of several turns."""

from pathlib import Path
from typing import Final

import pytest
import trio

from ._host import Host, Json, attach, start_server
from ._stand import Stand, make_stand

MARK: Final = r"AGENT-DONE-\w+"
FRONT: Final = "a line of front matter that nobody may be told"


@pytest.fixture(scope="module")
def stand(module_dir: Path) -> Stand:
    """A machine with agents of its user and its project; one whose text says how it answers."""
    stand = make_stand(module_dir / "machine")
    stand.emulate(
        ["codex"],
        script=[
            {"when": "Go on with the task", "say": "The rest.\n{recalled}", "recall": MARK},
            {"when": "in two goes", "say": "The first half."},
            {"when": "quotes it", "say": "I will end with:\n```\n{recalled}\n```", "recall": MARK},
            {"when": "says nothing", "say": ""},
            {"when": "# How to end", "say": "All of it.\n{recalled}", "recall": MARK},
        ],
    )
    put(stand.home, "tide-expert", "description: Knows the tides of harbours", "Look at the moon.")
    put(stand.project(), "deployer", f"description: Deploys\nnote: {FRONT}", "Deploy slowly.")
    return stand


def put(root: Path, name: str, front: str, text: str, *, place: str = ".claude/agents") -> Path:
    """A file of an agent."""
    file = root / place / f"{name}.md"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"---\n{front}\n---\n{text}\n", encoding="utf-8")
    return file


async def run(host: Host, **arguments: object) -> Json:
    """One call of `agents(action=run)` on codex, to its end."""
    return await host.call("agents", action="run", wait_seconds=60, cli="codex", **arguments)


def data_of(body: Json) -> Json:
    """What a program reads of an answer."""
    data = body["data"]
    assert isinstance(data, dict), body
    return data


@pytest.mark.requirement("tools:agents")
@pytest.mark.requirement("agents:selection")
@pytest.mark.reaches("agents:completed")
async def test_an_agent_is_chosen_by_its_task_and_works_until_it_is_done(host: Host) -> None:
    """Two turns of one conversation; the line that ends it is not in the answer."""
    body = await run(host, prompt="in two goes: why does the parser crash with a traceback?")

    data = data_of(body)
    assert body["status"] == "completed", body
    assert body["content"] == "The first half.\n\nThe rest."
    assert (data["stopped_by"], data["turns_used"]) == ("done", 2)
    assert data["selection"]["chosen"] == data["agent"]["id"] == "debugger"
    assert data["selection"]["ranked"][0]["score"] > data["selection"]["ranked"][1]["score"]
    assert data["selection"]["runner_up"] == data["selection"]["ranked"][1]["id"]
    assert (body["role"], body["mode"]) == ("debug", "read")


@pytest.mark.requirement("agents:end")
async def test_a_line_in_a_fence_does_not_end_a_run(host: Host) -> None:
    """It is quoted, so there is another turn."""
    body = await run(host, agent_id="generalist", prompt="quotes it")

    assert data_of(body)["turns_used"] == 2
    assert str(body["content"]).endswith("The rest.")


@pytest.mark.requirement("agents:end")
async def test_the_limit_of_turns_is_told(host: Host) -> None:
    """What was said is kept, and that it is not done is said."""
    body = await run(host, agent_id="generalist", prompt="in two goes", max_turns=1)

    error = body["error"]
    assert isinstance(error, dict)
    assert (body["status"], error["code"]) == ("partial", "agent_turn_limit")
    assert body["content"] == "The first half."


@pytest.mark.requirement("agents:front")
async def test_no_front_matter_reaches_a_prompt(host: Host, stand: Stand) -> None:
    """The instructions and the task do."""
    body = await host.call(
        "agents", action="run", agent_id="deployer", prompt="[[recall]]", cli="gemini", max_turns=1
    )
    shown = await host.call("agents", action="info", agent_id="deployer")

    info = data_of(shown)["agent"]
    assert info["instructions"] == "Deploy slowly."
    assert body["status"] in {"completed", "partial"}
    sent = "".join(
        each.read_text(encoding="utf-8", errors="replace")
        for each in stand.home.rglob("*")
        if each.is_file() and ".claude" not in each.parts
    )
    assert "Deploy slowly." in sent
    assert FRONT not in sent
    assert FRONT not in str(body["content"])


@pytest.mark.requirement("agents:places")
async def test_agents_of_user_and_project_are_listed_with_their_place(host: Host) -> None:
    """Beside the shipped ones; `find` says who fits."""
    listed = data_of(await host.call("agents", action="list"))
    found = await host.call("agents", action="find", prompt="when is high tide in the harbour?")

    sources = {each["id"]: each["source"] for each in listed["agents"]}
    assert sources["tide-expert"] == "user"
    assert sources["deployer"] == "project"
    assert sources["reviewer"] == "shipped"
    assert data_of(found)["would_run"] == "tide-expert"
    guidance = found["guidance"]
    assert isinstance(guidance, dict)
    assert guidance["next"][0]["arguments"]["agent_id"] == "tide-expert"


@pytest.mark.requirement("agents:name")
async def test_agent_is_a_name_for_a_run_that_no_list_shows(host: Host) -> None:
    """The old call of the tool, with its own names."""
    body = await host.call("agent", agent="generalist", prompt="now", cli="codex", wait_seconds=60)
    names = [each["name"] for each in await tools(host)]

    assert (body["status"], body["content"]) == ("completed", "All of it.")
    assert "agents" in names
    assert "agent" not in names


async def tools(host: Host) -> list[Json]:
    """What `tools/list` shows."""
    result = (await host.answer(await host.post("tools/list")))["result"]
    assert isinstance(result, dict)
    return list(result["tools"])


async def test_an_unknown_agent_is_refused_with_the_known_ones(host: Host) -> None:
    """And the one that was meant."""
    body = await run(host, agent_id="debuger", prompt="why?")

    error = body["error"]
    assert isinstance(error, dict)
    assert (error["code"], error["hint"]) == ("agent_unknown", "did you mean debugger?")
    assert "reviewer" in error["known"]


# ------------------------------------------------------------------------ a hostile clone


@pytest.mark.requirement("agents:rights")
async def test_a_projects_agent_does_not_get_what_its_file_asks_for(
    host: Host, stand: Stand
) -> None:
    """Neither by its mode nor by a role that writes, nor in the place of a shipped one."""
    project = stand.project()
    put(project, "widener", "description: Wants\nmode: write\nmax_turns: 20", "Write.",
        place=".aimux/agents.d")  # fmt: skip
    put(project, "sly", "description: Sly\nrole: coding", "Write.")
    put(project, "implementer", "description: Takes a name", "Write.")
    put(project, "danger", "description: Mad\nmode: danger", "Write.", place=".aimux/agents.d")

    modes = {}
    for name in ("widener", "sly", "implementer", "danger"):
        body = await run(host, agent_id=name, prompt="go")
        modes[name] = body["mode"]
    told = await run(host, agent_id="widener", prompt="go")
    asked = await run(host, agent_id="widener", prompt="go", mode="write")

    assert modes == dict.fromkeys(modes, "read")
    warnings = told["warnings"]
    assert isinstance(warnings, list)
    assert "agent_mode_lowered" in [each["code"] for each in warnings]
    assert data_of(told)["max_turns"] == 4
    error = asked["error"]
    assert isinstance(error, dict)
    assert error["code"] == "agent_mode_refused"
    for name in ("widener", "sly", "implementer", "danger"):
        for place in (".aimux/agents.d", ".claude/agents"):
            (project / place / f"{name}.md").unlink(missing_ok=True)


@pytest.mark.requirement("agents:inside")
async def test_links_of_a_project_are_not_followed_out_of_it(host: Host, stand: Stand) -> None:
    """A link as file, as place, and as directory below it: none is read, each is told."""
    outside = stand.root / "outside"
    put(outside, "stolen", "description: A private file", "Secret.", place="")
    project = stand.project()
    links = [
        (project / ".claude/agents/one.md", outside / "stolen.md"),
        (project / ".gemini/agents", outside),
        (project / ".claude/agents/below", outside),
    ]
    for link, target in links:
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target)

    data = data_of(await host.call("agents", action="list"))
    for link, _ in links:
        link.unlink()

    assert "stolen" not in [each["id"] for each in data["agents"]]
    told = " ".join(data["problems"])
    assert all(str(link) in told for link, _ in links), told


def test_the_users_settings_let_a_projects_agent_write(tmp_path: Path) -> None:
    """The project's own settings do not."""

    async def modes() -> list[object]:
        async with attach(server) as host:
            return [(await run(host, agent_id="sly", prompt="go"))["mode"]]

    stand = make_stand(tmp_path / "machine")
    stand.emulate(["codex"], script=[{"when": "", "say": "x\n{recalled}", "recall": MARK}])
    project = stand.project()
    put(project, "sly", "description: Sly\nrole: coding", "Write.")
    allow = "agents:\n  project_mode: write\n"
    (project / ".aimux").mkdir()
    (project / ".aimux/config.yaml").write_text(allow, encoding="utf-8")
    with start_server(stand.env, project, stand.root / "one") as server:
        assert trio.run(modes) == ["read"]
    default = stand.config / "default.yaml"
    default.write_text(default.read_text(encoding="utf-8") + allow, encoding="utf-8")
    with start_server(stand.env, project, stand.root / "two") as server:
        assert trio.run(modes) == ["write"]
