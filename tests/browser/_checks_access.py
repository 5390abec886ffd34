"""Who is let in: links used, wrong, old and missing; other origins; a daemon that comes back."""

import json

import trio

from ._cdp import PageFault
from ._scene import Scene

ORIGIN = "http://evil.example"


async def check_no_link(scene: Scene) -> None:
    """Without a link the page says what to do, and shows nothing."""
    url = (await scene.link()).partition("#")[0]
    page = await scene.browser.page(context=await scene.browser.context())
    await page.goto(url)
    await page.sees("A link is needed")
    await page.sees("aimux dashboard")
    await scene.shot(page, "access-no-link")
    assert "codex" not in await page.run("document.body.innerText")
    await page.close()


async def check_wrong_link(scene: Scene) -> None:
    """A link that was never made."""
    url = (await scene.link()).partition("#")[0]
    page = await scene.browser.page(context=await scene.browser.context())
    await page.goto(f"{url}#link=abcdefgh")
    await page.sees("This link is not known here")
    await scene.shot(page, "access-wrong-link")
    await page.close()


async def check_used_link(scene: Scene) -> None:
    """The second who follows a link is told so; its token is not left in the address."""
    url = await scene.link()
    first = await scene.fresh(url=url)
    assert "#link=" not in await first.run("location.href")
    second = await scene.browser.page(context=await scene.browser.context())
    await second.goto(url)
    await second.sees("This link has been used already")
    await scene.shot(second, "access-used-link")
    await second.close()
    await first.close()


async def check_pass_over(scene: Scene) -> None:
    """A pass that is over, or was changed, asks for a link again."""
    page = await scene.fresh()
    await page.run("sessionStorage.setItem('aimux.pass', 'aimux-page.1.AAAA.' + 'B'.repeat(43))")
    await page.send("Page.reload")
    await page.sees("Your visit is over")
    await scene.shot(page, "access-pass-over")
    await page.close()


async def check_other_tab(scene: Scene) -> None:
    """A link to a job opens in another tab of the same browser."""
    page = await scene.page()
    context = await scene.browser.context()
    first = await scene.browser.page(context=context)
    await first.goto(await scene.link())
    await first.sees("● live", 60)
    base = (await page.run("location.href")).partition("#")[0]
    second = await scene.browser.page(context=context)
    await second.goto(f"{base}#/job/{scene.stage.id_of('exec')}")
    await second.sees("What I found", 60)
    await second.close()
    await first.close()


async def check_http_access(scene: Scene) -> str:
    """Other origins, other hosts, no token and a wrong one are refused; files say their policy."""
    feed = "/dashboard/api/feed"
    statuses = {
        "page": (await scene.http("/dashboard/"))[0],
        "page, other origin": (await scene.http("/dashboard/", Origin=ORIGIN))[0],
        "page, other host": (await scene.http("/dashboard/", Host="evil.example"))[0],
        "feed, no token": (await scene.http(feed))[0],
        "feed, wrong token": (await scene.http(feed, Authorization="Bearer no"))[0],
        "feed, other origin": (await scene.http(feed, Origin=ORIGIN))[0],
        "jobs, no token": (await scene.http("/dashboard/api/jobs"))[0],
        "tools, no token": (await scene.http("/mcp", method="POST", body={}))[0],
        "link of a form": (
            await scene.http(
                "/dashboard/api/session", method="POST", body={"link_token": "x"},
                Content_Type="text/plain",
            )
        )[0],
        "link, other origin": (
            await scene.http(
                "/dashboard/api/session", method="POST", body={"link_token": "x"}, Origin=ORIGIN,
                Content_Type="application/json",
            )
        )[0],
    }  # fmt: skip
    assert statuses == {
        "page": 200, "page, other origin": 403, "page, other host": 421, "feed, no token": 401,
        "feed, wrong token": 401, "feed, other origin": 403, "jobs, no token": 401,
        "tools, no token": 401, "link of a form": 400, "link, other origin": 403,
    }, statuses  # fmt: skip
    policy = (await scene.http("/dashboard/"))[1]["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    return f"{len(statuses)} requests"


async def check_policy_holds(scene: Scene) -> None:
    """Script and style from within are refused by the browser itself."""
    page = await scene.fresh()
    await page.run(
        """{const s = document.createElement('style'); s.textContent = 'body{opacity:.5}';
        document.head.append(s); const e = document.createElement('div');
        e.setAttribute('style', 'color: red'); document.body.append(e); 1}"""
    )
    assert await page.run("getComputedStyle(document.body).opacity") == "1"
    for code in (
        "eval('1')",
        "document.body.innerHTML = '<b>x</b>'",
        "new Worker('data:text/javascript,1')",
    ):
        tried = f"(() => {{ try {{ {code}; return '' }} catch (e) {{ return e.name }} }})()"
        refused = await page.run(tried)
        assert refused in {"EvalError", "TypeError", "SecurityError"}, (code, refused)
    await page.close()


async def check_restart(scene: Scene) -> str:
    """The page says that the daemon is away, and goes on by itself when it is back."""
    page = await scene.fresh()
    before = await page.run("document.body.innerText.length")
    await page.run("location.hash = '#/jobs'")
    await page.sees("workflow")
    begun = trio.current_time()
    await trio.to_thread.run_sync(scene.stage.aimux, "daemon", "restart")
    for _ in range(3):
        try:
            await page.sees("lost", 5)
            break
        except PageFault:  # it was back before anybody could see it
            break
    await page.sees("● live", 60)
    took_s = trio.current_time() - begun
    await page.sees("consensus")
    assert before
    await page.close()
    return f"live again after {took_s:.1f} s"


async def check_daemon_gone(scene: Scene) -> None:
    """With no daemon the page says what starts it, and comes back with the pass that it has."""
    page = await scene.fresh()
    await trio.to_thread.run_sync(scene.stage.aimux, "daemon", "stop")
    await page.sees("lost, trying again")
    await page.sees("aimux dashboard starts the daemon", 30)
    await scene.shot(page, "daemon-gone")
    await scene.link()  # the same port, the same token
    await page.sees("● live", 60)
    await page.close()


async def check_two_tabs_hear(scene: Scene) -> str:
    """What one client begins, every open page shows; a resumed page misses nothing."""
    page = await scene.fresh()
    await page.run("location.hash = '#/jobs'")
    await page.sees("workflow")
    count = await page.run("document.querySelectorAll('.job-row[role=row]').length")
    body = await scene.stage.call("late", "exec", prompt="tell me in Markdown", cli="claude",
                                  wait_seconds=30)  # fmt: skip
    await page.until(f"document.querySelectorAll('.job-row[role=row]').length > {count}")
    await page.run(f"location.hash = '#/job/{body['job_id']}'")
    await page.sees("completed")
    await page.close()
    return json.dumps(body["status"])


CHECKS = (
    check_no_link,
    check_wrong_link,
    check_used_link,
    check_pass_over,
    check_other_tab,
    check_http_access,
    check_policy_holds,
    check_two_tabs_hear,
)
LAST = (check_restart, check_daemon_gone)
