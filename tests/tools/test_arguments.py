"""Calls that are refused before anything is started, and names that are taken for ours."""

import pathlib
from typing import Any

import pytest
import trio
import trio.testing

from aimux.errors import AimuxError, InvalidArguments
from aimux.model import ServerSettings

from ..engine.house import answers, open_house
from .calls import Clock, ask, fault


@pytest.mark.parametrize(
    ("tool", "arguments", "paths"),
    [
        ("exec", {}, ["prompt"]),
        ("exec", {"prompt": ""}, ["prompt"]),
        ("exec", {"prompt": 3, "async": "yes", "promt": "x"}, ["prompt", "async", "promt"]),
        ("exec", {"prompt": "x", "mode": "rwx"}, ["mode"]),
        ("exec", {"prompt": "x", "read_only": "yes"}, ["read_only"]),
        ("exec", {"prompt": "x", "timeout_seconds": 0}, ["timeout_seconds"]),
        ("status", {"job_id": "j", "tail": 0}, ["tail"]),
        ("sessions", {"action": "dance"}, ["action"]),
        ("sessions", {"action": "list", "limit": 101}, ["limit"]),
    ],
)
async def test_wrong_arguments_are_told_all_at_once(
    tmp_path: pathlib.Path,
    autojump_clock: Clock,
    tool: str,
    arguments: dict[str, Any],
    paths: list[str],
) -> None:
    """One error with a stable code lists each problem; nothing is started."""
    async with open_house(tmp_path) as house:
        refused = await fault(house, tool, **arguments)
        assert house.driver.specs == []

    assert isinstance(refused, InvalidArguments)
    assert refused.code == "invalid_arguments"
    assert {problem["path"] for problem in refused.problems} == set(paths)


