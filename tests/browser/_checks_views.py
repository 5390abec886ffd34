"""Each view with real work in it, with a picture of each; what can be done there is done."""

import trio

from ._cdp import Page
from ._checks_access import LAST
from ._scene import Scene

ASKING = {"prompt": "[[fault ask 1]] [[say 20]]", "cli": "goose", "tty": True, "async": True}
SLEEPING = {"prompt": "[[sleep 600]] [[say 20]]", "cli": "codex", "async": True}
HUGE = {"prompt": "[[say 1048576]]", "cli": "codex", "wait_seconds": 60, "max_chars": 100}


async def _clean(page: Page) -> None:
    """Nothing went wrong in the page, and nothing of the answers came to life."""
    assert page.faults == [], page.faults
    assert await page.run("window.pwned") is None
    assert [each for each in page.requests if "127.0.0.1" not in each] == []


async def check_waiting(scene: Scene) -> None:
    """Questions, approvals, failed and paused jobs first; title and icon say how many."""
    await scene.stage.call("asking", "exec", **ASKING)
    await scene.stage.call("sleeping", "exec", **SLEEPING)
    page = await scene.at("/", "asks for approval")
    await page.sees("Paused")
    await page.sees("Failed")
    assert await page.run("document.title") == "(3) waits \N{EN DASH} aimux"
    assert await page.run("document.getElementById('icon').href.endsWith('icon-waiting.svg')")
    await scene.shot(page, "waiting")
    await _clean(page)


async def check_answer(scene: Scene) -> None:
    """A question is answered from the page; the CLI gets what was typed."""
    page = await scene.at("/", "asks for approval")
    await page.fill(".answer input", "yes please")
    await page.click(".answer button", "Send")
    await page.sees("answered")
    job_id = scene.stage.id_of("asking")
    done = await scene.stage.call("asked", "status", job_id=job_id, wait_seconds=30)
    assert "Typed: yes please" in done["content"], done


async def check_jobs(scene: Scene) -> None:
    """All jobs as a tree with bars; the first cause of a failure apart from what followed."""
    page = await scene.at("/jobs", "workflow")
    await page.sees("first cause")
    await page.sees("consequence")
    await page.run(
        "[...document.querySelectorAll('.job-row')]"
        ".find((e) => e.textContent.includes('consensus')).querySelector('.fold').click()"
    )
    await page.until("document.querySelectorAll('.turn-row').length >= 4")
    await scene.shot(page, "jobs")
    await page.fill("#filter", "debate")
    await page.until("document.querySelectorAll('.all > .job-row').length === 1")
    await scene.shot(page, "jobs-filtered")
    await page.run("document.querySelector('#filter').select()")
    await page.send("Input.dispatchKeyEvent", type="keyDown", key="Backspace",
                    windowsVirtualKeyCode=8)  # fmt: skip
    await page.until("document.querySelectorAll('.all > .job-row').length > 5")
    await _clean(page)


async def check_several_at_once(scene: Scene) -> None:
    """Running jobs are chosen and cancelled together, after asking once more; one is retried."""
    for number in range(2):
        await scene.stage.call(f"many{number}", "exec", **SLEEPING)
    page = await scene.at("/jobs", "running")
    await page.until("document.querySelectorAll('.job-row .tone-work').length >= 3")
    await page.run(
        "[...document.querySelectorAll('.job-row')]"
        ".filter((e) => e.textContent.includes('sleep 600') && e.textContent.includes('running'))"
        ".slice(0, 2)"
        ".forEach((e) => e.querySelector('input').click())"
    )
    await page.click(".chosen button", "Cancel 2")
    await page.click(".chosen button", "Really cancel 2?")
    await page.sees("2 jobs cancelled")
    await page.until(
        "[...document.querySelectorAll('.job-row')]"
        ".filter((e) => e.textContent.includes('cancelled')).length >= 2"
    )
    await scene.shot(page, "several")
    for name in ("many0", "many1"):
        body = await scene.stage.call("seen", "status", job_id=scene.stage.id_of(name))
        assert body["status"] == "cancelled", body
    page = await scene.at(f"/job/{scene.stage.id_of('exec')}", "What I found")
    before = await page.run("location.hash")
    await page.click(".actions button", "Retry")
    await page.until(f"location.hash !== {before!r} && location.hash.includes('job_')")
    await page.sees("completed", 60)


