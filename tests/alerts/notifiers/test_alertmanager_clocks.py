"""Alertmanager's clock and the probe's may differ: an alert neither ends early nor goes on."""

import time
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from aiohttp import web

from alerts.model import MessageType
from alerts.notifiers.alertmanager import EXPIRES_SECONDS, Alertmanager
from tests.alerts.samples import failing, told


class Receiver:
    """Keeps what it is sent; its Date is that of this machine."""

    def __init__(self) -> None:
        self.taken: list[list[dict[str, Any]]] = []

    async def take(self, request: web.Request) -> web.Response:
        """POST /api/v2/alerts."""
        self.taken.append(await request.json())
        return web.Response()


def seconds(moment: str) -> float:
    """A time in Alertmanager's form, as seconds since 1970."""
    return datetime.fromisoformat(moment).timestamp()


@pytest.mark.parametrize("behind", [0.0, 2.0, 300.0, -300.0])
async def test_times_are_by_the_receivers_clock(behind: float) -> None:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/api/v2/alerts", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        notifier = Alertmanager([url], now=lambda: time.time() - behind)
        at = time.time() - behind
        alert = failing(since=at - 30, fired=at)
        firing = told(firing=(alert,), at=at, since=at - 30)
        memory = await notifier.send(firing, {})
        sent = receiver.taken[-1][0]
        assert seconds(sent["endsAt"]) - time.time() == pytest.approx(EXPIRES_SECONDS, abs=30)
        assert time.time() - seconds(sent["startsAt"]) == pytest.approx(30, abs=30)
        # Sent again only where its first times were wrong, and only once.
        assert len(receiver.taken) == (2 if abs(behind) > 5 else 1)
        over = replace(firing, occasion=MessageType.RESOLVED, firing=(), resolved=(alert,))
        await notifier.send(replace(over, at=time.time() - behind), memory)
        ended = receiver.taken[-1][0]
        assert seconds(ended["endsAt"]) <= time.time() + 3
        assert len(receiver.taken) == (3 if abs(behind) > 5 else 2)
    finally:
        await runner.cleanup()
