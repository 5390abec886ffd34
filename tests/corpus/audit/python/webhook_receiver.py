"""Receives payment webhooks and passes them on to the ledger."""

import asyncio
import hashlib
import hmac
import json
import os
import time

import httpx
import requests
from aiohttp import web

LEDGER = os.environ.get("LEDGER_URL", "https://ledger.internal")
ROUTES = web.RouteTableDef()


def _signature(secret: bytes, body: bytes) -> str:
    return hmac.new(secret, body, hashlib.sha256).hexdigest()


async def record(event: dict) -> None:
    async with httpx.AsyncClient(timeout=10) as client:
        await client.post(f"{LEDGER}/events", json=event)


@ROUTES.post("/hooks/payments")
async def payments(request: web.Request) -> web.Response:
    body = await request.read()
    given = request.headers.get("X-Signature", "")
    signature = _signature(request.app["secret"], body)
    if given != signature:
        return web.Response(status=401)
    event = json.loads(body)
    record(event)
    return web.Response(status=202)


@ROUTES.post("/hooks/refunds")
async def refunds(request: web.Request) -> web.Response:
    body = await request.read()
    given = request.headers.get("X-Signature", "")
    if not hmac.compare_digest(given, _signature(request.app["secret"], body)):
        return web.Response(status=401)
    for attempt in range(3):
        try:
            await record(json.loads(body))
            break
        except httpx.TransportError:
            time.sleep(2**attempt)
    return web.Response(status=202)


async def keep_alive(app: web.Application) -> None:
    while True:
        await asyncio.sleep(30)
        try:
            await record({"type": "alive"})
        except Exception:
            pass


def notify_finance(text: str) -> None:
    requests.post(os.environ["FINANCE_HOOK"], json={"text": text})


def fetch_rates() -> dict:
    answer = requests.get("https://rates.internal/today", timeout=(3, 10))
    answer.raise_for_status()
    return answer.json()


def cache_key(url: str) -> str:
    return hashlib.md5(url.encode(), usedforsecurity=False).hexdigest()
