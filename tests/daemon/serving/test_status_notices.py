"""What the status page says of alerts and of their notifications."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace

from alerts.config import AlertingConfig
from alerts.evaluation.own_network import References
from alerts.manager import AlertManager
from alerts.model import Delivery
from alerts.outbox.outbox import Outbox
from probe.daemon.serving.status_notices import notices_of
from probe.report.status import ALERT
from tests.alerts.notification.test_many_alerts import ROUTES, START, Receiver, feed, toys
from tests.clocks import Clock

CHECKS = toys(60)


@asynccontextmanager
async def _failing(clock: Clock) -> AsyncIterator[AlertManager]:
    """Every check fails for long enough; both receivers are down."""
    found = {route.name: Receiver(route.name) for route in ROUTES}
    config = AlertingConfig("lax", dict(found), ROUTES)
    manager = AlertManager(config, None, now=lambda: START + clock(), clock=clock)
    await manager.open()
    manager.set_checks(CHECKS)
    feed(manager, CHECKS)
    clock.pass_(31.0)
    feed(manager, CHECKS)
    yield manager
    await manager.close()


async def test_what_waits_is_looked_up_once_for_thousands_of_alerts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, reads, waiting = Clock(), 0, list[Delivery]()

    def waiting_now(outbox: Outbox) -> list[Delivery]:
        nonlocal reads
        reads += 1
        return waiting

    async with _failing(clock) as manager:
        waiting += [
            replace(each, attempts=1, error="connection refused")
            for each in manager.pipeline.flush(START + clock()).deliveries
            if each.notifier == "pager"
        ]
        clock.pass_(10.0)
        with monkeypatch.context() as patched:
            patched.setattr(Outbox, "waiting_now", waiting_now)
            texts = [each.text for each in notices_of(manager, References()) if ALERT in each.title]
    assert len(texts) == len(CHECKS)
    assert all("(not delivered to pager for 10 s: connection refused)" in each for each in texts)
    assert reads == 1


async def test_each_alert_says_whether_people_were_notified_of_it() -> None:
    clock = Clock()
    async with _failing(clock) as manager:
        log, alert = manager.pipeline.group_store.log, manager.firing[0]
        found = [manager.notified()(alert)]
        deliveries = manager.pipeline.flush(START + clock()).deliveries
        found.append(manager.notified()(alert))
        for settle in (log.refused, log.delivered):
            for each in deliveries:
                settle(each, START + clock())
            found.append(manager.notified()(alert))
    assert found == ["not notified yet", "being sent", "refused by chat, pager", "notified"]