async def check_strategies(scene: Scene) -> None:
    """Each strategy in its own form."""
    for name, texts in (
        ("exec", ("What I found", "import functools", "cache")),
        ("consensus", ("Positions", "Minority", "✗ lost", "67 % agree")),
        ("debate", ("Verdict: pro", "Transcript", "quote not found", "Closings")),
        ("dialog", ("ended by", "blocking point")),
        ("audit", ("2 P1", "reads past the end", "? not verified")),
        ("pair", ("✓ approved", "✓ landed", "Round 1", "code 0")),
        ("workflow", ("can go on from step", "skipped", "first cause")),
        ("investigation", ("Coverage", "quote found", "no such file")),
        ("failed", ("first cause", "INVALID_ARGUMENT")),
    ):
        page = await scene.at(f"/job/{scene.stage.id_of(name)}", texts[0])
        for text in texts[1:]:
            await page.sees(text)
        await scene.shot(page, f"job-{name}")
        await page.run(
            "document.querySelectorAll('.strategy details').forEach((e) => e.open = true)"
        )
        await page.run("document.querySelector('main').scrollTop = 500")
        await scene.shot(page, f"job-{name}-open")
        await _clean(page)


async def check_tabs(scene: Scene) -> None:
    """Turns over time, changes by hunk, usage; keys 1 to 5 lead there."""
    page = await scene.at(f"/job/{scene.stage.id_of('consensus')}", "Positions")
    await page.key("2")
    await page.sees("waits for a slot")
    await page.sees("first cause")
    await scene.shot(page, "tab-turns")
    page = await scene.at(f"/job/{scene.stage.id_of('pair')}/changes", "hunk 0")
    await page.sees("✓ approved")
    await scene.shot(page, "tab-changes")
    page = await scene.at(f"/job/{scene.stage.id_of('debate')}/usage", "together")
    await scene.shot(page, "tab-usage")
    await _clean(page)


async def check_log(scene: Scene) -> None:
    """Events, one of them whole; a text is found, an expression too, a bad one is told."""
    page = await scene.at(f"/job/{scene.stage.id_of('consensus')}/log", "started (read)")
    await page.fill("#log-search", "codex medium STARTED")
    await page.click(".log form button", "Search")
    await page.sees("1 of 1", 60)
    await page.run("document.querySelector('#log-search').select()")
    await page.fill("#log-search", "gem.ni (started|left)")
    await page.click(".log label", "expression")
    await page.click(".log form button", "Search")
    await page.sees("1 of 1", 60)
    await scene.shot(page, "log-search")
    await page.run("document.querySelector('#log-search').select()")
    await page.fill("#log-search", "((")
    await page.click(".log form button", "Search")
    await page.sees("not a regular expression", 60)
    await page.click(".log-row button", "2")
    await page.until("Boolean(document.querySelector('.whole pre'))")
    await scene.shot(page, "log-entry")
    await _clean(page)


async def check_live(scene: Scene) -> None:
    """A running job: its bar grows, its log follows, it is killed from here."""
    body = await scene.stage.call("drip", "exec", **{
        "prompt": "[[fault drip 0.4]] [[parts one|two|three|four|five|six|seven]]", "cli": "claude",
        "async": True})  # fmt: skip
    page = await scene.at(f"/job/{body['job_id']}/log", "Live text")
    await page.until("document.querySelectorAll('.log-row').length > 6", 60)
    await scene.shot(page, "live-log")
    page = await scene.at(f"/job/{scene.stage.id_of('sleeping')}/time", "still running")
    first = await page.run("document.querySelector('.wf-turn .wf-row > :last-child').textContent")
    await page.until(
        f"document.querySelector('.wf-turn .wf-row > :last-child').textContent !== {first!r}"
    )
    await scene.shot(page, "live-turns")
    await page.click(".actions button", "Kill")
    await page.click(".actions button", "Really kill?")
    await page.sees("1 job killed")
    await page.sees("cancelled")


async def check_hostile(scene: Scene) -> str:
    """Script, style, links, bidi, escapes and a line of 1 MB: shown, and harmless."""
    page = await scene.at(f"/job/{scene.stage.id_of('hostile')}", "Hello <script>")
    await page.sees("⟨U+202E⟩evil")
    await page.sees("click me (javascript:window.pwned=3)")
    links = await page.run(
        "[...document.querySelectorAll('.markdown a')].map((e) => [e.protocol, e.rel])"
    )
    assert links
    assert {each[0] for each in links} <= {"http:", "https:"}
    assert all("noopener" in each[1] for each in links)
    tags = "document.querySelectorAll('#app script, #app style, #app img, #app iframe').length"
    assert await page.run(tags) == 0
    await scene.shot(page, "hostile")
    await page.click("button", "Source")
    await scene.shot(page, "hostile-source")
    await _clean(page)
    body = await scene.stage.call("huge", "exec", **HUGE)
    begun = trio.current_time()
    page = await scene.at(f"/job/{body['job_id']}", "more characters")
    took_s = trio.current_time() - begun
    await scene.shot(page, "huge")
    page = await scene.at(f"/job/{body['job_id']}/log", "more characters")
    await _clean(page)
    return f"1 MB shown after {took_s:.1f} s"


