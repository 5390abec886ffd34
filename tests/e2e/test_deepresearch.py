"""`deepresearch` through MCP: over the stand-in of the vendor on loopback, and by a CLI without."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trio

from emulators.model_server import ModelServer, serve_model

from ._host import Host, Json, attach, codes, error_of, start_server
from ._stand import Stand

T = TypeVar("T")

KEY = "AIza-test-0123456789-abcdefghijklmnopqrs"


@pytest.fixture
def vendor() -> Iterator[ModelServer]:
    """The stand-in, which takes one key only."""
    with serve_model(key=KEY) as server:
        yield server


@pytest.fixture
def machine(tmp_path: Path, vendor: ModelServer) -> Stand:
    """A machine with one CLI, whose research goes to the stand-in."""
    stand = Stand(root=tmp_path)
    stand.configure(
        server={"log_level": "debug"},
        roles={"research": {"cli": "codex"}},
        research={
            "base_url": vendor.url,
            "poll_seconds": 0.05,
            "request_timeout_seconds": 0.5,
        },
    )
    stand.home.mkdir()
    stand.emulate(["codex"])
    return stand


def play(stand: Stand, scene: Callable[[Host], Awaitable[T]], key: str = KEY) -> T:
    """One server and one client whose environment has the key."""

    async def attached() -> T:
        async with attach(server) as host:
            return await scene(host)

    env = {**stand.env, **({"GEMINI_API_KEY": key} if key else {})}
    with start_server(env, stand.project(), stand.root / "research.stderr") as server:
        return trio.run(attached)


def research(stand: Stand, *calls: Json, key: str = KEY) -> list[Any]:
    """What each of these calls is answered."""

    async def scene(host: Host) -> list[Any]:
        return [await host.call("deepresearch", wait_seconds=60, **call) for call in calls]

    return play(stand, scene, key)


def steps(vendor: ModelServer, what: str) -> list[dict[str, Any]]:
    return [each for each in vendor.requests if each.get("step") == what]


@pytest.mark.requirement("tools:deepresearch")
@pytest.mark.requirement("deepresearch:secret")
@pytest.mark.reaches("deepresearch:completed")
def test_a_report_comes_with_the_pages_it_cites(machine: Stand, vendor: ModelServer) -> None:
    """In the background at the vendor, with its queries and figures; the key is nowhere else."""
    body = research(machine, {"topic": "What do studies say of size?"})[0]

    data = body["data"]
    assert body["status"] == "completed", body["error"]
    assert data["report"] == "Größe zählt.\nTwo sources agree."
    assert [each["url"] for each in data["sources"]] == [
        "https://example.com/1",
        "https://example.com/2",
    ]
    start, end = data["sources"][0]["cited_at"][0]
    assert data["report"][start:end] == "Two sources agree."
    assert "1. [Source 1](https://example.com/1)" in body["content"]
    assert (data["provider"], data["grounded"], data["cached"]) == ("gemini", True, False)
    assert data["queries"] == ["first query"]
    assert body["usage"]["reasoning_tokens"] == 40
    assert [turn["cli"] for turn in body["turns"]] == ["gemini-api"]
    begun = steps(vendor, "begin")[0]
    assert begun["agent"] == "deep-research-preview-04-2026"
    assert begun["background"] is True
    assert begun["interaction"] == data["interaction_id"]
    kept = [each for each in machine.root.rglob("*") if each.is_file()]
    assert [each for each in kept if KEY.encode() in each.read_bytes()] == []
    assert KEY not in str(body)


@pytest.mark.reaches("deepresearch:cached")
def test_an_answer_is_given_again_until_something_differs(
    machine: Stand, vendor: ModelServer
) -> None:
    """By topic, form, model and what is in the files, not where they are; force asks again."""
    notes = machine.project() / "notes.md"
    notes.write_text("one", encoding="utf-8")
    given: Json = {"topic": "What of size?", "files": ["notes.md"]}

    async def scene(host: Host) -> list[Any]:
        calls: list[Json] = [
            given,
            {**given, "topic": " What  of size? "},
            {"topic": given["topic"], "attachments": given["files"], "force": True},
            {**given, "output_format": "table"},
            {**given, "model": "gemini-3-flash"},
        ]
        found: list[Any] = [
            await host.call("deepresearch", wait_seconds=60, **call) for call in calls
        ]
        notes.write_text("two", encoding="utf-8")
        found.append(await host.call("deepresearch", wait_seconds=60, **given))
        (machine.project() / "sub").mkdir()
        notes.rename(machine.project() / "sub" / "notes.md")
        moved = {**given, "files": ["sub/notes.md"]}
        found.append(await host.call("deepresearch", wait_seconds=60, **moved))
        return found

    bodies = play(machine, scene)

    first, again = bodies[:2]
    assert [each["data"]["cached"] for each in bodies] == [
        *(False, True, False, False, False, False, True),
    ]
    assert again["status"] == "completed"
    assert again["turns"] == []
    assert again["data"]["report"] == first["data"]["report"]
    assert again["data"]["sources"] == first["data"]["sources"]
    assert again["data"]["cache_key"] == first["data"]["cache_key"]
    assert again["data"]["age_seconds"] >= 0
    assert "Kept from " in again["content"]
    assert len(steps(vendor, "begin")) == 5
    assert steps(vendor, "begin")[3]["model"] == "gemini-3-flash"


@pytest.mark.requirement("deepresearch:once")
def test_what_is_asked_for_at_once_is_researched_once(machine: Stand, vendor: ModelServer) -> None:
    """Who asks for the same gets that answer, whoever asked first; force asks by itself."""
    call: Json = {"topic": "What of size? [[polls 20]]"}

    async def scene(host: Host) -> list[Any]:
        calls: list[Json] = [call, {"topic": f" {call['topic']}"}, {**call, "force": True}]
        begun = [await host.call("deepresearch", **each, **{"async": True}) for each in calls]
        return [await host.call("status", job_id=e["job_id"], wait_seconds=60) for e in begun]

    bodies = play(machine, scene)

    assert [(each["status"], each["error"]) for each in bodies] == [("completed", None)] * 3
    assert [each["data"]["cached"] for each in bodies] == [False, True, False]
    first, second, forced = (each["data"]["interaction_id"] for each in bodies)
    assert first != forced
    assert second in (first, forced)  # what was kept last
    assert len(steps(vendor, "begin")) == 2


@pytest.mark.requirement("deepresearch:once")
def test_a_cli_is_asked_once_too(machine: Stand) -> None:
    """Where it answers in the vendor's place."""
    call: Json = {"topic": "Why is it so?", "async": True}

    async def scene(host: Host) -> list[Any]:
        begun = [await host.call("deepresearch", **call) for _ in range(3)]
        return [await host.call("status", job_id=e["job_id"], wait_seconds=60) for e in begun]

    bodies = play(machine, scene, key="")

    assert [each["status"] for each in bodies] == ["completed"] * 3
    assert sorted(each["data"]["cached"] for each in bodies) == [False, True, True]
    assert sum(len(each["turns"]) for each in bodies) == 1


