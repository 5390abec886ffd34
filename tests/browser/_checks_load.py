"""Ten thousand jobs in the store, one of a hundred thousand events: time, frames and memory.

What a frame takes is measured twice: by the clock, and by the processor time of the page's main
thread. On a machine that others keep busy only the second tells something about the page.
"""

import os

from ._cdp import Page
from ._load import LONG
from ._scene import Scene

FIRST_S = 1.0
FRAME_MS = 50.0
HEAP_MB = 150.0
BUSY = 1.5  # processes that want to run, for each processor, of others
SCROLL = """(async (selector) => {
  const box = document.querySelector(selector); const times = [];
  box.scrollTop = 0; await new Promise(r => setTimeout(r, 300)); let last = performance.now();
  for (let n = 0; n < 200; n += 1) {
    box.scrollTop += n % 40 === 39 ? box.scrollHeight / 6 : 160;
    await new Promise(r => requestAnimationFrame(r));
    const now = performance.now(); times.push(now - last); last = now;
  }
  times.sort((a, b) => a - b);
  return { p50: times[100], p95: times[190], max: times[199] };
})"""


def is_busy() -> bool:
    """Whether other processes keep the machine from answering at once."""
    return os.getloadavg()[0] / (os.cpu_count() or 1) > BUSY


async def _thread_s(page: Page) -> float:
    found = (await page.send("Performance.getMetrics"))["metrics"]
    return next(float(each["value"]) for each in found if each["name"] == "ThreadTime")


async def _scrolled(page: Page, selector: str) -> str:
    before = await _thread_s(page)
    times = await page.run(f"{SCROLL}({selector!r})")
    cpu_ms = (await _thread_s(page) - before) / 200 * 1000
    busy = is_busy()
    said = (
        f"p50 {times['p50']:.0f} ms, p95 {times['p95']:.0f} ms, {cpu_ms:.1f} ms of processor"
        f" a frame{', busy machine' if busy else ''}"
    )
    assert times["p95"] < FRAME_MS or (busy and cpu_ms < FRAME_MS / 2), said
    return said


async def check_first_view(scene: Scene) -> str:
    """What waits is there within a second; measured from a reload, in the page's own time."""
    page = await scene.page()
    best = 1e9
    for _ in range(3):
        await page.send("Page.reload")
        await page.until(
            "performance.now() < 60000 && document.body.innerText.includes('Failed')", 60
        )
        shown = "performance.getEntriesByName('first view')[0]?.startTime"
        best = min(best, await page.until(shown) / 1000)
    assert best < FIRST_S or is_busy(), f"{best:.2f} s"
    return f"{best:.2f} s{', busy machine' if is_busy() else ''}"


async def check_scroll_jobs(scene: Scene) -> str:
    """Scrolling through all jobs."""
    page = await scene.at("/jobs", "10001 jobs")
    await scene.shot(page, "load-jobs")
    return await _scrolled(page, ".scroller.jobs")


async def check_scroll_log(scene: Scene) -> str:
    """Scrolling through a hundred thousand events; what comes into sight is there soon."""
    page = await scene.at(f"/job/{LONG}/log", "100000 events")
    await page.sees("line 3 of what is said")
    said = await _scrolled(page, ".scroller.events")
    await page.run("document.querySelector('.scroller.events').scrollTop = 1e9")
    await page.sees("The end of it.")
    await scene.shot(page, "load-log")
    return said


async def check_search_log(scene: Scene) -> str:
    """A text among a hundred thousand events."""
    page = await scene.at(f"/job/{LONG}/log", "100000 events")
    await page.fill("#log-search", "needle9990")
    await page.click(".log form button", "Search")
    await page.sees("1 of 2", 150)
    await page.sees("needle9990")
    await scene.shot(page, "load-search")
    return "2 hits"


async def check_heap(scene: Scene) -> str:
    """What the page keeps after all that."""
    page = await scene.page()
    heap_mb = await page.heap_bytes() / 1e6
    assert heap_mb < HEAP_MB, heap_mb
    assert page.faults == [], page.faults
    return f"{heap_mb:.1f} MB"


CHECKS = (check_first_view, check_scroll_jobs, check_scroll_log, check_search_log, check_heap)
