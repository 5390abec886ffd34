"""The page's paths on the HTTP app: what is open, what is guarded, what the stream says."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import attrs
import orjson
import pytest
import trio
import trio.testing

from aimux.dashboard import Dashboard, Passes
from aimux.testing import Say, Turn
from aimux.transports.network import Annex, Site

from ..engine.house import House, answers, open_house, record
from ..transports.asgi import ADDRESS, CLIENT, TOKEN, Answer, Browser

Clock = trio.testing.MockClock

POLICY = "content-security-policy"
HANG = Turn(says=[Say(record(answer="so far"))], hangs=True)


@attrs.define(eq=False)
class Pages:
    """A site with the page on an engine of fakes."""

    house: House
    dashboard: Dashboard
    browser: Browser

    async def get(self, path: str, **headers: str | None) -> Answer:
        named: Mapping[str, str | None] = {k.replace("_", "-"): v for k, v in headers.items()}
        return await (await self.browser.send("GET", path, headers=named)).wait_over()

    async def asked(self, path: str, **headers: str | None) -> Any:
        """The JSON of an answer that is one."""
        answer = await self.get(f"/dashboard/api/{path}", **headers)
        assert answer.status == 200, bytes(answer.body)
        return orjson.loads(answer.body)

    async def feed(self, query: str = "", **headers: str | None) -> Answer:
        """A stream, while it lasts."""
        named: Mapping[str, str | None] = {k.replace("_", "-"): v for k, v in headers.items()}
        return await self.browser.send("GET", f"/dashboard/api/feed{query}", headers=named)

    async def redeem(self, link_token: object, kind: str = "application/json") -> tuple[int, Any]:
        answer = await self.browser.send(
            "POST",
            "/dashboard/api/session",
            {"link_token": link_token},
            {"authorization": None, "content-type": kind},
        )
        await answer.wait_over()
        return answer.status, orjson.loads(answer.body)


@asynccontextmanager
async def open_pages(root: Path, turns: list[Turn]) -> AsyncIterator[Pages]:
    async with open_house(root, turns) as house, trio.open_nursery() as nursery:
        dashboard = Dashboard(house.app, Passes(TOKEN), CLIENT, instance="i1", endpoint="/mcp")
        annex = Annex(pages=dashboard.pages, guarded=dashboard.guarded, knows=dashboard.knows)

        async def serve(*_: object) -> None:
            await trio.lowlevel.checkpoint()

        site = Site(ADDRESS, "/mcp", serve, CLIENT, nursery, annex=annex)
        await house.app.ready()
        nursery.start_soon(dashboard.serve)
        yield Pages(house, dashboard, Browser(site, cast(Any, house.app), nursery))
        nursery.cancel_scope.cancel()


async def event(answer: Answer) -> tuple[str, Any, str | None]:
    """The next event of a stream: name, body, id."""
    found = await answer.next_event()
    assert found is not None
    return found.event, orjson.loads(found.data), found.event_id


@pytest.mark.requirement("dashboard:policy")
async def test_the_page_is_open_and_says_its_policy(tmp_path: Path, autojump_clock: Clock) -> None:
    """Without a token; each file with the policy, each with a tag that is asked for again."""
    async with open_pages(tmp_path, []) as pages:
        moved = await pages.get("/dashboard", authorization=None)
        page = await pages.get("/dashboard/", authorization=None)
        script = await pages.get("/dashboard/main.js", authorization=None)
        again = await pages.get("/dashboard/main.js", if_none_match=script.headers["etag"])
        gone = await pages.get("/dashboard/../_site.py", authorization=None)
        head = await pages.browser.send("HEAD", "/dashboard/")
        posted = await pages.browser.send("POST", "/dashboard/main.js")
        await head.wait_over()
        await posted.wait_over()

    assert (moved.status, moved.headers["location"]) == (308, "/dashboard/")
    assert (page.status, script.status, gone.status) == (200, 200, 404)
    assert (again.status, bytes(again.body)) == (304, b"")
    assert (head.status, bytes(head.body), posted.status) == (200, b"", 405)
    for each in (page, script, again, gone, moved):
        assert each.headers[POLICY].startswith("default-src 'none'; script-src 'self'")
        assert each.headers["x-content-type-options"] == "nosniff"
    assert b"<script type" in page.body


@pytest.mark.requirement("dashboard:guarded")
@pytest.mark.parametrize(
    "path", ["feed", "jobs", "entries?job=job_1", "entry?job=job_1&seq=1", "timeline", "usage"]
)
async def test_what_jobs_do_is_told_to_who_has_a_credential(
    tmp_path: Path, autojump_clock: Clock, path: str
) -> None:
    """Neither to nobody, nor to a page of another origin, nor under another name."""
    async with open_pages(tmp_path, []) as pages:
        where = f"/dashboard/api/{path}"
        without = await pages.get(where, authorization=None)
        wrong = await pages.get(where, authorization="Bearer aimux-page.9999999999.x.y")
        foreign = await pages.get(where, origin="http://evil.example")
        rebound = await pages.get(where, host="evil.example")

    assert [each.status for each in (without, wrong, foreign, rebound)] == [401, 401, 403, 421]


async def test_a_link_becomes_a_pass_that_opens_everything(
    tmp_path: Path, autojump_clock: Clock
) -> None:
    """Once; what is not a token in JSON is refused with the way out."""
    async with open_pages(tmp_path, []) as pages:
        link_token = pages.dashboard.passes.link_token(trio.current_time())
        as_form = await pages.redeem(link_token, "text/plain")
        status, body = await pages.redeem(link_token)
        again = await pages.redeem(link_token)
        wrong = await pages.redeem("made up")
        nothing = await pages.redeem(7)
        jobs = await pages.asked("jobs", authorization=f"Bearer {body['pass']}")

    assert (status, jobs["rows"]) == (200, [])
    assert (again[0], again[1]["error"]["code"]) == (403, "link_used")
    assert (wrong[0], wrong[1]["error"]["code"]) == (403, "link_unknown")
    assert "aimux dashboard" in again[1]["error"]["hint"]
    assert (as_form[0], nothing[0]) == (400, 400)


async def test_the_stream_begins_with_what_there_is_and_goes_on(
    tmp_path: Path, autojump_clock: Clock
) -> None:
    """The jobs that are there, then each change; it ends with the server."""
    async with open_pages(tmp_path, [answers("hi"), answers("ho")]) as pages:
        done = await pages.house.run("first")
        stream = await pages.feed()
        hello = await event(stream)
        first = await event(stream)
        await pages.house.run("second")
        names = {}
        while names.get("second") != "completed":
            _, body, _ = await event(stream)
            names |= {row["prompt"]: row["status"] for row in body["rows"]}
        pages.dashboard.end()
        await stream.wait_over()

    assert (hello[0], hello[1]["instance"], hello[1]["endpoint"]) == ("hello", "i1", "/mcp")
    assert (first[0], first[1]["is_first"]) == ("rows", True)
    assert [row["id"] for row in first[1]["rows"]] == [done.id]
    assert first[2] is not None
    assert first[2].startswith("i1-")


@pytest.mark.requirement("dashboard:resume")
async def test_a_page_that_comes_back_gets_what_it_missed(
    tmp_path: Path, autojump_clock: Clock
) -> None:
    """Each job once, however long it was away; one of another process begins anew."""
    async with open_pages(tmp_path, [answers("hi"), answers("ho")]) as pages:
        await pages.house.run("first")
        stream = await pages.feed()
        await event(stream)
        _, _, seen = await event(stream)
        stream.hang_up()
        missed = await pages.house.run("missed")
        back = await pages.feed(last_event_id=seen)
        hello, rows = await event(back), await event(back)
        stranger = await pages.feed(last_event_id="i0-1")
        anew, everything = await event(stranger), await event(stranger)

    assert hello[1]["resumed"]
    assert missed.id in [row["id"] for row in rows[1]["rows"]]
    assert "is_first" not in rows[1]
    assert not anew[1]["resumed"]
    assert len(everything[1]["rows"]) == 2


async def test_a_job_is_followed_from_a_number_on(tmp_path: Path, autojump_clock: Clock) -> None:
    """Every entry once, in order, to the end of the job; another one's are not told."""
    async with open_pages(tmp_path, [HANG]) as pages:
        handle = await pages.house.start("go")
        await handle.log.entries.wait_after(3)
        stream = await pages.feed(f"?job={handle.id}&after=2")
        handle.cancel("enough")
        numbers: list[int] = []
        while not handle.done.is_set() or numbers[-1:] != [handle.log.entries.last_seq]:
            name, body, _ = await event(stream)
            if name == "entries":
                numbers += [entry["seq"] for entry in body["entries"]]
        missing = await pages.feed("?job=job_none")
        names = [(await event(missing))[0] for _ in range(3)]

    assert numbers == list(range(3, handle.log.entries.last_seq + 1))
    assert "gone" in names