def test_answers_are_kept_over_a_restart_and_only_so_long(
    machine: Stand, vendor: ModelServer
) -> None:
    """In the store; with cache_days=0 none is given again."""
    first = research(machine, {"topic": "What of size?"})[0]
    second = research(machine, {"topic": "What of size?"})[0]
    machine.configure(
        research={"base_url": vendor.url, "poll_seconds": 0.05, "cache_days": 0},
    )
    third = research(machine, {"topic": "What of size?"})[0]

    assert [each["data"]["cached"] for each in (first, second, third)] == [False, True, False]


def test_files_go_along_as_they_are(machine: Stand, vendor: ModelServer) -> None:
    """A document with its type and content; its text where it is text."""
    pdf = b"%PDF-1.7\n\xff\x00"
    (machine.project() / "paper.PDF").write_bytes(pdf)
    body = research(machine, {"topic": "What does it say?", "files": ["paper.PDF", "orders.py"]})[0]

    assert body["status"] == "completed"
    assert steps(vendor, "begin")[0]["files"] == [
        {"type": "document", "mime_type": "application/pdf",
         "sha256": hashlib.sha256(pdf).hexdigest()},
    ]  # fmt: skip
    assert [(each["path"], each["mime"]) for each in body["data"]["files"]] == [
        ("paper.PDF", "application/pdf"),
        ("orders.py", "text/plain"),
    ]


