"""Keeps a local mirror in step with the remote catalogue."""

import asyncio
import json
import logging
import re
from datetime import datetime, timezone

import aiohttp

log = logging.getLogger(__name__)


class Mirror:
    def __init__(self, folder):
        self.folder = folder
        self.items = {}
        self._tasks = set()

    async def pull(self, session, url):
        async with session.get(url) as answer:
            return await answer.json()

    async def _store(self, item):
        await asyncio.to_thread(self._write, item)

    def _write(self, item):
        with open(f"{self.folder}/{item['id']}.json", "w", encoding="utf-8") as handle:
            json.dump(item, handle)

    async def sync(self, session, url):
        for item in await self.pull(session, url):
            self.items[item["id"]] = item
            self._store(item)
        log.info("synced at %s", datetime.now(timezone.utc))

    async def sync_all(self, session, urls):
        await asyncio.gather(*(self.sync(session, url) for url in urls))

    def start(self, session, urls):
        task = asyncio.create_task(self.sync_all(session, urls))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def start_once(self, session, urls):
        asyncio.create_task(self.sync_all(session, urls))

    def prune(self, known):
        for item in self.items.values():
            if item["id"] not in known:
                self.items.pop(item["id"])
        return len(self.items)

    def prune_first(self, known):
        for key in self.items:
            if key not in known:
                del self.items[key]
                break


def host(url):
    return url.lstrip("https://").split("/")[0]


def path(url):
    return url.removeprefix("https://").partition("/")[2]


def slug(title):
    title.lower()
    return re.sub(r"\W+", "-", title)


def parse(text):
    try:
        return json.loads(text)
    except Exception:
        return None
    except ValueError:
        return {}


def parse_or_fail(text):
    try:
        return json.loads(text)
    except ValueError as error:
        raise RuntimeError(f"not a catalogue: {text[:80]}") from error