async def test_entries_turns_and_usage_are_asked_for(tmp_path: Path, autojump_clock: Clock) -> None:
    """In pieces by number, one as a whole, bars, and sums; what is not there is refused."""
    async with open_pages(tmp_path, [answers("hi")]) as pages:
        job = await pages.house.run("first")
        piece = await pages.asked(f"entries?job={job.id}&after=1&limit=2")
        whole = await pages.asked(f"entry?job={job.id}&seq=2")
        bars = await pages.asked(f"timeline?job={job.id}")
        row = await pages.asked(f"jobs?id={job.id}")
        usage = await pages.asked("usage?hours=1")
        api = "/dashboard/api"
        bad = await pages.get(f"{api}/entries?job={job.id}&limit=0")
        gone = await pages.get(f"{api}/entry?job={job.id}&seq=999")
        none = await pages.get(f"{api}/timeline?job=job_none")
        put = await (await pages.browser.send("PUT", f"{api}/jobs")).wait_over()

    assert [each["seq"] for each in piece["entries"]] == [2, 3]
    assert whole["seq"] == 2
    assert [turn["status"] for turn in bars["turns"]] == ["completed"]
    assert row["rows"][0]["id"] == job.id
    assert usage["hours"] == 1
    assert [each.status for each in (bad, gone, none, put)] == [400, 404, 404, 405]
    assert b"not a number from 1 to 2000" in bad.body