def test_files_that_cannot_go_along_are_all_named(machine: Stand, vendor: ModelServer) -> None:
    """Outside, missing, of no known kind, not what their name says; nothing is asked."""
    project = machine.project()
    (machine.root / "secret.txt").write_text("secret", encoding="utf-8")
    (project / "link.txt").symlink_to(machine.root / "secret.txt")
    (project / "a.bin").write_bytes(b"\x00\x01")
    (project / "a.pdf").write_bytes(b"no pdf")
    (project / "empty.txt").write_bytes(b"")
    (project / "large.txt").write_bytes(b"x" * (20 * 2**20 + 1))
    files = ["../secret.txt", "link.txt", "none.txt", "a.bin", "a.pdf", "empty.txt", "large.txt"]
    body = research(machine, {"topic": "t", "files": files})[0]

    assert error_of(body) == ("peer", "invalid_arguments")
    told = body["error"]["problems"]
    assert [each["value"] for each in told] == files
    whys = " ".join(each["expected"] for each in told)
    for why in ("leads out", "no such file", "neither", "not that of a pdf", "empty", "larger"):
        assert why in whys
    assert vendor.requests == []


def test_json_is_looked_into(machine: Stand) -> None:
    """What parses comes as data.json; what does not makes it partial."""
    research_json, prose = research(
        machine,
        {"topic": 'x [[say {"a": 1}]] [[sources 0]]', "output_format": "json"},
        {"topic": "y", "output_format": "json"},
    )

    assert prose["status"] == "partial"
    assert "not_json" in codes(prose)
    assert "not_json" in codes(research_json)  # the stand-in adds a sentence
    assert "not_grounded" in codes(research_json)
    assert research_json["data"]["grounded"] is False


def topics(*said: str) -> list[Json]:
    """A call for each topic."""
    return [{"topic": each} for each in said]


async def asked(host: Host, vendor: ModelServer, said: str) -> tuple[Any, int, int]:
    """The answer, how often it was begun at the vendor, and how often cancelled."""
    before = [len(steps(vendor, what)) for what in ("begin", "cancel")]
    body = await host.call("deepresearch", topic=said, wait_seconds=60)
    begun, cancelled = (
        len(steps(vendor, what)) - count
        for what, count in zip(("begin", "cancel"), before, strict=True)
    )
    return body, begun, cancelled


ENDS = {
    "[[finish failed]]": ("failed", "failed"),
    "[[finish incomplete]] [[say half of it]]": ("partial", "incomplete"),
    "[[finish budget_exceeded]] [[say half of it]]": ("partial", "budget_exceeded"),
    "[[finish budget_exceeded]]": ("failed", "budget_exceeded"),
    "[[finish requires_action]]": ("failed", "requires_action"),
    "[[finish cancelled]]": ("cancelled", "cancelled"),
}


def test_every_end_at_the_vendor_is_told(machine: Stand) -> None:
    """What there is of a report stands, and only what is whole is kept."""
    bodies = research(machine, *topics(*ENDS, *ENDS))

    ends = {
        said: (body["status"], body["error"]["code"], "half of it" in body["content"])
        for said, body in zip(ENDS, bodies, strict=False)
    }
    assert ends == {
        said: (status, code, status == "partial") for said, (status, code) in ENDS.items()
    }
    assert {body["data"]["cached"] for body in bodies[len(ENDS) :]} == {False}


