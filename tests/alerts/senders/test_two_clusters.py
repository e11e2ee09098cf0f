"""Two clusters that share a receiver's keys notice each other there; one alone notices none."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from alerts.cluster.membership.peers_plan import ALONE, PeersPlan
from alerts.config import AlertingConfig
from alerts.manager import AlertManager
from alerts.model import Severity
from alerts.notification.route import REPEAT_INTERVAL_SECONDS, Route
from alerts.notifier import Notifier
from alerts.notifiers.alertmanager import Alertmanager
from alerts.notifiers.pagerduty import PagerDuty
from alerts.senders.query import foreign_at
from probe.core.model import Status
from probe.daemon.serving.foreign_sender_loop import ForeignSenderLoop
from tests.alerts.test_reconciliation import CLOCKS, life, until
from tests.clocks import Clock
from tests.servers.receivers.alertmanager_api import AlertmanagerApi
from tests.servers.receivers.pagerduty import PagerDutyService
from tests.servers.receivers.pagerduty_incidents import PagerDutyRestApi

KEY, OTHER_KEY, TOKEN = "R" * 32, "S" * 32, "t" * 20


def config(notifier: Notifier, region: str) -> AlertingConfig:
    route = Route(notifier.name, frozenset(Severity), REPEAT_INTERVAL_SECONDS, deduplicates=True)
    return AlertingConfig(region, {notifier.name: notifier}, (route,))


def pager(events: PagerDutyService, rest: PagerDutyRestApi, key: str = KEY) -> PagerDuty:
    url = SecretStr(f"{events.url}/v2/enqueue")
    return PagerDuty(SecretStr(key), url, SecretStr(TOKEN), SecretStr(rest.url))


def show(rest: PagerDutyRestApi, *services: PagerDutyService) -> None:
    """The REST API knows of what was sent."""
    rest.details = {}
    for event in (each for service in services for each in service.taken):
        if event["event_action"] == "trigger":
            details = event["payload"]["custom_details"]
            rest.details.setdefault(event["dedup_key"], []).append(details)
    rest.incidents = [(key, "triggered") for key in rest.details]


@asynccontextmanager
async def failing(notifier: Notifier, region: str) -> AsyncIterator[AlertManager]:
    """A lone probe whose check has failed long after its start, and was sent."""
    results = {"a": Status.FAILED, "b": Status.OK}
    async with life(None, {notifier.name: notifier}, region=region) as manager:
        CLOCKS[manager].pass_(130.0)
        await until(manager, lambda: manager.open_at(notifier.name), **results)
        await until(manager, lambda: not manager.waiting, **results)
        yield manager


async def test_each_of_two_lone_probes_with_one_pager_key_notices_the_other() -> None:
    async with PagerDutyService(KEY) as events, PagerDutyRestApi(TOKEN) as rest:
        first, second = pager(events, rest), pager(events, rest)
        async with failing(first, "lax") as lax, failing(second, "fra") as fra:
            show(rest, events)
            for each in (lax, fra):
                await ForeignSenderLoop(each).exchange()
            assert [each.mark.region for each in lax.foreign_senders.found] == ["fra"]
            assert [each.mark.region for each in fra.foreign_senders.found] == ["lax"]
            # check-config asks without a daemon.
            (found,) = await foreign_at(config(first, "lax"), (), ["a"])
            assert "region fra without PROBE_PEERS" in found.text
            assert KEY not in found.text


async def test_a_service_of_the_account_with_a_key_of_its_own_is_no_other_cluster() -> None:
    async with (
        PagerDutyService(KEY) as ours,
        PagerDutyService(OTHER_KEY) as theirs,
        PagerDutyRestApi(TOKEN) as rest,
    ):
        first, second = pager(ours, rest), pager(theirs, rest, OTHER_KEY)
        async with failing(first, "lax") as lax, failing(second, "fra"):
            show(rest, ours, theirs)
            await ForeignSenderLoop(lax).exchange()
            assert not lax.foreign_senders.found
            assert await foreign_at(config(first, "lax"), (), ["a"]) == []


async def test_two_probes_of_one_name_at_an_alertmanager_notice_each_other() -> None:
    async with AlertmanagerApi() as service:
        first, second = Alertmanager([service.url]), Alertmanager([service.url])
        async with failing(first, "lax") as one, failing(second, "lax") as two:
            posted_last = two.cluster.id
            await until(two, lambda: posted_last in str(service.active), a=Status.FAILED)
            for alert in service.active.values():
                alert["updatedAt"] = "2100-01-01T00:00:00Z"
            # What was posted last is the second one's.
            await ForeignSenderLoop(one).exchange()
            assert one.foreign_senders.counts == {"alertmanager": 1}


@pytest.mark.parametrize("status", [401, 403, 404, 500])
async def test_a_receiver_that_says_nothing_is_no_finding(status: int) -> None:
    async with PagerDutyService(KEY) as events, PagerDutyRestApi(TOKEN) as rest:
        rest.status = status
        async with failing(pager(events, rest), "lax") as manager:
            await ForeignSenderLoop(manager).exchange()
            assert manager.foreign_senders.counts == {}
            assert await foreign_at(config(pager(events, rest), "lax"), (), ["a"]) == []


async def test_the_mark_of_a_cluster_is_the_same_for_lists_in_any_order() -> None:
    marks = set()
    for entries in (("http://a:1", "http://b:1"), ("http://b:1", "http://a:1/"), ()):
        peers = PeersPlan(entries, SecretStr("t" * 16)) if entries else ALONE
        clock = Clock(time.time())
        manager = AlertManager(AlertingConfig("lax", {}, ()), None, peers=peers, now=clock)
        marks.add(manager.sender_mark.split()[2])
    assert len(marks) == 2
    assert "peers=none" in marks