async def test_a_question_is_in_the_row_while_it_is_open(
    tmp_path: Path, autojump_clock: Clock
) -> None:
    """A page shows it at once, and no longer than it waits."""
    async with open_pages(tmp_path, [HANG]) as pages:
        handle = await pages.house.start("go")
        await handle.log.entries.wait_after(3)
        stream = await pages.feed()
        question = handle.questions.open("codex", "Go on? [y/n]", turn=1)
        asked: list[Any] = []
        while not asked:
            _, body, _ = await event(stream)
            asked = [row["questions"] for row in body.get("rows", []) if row.get("questions")]
        handle.questions.answer(question.number, "y")
        left: list[Any] = asked
        while left:
            _, body, _ = await event(stream)
            left = [row["questions"] for row in body.get("rows", []) if row.get("questions")]
        handle.cancel("enough")
        await handle.done.wait()

    assert asked[0] == [{"number": 1, "turn": 1, "cli": "codex", "text": "Go on? [y/n]"}]


async def test_an_open_page_counts_as_a_client(tmp_path: Path, autojump_clock: Clock) -> None:
    """So the daemon does not leave while somebody looks."""
    async with open_pages(tmp_path, []) as pages:
        stream = await pages.feed()
        await event(stream)
        during = pages.house.app.clients()
        stream.hang_up()
        await trio.testing.wait_all_tasks_blocked()
        after = pages.house.app.clients()

    assert (during, after) == ({"page": 1}, {})