PASSING = {
    "[[behave 429 1]]": "rate_limited",
    "[[midway 500 2]]": "provider_error",
    "[[midway 429 1]]": "rate_limited",
    "[[midway malformed 2]]": "malformed_answer",
    "[[midway hang 1]]": "provider_unreachable",
}


@pytest.mark.requirement("deepresearch:faults")
def test_a_fault_that_passes_is_waited_out(machine: Stand) -> None:
    """429, 500 in mid-run, an answer that is none, no answer: it is asked again, and told."""
    bodies = research(machine, *topics(*PASSING))

    found = {
        said: (body["status"], body["data"]["grounded"], code in codes(body))
        for (said, code), body in zip(PASSING.items(), bodies, strict=True)
    }
    assert found == dict.fromkeys(PASSING, ("completed", True, True))


STAYING = {
    "[[behave 500]]": ("transient", "provider_error"),
    "[[behave malformed]]": ("transient", "malformed_answer"),
    "[[hang]]": ("transient", "provider_unreachable"),
    "[[behave 403]]": ("auth", "auth_failed"),
    "[[behave 404]]": ("model_unavailable", "model_not_found"),
    "[[midway 500]]": ("transient", "provider_error"),
    "[[midway malformed]]": ("transient", "malformed_answer"),
    "[[midway 404]]": ("fatal", "interaction_gone"),
}


@pytest.mark.requirement("deepresearch:faults")
def test_a_fault_that_stays_is_told(machine: Stand, vendor: ModelServer) -> None:
    """With its class; a beginning that may have succeeded is not repeated; all is cancelled."""

    async def scene(host: Host) -> dict[str, object]:
        found: dict[str, object] = {}
        for said in STAYING:
            body, begun, cancelled = await asked(host, vendor, said)
            found[said] = (body["status"], error_of(body), begun, cancelled)
        return found

    assert play(machine, scene) == {
        said: ("failed", told, 1, int("midway" in said)) for said, told in STAYING.items()
    }


def test_a_wrong_key_is_told_and_not_shown(machine: Stand) -> None:
    """As what it is."""
    body = research(machine, {"topic": "t"}, key="AIza-wrong")[0]

    assert error_of(body) == ("auth", "auth_failed")
    assert "GEMINI_API_KEY" in body["error"]["hint"]
    assert "AIza-wrong" not in str(body)


def test_what_never_ends_ends_at_its_deadline(machine: Stand, vendor: ModelServer) -> None:
    """There and here."""
    body = research(machine, {"topic": "[[polls never]]", "timeout_seconds": 0.5})[0]

    assert body["status"] == "timed_out"
    assert [each["reply"] for each in steps(vendor, "cancel")] == ["cancelled"]


def test_a_cancelled_job_is_cancelled_at_the_vendor(machine: Stand, vendor: ModelServer) -> None:
    """And says so."""

    async def scene(host: Host) -> Any:
        begun = await host.call("deepresearch", topic="[[polls never]]", **{"async": True})
        await waiting(vendor)
        await host.call("sessions", action="cancel", job_id=begun["job_id"])
        return await host.call("status", job_id=begun["job_id"], wait_seconds=20)

    body = play(machine, scene)

    assert body["status"] == "cancelled"
    assert [each["reply"] for each in steps(vendor, "cancel")] == ["cancelled"]


async def waiting(vendor: ModelServer) -> None:
    """Return once the vendor was asked how it stands: the id is in the store."""
    with trio.fail_after(20):
        while not steps(vendor, "look"):  # noqa: ASYNC110  # it is in another thread
            await trio.sleep(0.02)