async def test_a_near_miss_is_suggested(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """A typo in a name is met with the name."""
    async with open_house(tmp_path) as house:
        refused = await fault(house, "exec", prompt="x", promtp="y")

    assert "did you mean prompt?" in refused.message


async def test_a_client_may_not_call_without_measure(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Above its rate a client is refused with a time to wait; status is free."""
    server = ServerSettings(rate_limit_rps=1, rate_limit_burst=2)
    async with open_house(tmp_path, lambda _: answers(), server=server) as house:
        first = await house.ask("exec", prompt="one")
        await house.ask("exec", prompt="two")
        refused = await fault(house, "exec", prompt="three")
        assert (refused.code, refused.retryable) == ("rate_limited", True)
        assert refused.data == {"retry_after_ms": 1_000}
        for _ in range(10):
            await house.ask("status", job_id=first["job_id"])
        await trio.sleep(1)

        assert (await house.ask("exec", prompt="four"))["status"] == "completed"


async def test_other_names_of_arguments_are_taken_and_told(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """Names users know work, ours win, and a warning says what ours are."""
    async with open_house(tmp_path, lambda _: answers()) as house:
        body = await ask(
            house, "exec", prompt="x", read_only=False, timeout=30, reasoning_effort="low"
        )
        assert body["mode"] == "write"
        codes = [each["message"] for each in body["warnings"] if each["code"] == "alias"]
        assert codes == [
            "read_only is called mode here",
            "timeout is called timeout_seconds here",
            "reasoning_effort is called effort here",
        ]
        reading = await ask(house, "exec", prompt="x", read_only=True)
        assert reading["mode"] == "read"
        both = await ask(
            house,
            "exec",
            prompt="x",
            read_only=True,
            mode="write",
            timeout=5,
            timeout_seconds=7,
            dry_run=True,
        )
        assert (both["mode"], both["plan"]["deadline_seconds"]) == ("write", 7)


@pytest.mark.parametrize(
    ("given", "taken", "told"),
    [
        ({"async": "false"}, {}, ["async: the text was taken as false"]),
        (
            {"timeout_seconds": "30", "wait_seconds": "1.5"},
            {"timeout_seconds": 30, "wait_seconds": 1.5},
            [
                "timeout_seconds: the text was taken as the number 30",
                "wait_seconds: the text was taken as the number 1.5",
            ],
        ),
        ({"role": None, "cli": None}, {}, [
            "role: null was taken as not given", "cli: null was taken as not given",
        ]),
        (
            {"schema": '{"type": "object"}'},
            {"schema": {"type": "object"}},
            ["schema: the text was taken as a JSON object"],
        ),
        ({"read_only": "True"}, {"mode": "read"}, ["read_only: the text was taken as true"]),
        ({"timeout": "30"}, {"timeout_seconds": 30}, [
            "timeout_seconds: the text was taken as the number 30"
        ]),
        ({"timeout": None}, {}, ["timeout: null was taken as not given"]),
        (
            {"timeout_seconds": None, "timeout": 5}, {"timeout_seconds": 5}, [],
        ),
    ],
)  # fmt: skip
async def test_what_a_client_wrote_otherwise_is_taken_and_told(
    tmp_path: pathlib.Path,
    autojump_clock: Clock,
    given: dict[str, Any],
    taken: dict[str, Any],
    told: list[str],
) -> None:
    """The call is the one that was meant, and `warnings` say what was read how."""
    async with open_house(tmp_path, lambda _: answers()) as house:
        meant = await ask(house, "exec", prompt="x", dry_run=True, **taken)
        plan = await ask(house, "exec", prompt="x", dry_run="true", **given)
        warnings = [each for each in plan.pop("warnings") if each["code"] == "taken_as_meant"]
        del meant["warnings"]

    assert plan == meant
    messages = [each["message"] for each in warnings]
    assert sorted(messages) == sorted([*told, "dry_run: the text was taken as true"])


async def test_every_tool_takes_and_tells(tmp_path: pathlib.Path, autojump_clock: Clock) -> None:
    """On the way without a wait, too, and without a mark on what is kept."""
    told = ["limit: the text was taken as the number 5"]
    async with open_house(tmp_path, lambda _: answers()) as house:
        done = await ask(house, "exec", prompt="x")
        plain = await ask(house, "status", job_id=done["job_id"], tail=3)
        status = await ask(house, "status", job_id=done["job_id"], tail="3", offset=None)
        again = await ask(house, "status", job_id=done["job_id"], tail=3)
        listed = await ask(house, "sessions", action="list", limit="5")
        health = await ask(house, "sessions", action="health", refresh="FALSE")

    assert [each["message"] for each in status.pop("warnings")] == [
        "tail: the text was taken as the number 3",
        "offset: null was taken as not given",
    ]
    assert plain == again
    assert plain | {"warnings": []} == status | {"warnings": []}
    assert [each["message"] for each in listed["warnings"]] == told
    assert len(health["warnings"]) == 1


async def test_an_error_tells_too_what_was_taken_how(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """It may be why the call failed; the next call is told nothing of it."""
    async with open_house(tmp_path, lambda _: answers()) as house:
        unknown = await fault(house, "status", job_id="job_x", tail="3")
        refused = await fault(house, "exec", prompt="x", cli="nobody", timeout="30")
        plain = await fault(house, "status", job_id="job_x", tail=3)
        shown = [house.app.failure(each, "status", {}).body for each in (unknown, refused, plain)]

    tail, limit = "tail: the text was taken as", "timeout_seconds: the text was taken as"
    assert shown[0]["warnings"] == [{"code": "taken_as_meant", "message": f"{tail} the number 3"}]
    assert shown[1]["warnings"] == [
        {"code": "alias", "message": "timeout is called timeout_seconds here"},
        {"code": "taken_as_meant", "message": f"{limit} the number 30"},
    ]
    assert "warnings" not in shown[2]


@pytest.mark.parametrize(
    ("given", "path", "expected"),
    [
        ({"async": "yes"}, "async", "boolean"),
        ({"async": 1}, "async", "boolean"),
        ({"timeout_seconds": "soon"}, "timeout_seconds", "number"),
        ({"timeout_seconds": "1_0"}, "timeout_seconds", "number"),
        ({"timeout_seconds": "1e999"}, "timeout_seconds", "number"),
        ({"timeout_seconds": "0"}, "timeout_seconds", "at least 0.1"),
        ({"max_chars": "1.5"}, "max_chars", "integer"),
        ({"schema": "[1]"}, "schema", "object"),
        ({"schema": "{oops"}, "schema", "object"),
        ({"role": 3}, "role", "string"),
        ({"prompt": None}, "prompt", "string"),
        ({"nothing": None}, "nothing", None),
        ({"read_only": "yes"}, "read_only", None),
    ],
)
async def test_what_may_mean_something_else_is_refused(
    tmp_path: pathlib.Path,
    autojump_clock: Clock,
    given: dict[str, Any],
    path: str,
    expected: str | None,
) -> None:
    """And only that is told, beside what could be taken."""
    async with open_house(tmp_path) as house:
        refused = await fault(house, "exec", **({"prompt": "x", "tty": "false"} | given))

    assert isinstance(refused, InvalidArguments)
    (problem,) = refused.problems
    assert problem["path"] == path
    assert expected is None or problem["expected"] == expected


async def test_what_is_offered_after_a_mistake_is_served(
    tmp_path: pathlib.Path, autojump_clock: Clock
) -> None:
    """From the error that is raised to the call that goes through, word by word."""
    mistakes: list[tuple[str, dict[str, Any]]] = [
        ("exec", {"promt": "x"}),
        ("exec", {"prompt": "x", "role": "reviw"}),
        ("exec", {"prompt": "x", "cli": "alpa"}),
        ("exec", {"prompt": 5}),
        ("consensus", {"prompt": "x", "clis": "alpha, beta"}),
        ("workflow", {"steps": "example:secnd", "dry_run": True}),
        ("exec", {"prompt": "x", "mode": "danger"}),
    ]
    served = []
    async with open_house(tmp_path, lambda _: answers()) as house:
        own = house.loader.snapshot.paths.user / "workflows.d"
        own.mkdir(parents=True)
        steps = "- {tool: think, arguments: {pattern: think}}\n"
        (own / "second.yaml").write_text(steps, encoding="utf-8")
        for tool, arguments in mistakes:
            with pytest.raises(AimuxError) as refused:
                await house.call(tool, **arguments)
            body = house.app.failure(refused.value, tool, arguments).body
            step = body["guidance"]["next"][0]  # type: ignore[index]
            answer = await house.ask(step["tool"], **step["arguments"])
            served.append(answer["status"])

    assert served == ["completed"] * 5 + ["planned"] + ["completed"]