async def check_clis(scene: Scene) -> None:
    """State, breaker and quota clocks, percentiles, classes of errors, plots by CLI and model."""
    quota = {"prompt": "[[fault quota]]", "cli": "gemini", "wait_seconds": 60}
    await scene.stage.call("quota", "exec", **quota)
    page = await scene.at("/clis", "Over time")
    await page.sees("free in")
    await page.sees("p90")
    await page.until("Boolean(document.querySelector('.plot canvas'))")
    await scene.shot(page, "clis")
    await page.run(
        "{const s = document.querySelectorAll('.plots select'); s[1].value = 'model';"
        " s[1].dispatchEvent(new Event('change', {bubbles: true}));"
        " s[2].value = '1'; s[2].dispatchEvent(new Event('change', {bubbles: true}));"
        " document.querySelector('main').scrollTop = 9999; 1}"
    )
    await page.sees("claude-opus")
    await page.run("document.querySelector('.plots').scrollIntoView(false)")
    await scene.shot(page, "clis-by-model")
    await _clean(page)


async def check_investigations(scene: Scene) -> None:
    """A list of them, and one with its coverage."""
    page = await scene.at("/investigations", "Why is the order total slow?")
    await scene.shot(page, "investigations")
    await page.click(".card a", "Why is")
    await page.sees("Coverage")
    await scene.shot(page, "investigation")
    await _clean(page)


async def check_looks(scene: Scene) -> None:
    """Dark, narrow, and the list of keys; no side scrolls on a phone."""
    page = await scene.fresh()
    await page.media(prefers_color_scheme="dark")
    for path, name, sees in (
        ("/", "waiting", "Failed"), ("/jobs", "jobs", "debate"), ("/clis", "clis", "read mode"),
        (f"/job/{scene.stage.id_of('consensus')}", "consensus", "Positions"),
        (f"/job/{scene.stage.id_of('workflow')}", "workflow", "skipped"),
        (f"/job/{scene.stage.id_of('pair')}/changes", "changes", "hunk 0"),
    ):  # fmt: skip
        await page.run(f"location.hash = '#{path}'")
        await page.sees(sees)
        await trio.sleep(0.3)
        await scene.shot(page, f"dark-{name}")
    await page.key("?")
    await page.sees("next, previous job")
    await scene.shot(page, "dark-keys")
    await page.key("Escape")
    await page.media(prefers_color_scheme="light")
    await page.resize(390, 780, is_mobile=True)
    for path, name, sees in (
        ("/", "waiting", "Failed"), ("/jobs", "jobs", "debate"), ("/clis", "clis", "read mode"),
        (f"/job/{scene.stage.id_of('debate')}", "debate", "Verdict"),
        (f"/job/{scene.stage.id_of('consensus')}/time", "turns", "still running"),
        (f"/job/{scene.stage.id_of('consensus')}/log", "log", "started"),
    ):  # fmt: skip
        await page.run(f"location.hash = '#{path}'")
        await page.sees(sees)
        await trio.sleep(0.3)
        await scene.shot(page, f"narrow-{name}")
        wide = await page.run("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, (name, wide)
    await _clean(page)
    await page.close()


async def check_keyboard(scene: Scene) -> None:
    """Views, rows and a job by keys alone."""
    page = await scene.at("/", "Waiting for you")
    await page.key("g")
    await page.sees("CLI, model")
    await page.run("document.querySelector('.scroller.jobs').focus()")
    for _ in range(2):
        await page.key("j")
    await page.key("k")
    assert await page.run("[...document.querySelectorAll('.job-row')].filter((e) => e.classList"
                          ".contains('is-at')).length") == 1  # fmt: skip
    await page.key("x")
    await page.sees("1 job chosen")
    await page.key("x")
    await page.key("Enter")
    await page.until("location.hash.startsWith('#/job/')")
    await page.key("u")
    await page.until("location.hash === '#/jobs'")
    await page.key("/")
    await page.until("document.activeElement.id === 'filter'")
    await page.key("Escape")
    await page.key("t")
    await page.until("document.documentElement.dataset.theme === 'light'")
    await page.key("t")
    await page.key("t")


CHECKS = (
    check_waiting, check_answer, check_jobs, check_strategies, check_tabs, check_log,
    check_several_at_once, check_live, check_hostile, check_clis, check_investigations,
    check_looks, check_keyboard, *LAST,
)  # fmt: skip