@pytest.mark.requirement("deepresearch:restart")
def test_killed_in_mid_run_it_is_gone_on_with(machine: Stand, vendor: ModelServer) -> None:
    """The next server begins nothing anew, and reports under the same id."""

    known: dict[str, str] = {}

    async def first(host: Host) -> None:
        call = {"topic": "[[polls 40]]", "async": True, "timeout_seconds": 60}
        known["job_id"] = str((await host.call("deepresearch", **call))["job_id"])
        await waiting(vendor)
        host.server.process.kill()

    with pytest.raises(AssertionError):  # it did not leave with 0
        play(machine, first)

    async def second(host: Host) -> Any:
        return await host.call("status", job_id=known["job_id"], wait_seconds=40)

    body = play(machine, second)

    assert body["status"] == "completed", body["error"]
    assert body["data"]["report"].endswith("Two sources agree.")
    assert body["data"]["interaction_id"] == steps(vendor, "begin")[0]["interaction"]
    assert len(body["turns"]) == 1
    assert len(steps(vendor, "begin")) == 1
    assert steps(vendor, "cancel") == []


@pytest.mark.requirement("deepresearch:restart")
def test_a_step_of_a_killed_workflow_is_gone_on_with_and_paid_once(
    machine: Stand, vendor: ModelServer
) -> None:
    """The workflow is aborted and says so; resumed, it is given the answer of its step."""
    steps_of: Json = {
        "steps": [
            {"id": "find", "tool": "deepresearch", "arguments": {"topic": "[[polls 30]]"}},
            {"id": "tell", "tool": "think", "arguments": {"thought": "{{find.content}}"}},
        ]
    }
    known: dict[str, str] = {}

    async def first(host: Host) -> None:
        begun = await host.call("workflow", **steps_of, **{"async": True})
        known["workflow"] = str(begun["job_id"])
        await waiting(vendor)
        host.server.process.kill()

    with pytest.raises(AssertionError):  # it did not leave with 0
        play(machine, first)

    async def second(host: Host) -> tuple[Any, Any, Any]:
        aborted = await host.call("status", job_id=known["workflow"])
        read = await host.answer(await host.post("resources/read", {"uri": "aimux://jobs"}))
        listed = json.loads(read["result"]["contents"][0]["text"])["jobs"]  # type: ignore[index]
        (step,) = [each for each in listed if each["parent_id"] == known["workflow"]]
        ended = await host.call("status", job_id=step["id"], wait_seconds=40)
        again = await host.call(
            "workflow", **steps_of, resume_from=known["workflow"], wait_seconds=40
        )
        return aborted, ended, again

    aborted, ended, again = play(machine, second)

    assert (aborted["status"], error_of(aborted)[1]) == ("aborted", "aborted")
    assert ended["status"] == "completed", ended["error"]
    assert again["status"] == "completed", again["error"]
    assert [each["status"] for each in again["data"]["steps"]] == ["completed", "completed"]
    assert len(steps(vendor, "begin")) == 1


@pytest.mark.requirement("tools:deepresearch")
@pytest.mark.reaches("deepresearch:fallback")
def test_without_a_key_a_cli_answers_and_says_so(machine: Stand, vendor: ModelServer) -> None:
    """By the role research, with the files to read; it is told what to set for the real thing."""
    machine.emulate(["codex"], script=[{"when": "Why is it so?", "say": "It is known to be so."}])
    call: Json = {"topic": "Why is it so?", "files": ["orders.py"], "model": "m"}
    body, again = research(machine, call, call, key="")
    real = research(machine, {"topic": "Why is it so?", "files": ["orders.py"]})[0]

    data = body["data"]
    assert body["status"] == "completed"
    assert body["cli"] == "codex"
    assert (data["provider"], data["fallback_cli"], data["grounded"]) == (
        "fallback", "codex", False,
    )  # fmt: skip
    assert data["sources"] == []
    assert data["report"].startswith("It is known to be so.")
    assert {"no_vendor", "model_ignored"} <= codes(body)
    told = next(each for each in body["warnings"] if each["code"] == "no_vendor")
    assert "GEMINI_API_KEY or GOOGLE_API_KEY" in told["message"]
    assert again["data"]["cached"] is True
    assert real["data"]["provider"] == "gemini"
    assert len(steps(vendor, "begin")) == 1
