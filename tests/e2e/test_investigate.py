"""`investigate` through MCP: to the report, across a restart and clients, and by CLIs."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trio

from ._host import Host, Json, attach, start_server
from ._stand import Stand

T = TypeVar("T")

SOURCE = """\
def total(orders):
    result = 0
    for order in orders:
        result += price(order)
    return result


def price(order):
    try:
        return load(order)["price"]
    except Exception:
        pass


def load(order):
    return DATABASE.query("select * from orders where id = " + order)


CACHE = {}
TIMEOUT_S = 9999
"""
QUOTES = {
    "cpu_hotspots": ("Every order is priced anew in the loop", 4, "result += price(order)"),
    "memory_allocation": ("CACHE grows without a limit", 19, "CACHE = {}"),
    "io_bottlenecks": ("Each price reads the database", 10, 'return load(order)["price"]'),
    "database_queries": ("One query is sent per order", 16, "select * from orders where id"),
    "network_calls": ("A dead database is waited for two hours", 20, "TIMEOUT_S = 9999"),
    "concurrency": ("Orders are priced one after the other", 3, "for order in orders:"),
    "caching": ("The cache is never read", 19, "CACHE = {}"),
    "algorithm_complexity": ("Pricing is linear in the orders", 1, "def total(orders):"),
}


def play(stand: Stand, project: Path, scene: Callable[[Host], Awaitable[T]]) -> T:
    """One server and one client, from start to end."""

    async def attached() -> T:
        async with attach(server) as host:
            return await scene(host)

    with start_server(stand.env, project, stand.root / "investigate.stderr") as server:
        return trio.run(attached)


def make_project(stand: Stand, name: str) -> Path:
    project = stand.project(name)
    (project / "shop.py").write_text(SOURCE, encoding="utf-8")
    return project


async def ask(host: Host, action: str, **arguments: object) -> Any:
    """The result of an action; what its envelope says is next can be sent as it stands."""
    body = await host.call("investigate", action=action, **arguments)
    assert body.get("error") is None, body
    assert body["guidance"]["next"]  # type: ignore[index]
    return body["result"]


async def found(host: Host, inv: str, area: str, **more: object) -> Any:
    said, line, quote = QUOTES[area]
    return await ask(
        host,
        "finding",
        **{
            "session_id": inv,
            "description": said,
            "source": f"shop.py:{line}",
            "evidence": [{"path": "shop.py", "line": line, "quote": quote}],
            "severity": "P2",
            "confidence": "VERIFIED",
            "coverage_area": area,
            **more,
        },
    )


@pytest.mark.requirement("investigate:whole")
@pytest.mark.requirement("investigate:restart")
@pytest.mark.requirement("investigate:recall")
@pytest.mark.reaches("investigate:report_ready")
def test_twelve_findings_two_corrections_and_a_false_place_to_the_report(stand: Stand) -> None:
    """With a restart in the middle; afterwards another client recalls it, another project not."""
    project = make_project(stand, "shop")

    async def first(host: Host) -> tuple[str, Json, Any, Any]:
        body = await host.call(
            "investigate", question="Why is the order total slow?", max_iterations=3
        )
        inv = body["result"]["session_id"]  # type: ignore[index]
        for area in list(QUOTES)[:7]:
            await found(host, inv, area)
        false = await ask(
            host,
            "finding",
            session_id=inv,
            description="Pricing sorts the orders every time",
            source="shop.py:4711",
            confidence="VERIFIED",
            coverage_area="algorithm_complexity",
        )
        assessed = await ask(host, "assess", session_id=inv)
        return inv, body, false, assessed

    inv, begun, false, early = play(stand, project, first)

    async def second(host: Host) -> tuple[Any, Any, Any, Any]:
        kept = await ask(host, "status", session_id=inv)
        ids = {each["description"]: each["finding_id"] for each in kept["findings"]}
        again = await found(
            host, inv, "algorithm_complexity", corrects=ids["Pricing sorts the orders every time"]
        )
        await found(
            host,
            inv,
            "caching",
            description="The cache is read nowhere and written nowhere",
            corrects=ids["The cache is never read"],
        )
        settling = await ask(host, "assess", session_id=inv)
        for said, line, area in [
            ("An error of pricing becomes no price at all", 11, "io_bottlenecks"),
            ("The query is put together from text", 16, "database_queries"),
        ]:
            await ask(
                host,
                "finding",
                session_id=inv,
                description=said,
                source=f"shop.py:{line}",
                severity="P1",
                confidence="VERIFIED",
                coverage_area=area,
            )
        settled = await ask(host, "assess", session_id=inv)
        report = await ask(host, "report", session_id=inv, cwd=str(project))
        return again, settling, settled, report

    again, settling, settled, report = play(stand, project, second)

    async def recalled(host: Host) -> Any:
        return await ask(host, "recall", question="uncached order totals")

    async def elsewhere(host: Host) -> tuple[Any, Any]:
        body = await host.call("investigate", action="recall", question="order totals")
        wide = await ask(host, "recall", question="order totals", all_projects=True)
        return body["result"], wide

    mine = play(stand, project, recalled)
    theirs, wide = play(stand, make_project(stand, "other"), elsewhere)

    assert begun["guidance"]["next"][0]["arguments"] == {  # type: ignore[index]
        "action": "auto",
        "session_id": inv,
    }
    assert (false["confidence"], false["evidence"][0]["verified"]) == ("INFERRED", False)
    assert early["recommendation"] == "CONTINUE"
    assert early["refuted_areas"] == ["algorithm_complexity"]
    assert again["correction"]["original_claim"] == "Pricing sorts the orders every time"
    assert (settling["convergence_score"], settling["new_corrections"]) == (0.0, 2)
    assert (settled["convergence_score"], settled["coverage_score"]) == (1.0, 1.0)
    assert settled["recommendation"] == "COMPLETE"
    assert (report["gate"], report["findings_count"], report["corrections_count"]) == (
        "report_ready",
        12,
        2,
    )
    text = Path(report["saved_to"]).read_text(encoding="utf-8")
    assert text == report["report"]
    assert "shop.py:4711 (NOT VERIFIED: the file has 20 lines)" in text
    assert text.count("~~") == 4
    assert mine["matches"][0]["session_id"] == inv
    assert mine["filename"] == report["saved_to"]
    assert (theirs["found"], theirs["available_topics"]) == (False, [])
    assert wide["matches"][0]["session_id"] == inv


@pytest.mark.requirement("investigate:auto")
@pytest.mark.reaches("investigate:delegate_completed")
def test_clis_look_into_it_and_what_they_say_becomes_theirs(stand: Stand) -> None:
    """Each finding has its CLI; a place that is not there is told; it ends when nothing comes."""
    project = make_project(stand, "looked")
    good = {
        "description": "Every order is priced anew in the loop",
        "severity": "P1",
        "confidence": "VERIFIED",
        "source": "shop.py",
        "evidence": [{"path": "shop.py", "line": 4, "quote": "result += price(order)"}],
    }
    bad = {**good, "description": "A lock is held during pricing", "severity": "P2"}
    bad["evidence"] = [{"path": "locks.py", "line": 3, "quote": "with lock: price(order)"}]
    stand.emulate(["codex"], directives=f"[[json {json.dumps({'findings': [good]})}]]")
    stand.emulate(["gemini"], directives=f"[[json {json.dumps({'findings': [bad]})}]]")

    async def scene(host: Host) -> tuple[Json, Any, Json]:
        body = await host.call(
            "investigate",
            question="Why is the order total slow?",
            action="auto",
            clis=["codex", "gemini"],
            wait_seconds=60,
        )
        inv = body["result"]["session_id"]  # type: ignore[index]
        status = await ask(host, "status", session_id=inv)
        job = await host.call("status", job_id=body["job_id"])
        return body, status, job

    body, status, job = play(stand, project, scene)
    stand.emulate()

    assert (body["state"], body["status"]) == ("delegate_completed", "completed"), body
    assert body["result"]["data"]["stop_reason"] == "idle"  # type: ignore[index]
    assert {each["by"]: each["confidence"] for each in status["findings"]} == {
        "codex": "VERIFIED",
        "gemini": "INFERRED",
    }
    assert "locks.py" in str(body["result"]["content"])  # type: ignore[index]
    assert job["data"]["investigation_id"] == status["session_id"]  # type: ignore[index]
    assert stand.survivors() == {}
