"""Everything that was stored is gone: receivers that can be asked say what is open there, and of
others it is said that incidents may be open."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from weakref import WeakKeyDictionary

import pytest
from pydantic import SecretStr

from alerts.cluster.membership.peers_plan import ALONE, PeersPlan
from alerts.config import AlertingConfig
from alerts.manager import AlertManager
from alerts.model import MessageType, NotifyError, Severity
from alerts.notification.route import REPEAT_INTERVAL_SECONDS, Route
from alerts.notifier import Notifier
from alerts.notifiers.alertmanager import Alertmanager
from alerts.notifiers.pagerduty import PagerDuty, dedup_key
from probe.core.model import Status
from tests.alerts.services import Service
from tests.clocks import Clock
from tests.fake_kind import result_of, toy
from tests.servers.receivers.alertmanager_api import AlertmanagerApi
from tests.servers.receivers.pagerduty import PagerDutyService
from tests.servers.receivers.pagerduty_incidents import PagerDutyRestApi

TOKEN = "t" * 20
CHECKS = ("a", "b")
CLOCKS: WeakKeyDictionary[AlertManager, Clock] = WeakKeyDictionary()


@asynccontextmanager
async def life(
    folder: Path | None,
    notifiers: Mapping[str, Notifier],
    *,
    ran_before: bool = False,
    peers: PeersPlan = ALONE,
    region: str = "lax",
) -> AsyncIterator[AlertManager]:
    """One process's alerting of two checks, killed at the end."""
    routes = tuple(
        Route(name, frozenset(Severity), REPEAT_INTERVAL_SECONDS, deduplicates=True)
        for name in notifiers
    )
    config = AlertingConfig(region, dict(notifiers), routes)
    # Behind the clock of an Alertmanager, so that what ends has ended there.
    clock = Clock(time.time() - 3600.0)
    journals = (folder,) if folder else ()
    manager = AlertManager(config, folder, peers=peers, journals=journals, now=clock, clock=clock)
    CLOCKS[manager] = clock
    manager.ran_before = lambda: ran_before
    await manager.open()
    manager.set_checks([toy(name, interval=10.0) for name in CHECKS])
    tasks = [asyncio.create_task(job()) for job in manager.jobs.values()]
    try:
        yield manager
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await manager.close()


async def until(manager: AlertManager, condition: Callable[[], object], **states: Status) -> None:
    """Results of these kinds come until a condition holds; time passes faster meanwhile."""
    async with asyncio.timeout(60):
        while not condition():
            for name, status in states.items():
                check = toy(name, interval=10.0)
                manager.handle_result(check, result_of(name, status), (), backed_up=False)
            manager.first_round_done()
            CLOCKS[manager].pass_(3.0)
            await asyncio.sleep(0.05)


def remove_all(folder: Path) -> None:
    """Both the database and the journal."""
    for path in folder.iterdir():
        path.unlink()


async def test_an_alertmanager_is_asked_and_gets_the_end_of_what_was_open(tmp_path: Path) -> None:
    async with AlertmanagerApi() as service:
        notifiers = {"alertmanager": Alertmanager([service.url])}
        async with life(tmp_path, notifiers) as first:
            failing = Status.FAILED
            await until(first, lambda: len(service.active) == 2, a=failing, b=failing)
        remove_all(tmp_path)
        notifiers = {"alertmanager": Alertmanager([service.url])}
        async with life(tmp_path, notifiers) as second:
            await until(second, lambda: len(service.active) == 1, a=Status.OK, b=Status.FAILED)
            (left,) = map(json.loads, service.active)
            assert left["check"] == "b"
            assert second.left_open == ""
            await until(second, lambda: not service.active, a=Status.OK, b=Status.OK)


async def test_alerts_of_other_probes_at_an_alertmanager_are_left_alone(tmp_path: Path) -> None:
    async with AlertmanagerApi() as service:
        foreign = {"alertname": "ProbeCheckFailing", "check": "a", "region": "fra", "rule": "x"}
        own_way = {"alertname": "DiskFull", "region": "lax"}
        for labels in (foreign, own_way):
            service.active[json.dumps(labels)] = {"labels": labels, "startsAt": "2026-01-01T00:00Z"}
        async with life(tmp_path, {"alertmanager": Alertmanager([service.url])}) as manager:
            await until(
                manager, lambda: not manager.firing and manager.pipeline.groups, a=Status.OK
            )
        assert len(service.active) == 2


async def test_pagerduty_is_asked_with_a_token_and_only_what_is_open_is_resolved(
    tmp_path: Path,
) -> None:
    key = "R" * 32
    async with PagerDutyService(key) as events, PagerDutyRestApi(TOKEN) as rest:
        rest.incidents = [(dedup_key("another"), "resolved")] * 150
        rest.incidents += [(f"not ours {number}", "triggered") for number in range(150)]
        rest.incidents += [(dedup_key("a"), "acknowledged"), (dedup_key("removed"), "triggered")]
        pager = PagerDuty(
            SecretStr(key),
            SecretStr(f"{events.url}/v2/enqueue"),
            SecretStr(TOKEN),
            SecretStr(rest.url),
        )
        async with life(tmp_path, {"pagerduty": pager}) as manager:
            await until(manager, lambda: events.taken, a=Status.OK, b=Status.OK)
            assert "removed" in manager.left_open
        assert rest.requests == 2
        found = [(each["event_action"], each["dedup_key"]) for each in events.taken]
        assert found == [("resolve", dedup_key("a"))]


async def test_a_refused_token_is_an_error_without_the_token() -> None:
    async with PagerDutyRestApi(TOKEN) as rest:
        wrong = SecretStr("wrong-token")
        pager = PagerDuty(SecretStr("R"), SecretStr(rest.url), wrong, SecretStr(rest.url))
        with pytest.raises(NotifyError, match="PAGERDUTY_REST_TOKEN") as caught:
            await pager.open_alerts("lax", ["a"])
        assert caught.value.permanent
        assert "wrong-token" not in str(caught.value)


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"incidents": 3}', "null"])
async def test_an_odd_answer_is_an_error(body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from alerts.notifiers import pagerduty_incidents
    from alerts.notifiers.base import HttpAnswer

    async def request(*_: object, **__: object) -> HttpAnswer:
        return HttpAnswer(200, {}, body)

    monkeypatch.setattr(pagerduty_incidents, "request", request)
    with pytest.raises(NotifyError):
        await pagerduty_incidents.open_incidents("http://x", "t")


async def test_what_cannot_be_asked_may_have_incidents_open(tmp_path: Path) -> None:
    chat = Service("chat")
    async with life(tmp_path, {"chat": chat}, ran_before=True) as manager:
        await until(manager, lambda: chat.received)
        assert "may have been left open at chat" in manager.left_open
    assert [each.occasion for each in chat.received] == [MessageType.NOTE]


async def test_a_first_start_says_nothing(tmp_path: Path) -> None:
    chat = Service("chat")
    async with life(tmp_path, {"chat": chat}) as manager:
        await until(manager, lambda: manager.pipeline.groups, a=Status.OK)
        assert manager.left_open == ""
    assert not chat.received


def posted(**labels: str) -> dict[str, object]:
    """An alert at an Alertmanager of the check ``a``, as a probe posts it."""
    common = {"alertname": "ProbeCheckFailing", "check": "a", "kind": "toy", "rule": "failing"}
    return {"labels": {**common, **labels}, "startsAt": "2026-01-01T00:00:00Z"}


async def test_one_of_several_probes_asks_for_what_they_share_and_for_its_region(
    tmp_path: Path,
) -> None:
    here, there = ({"region": each, "seen_from": each} for each in ("lax", "fra"))
    alerts = [
        posted(severity="critical"),
        posted(severity="warning", **here),
        posted(severity="warning", **there),
    ]
    key = "R" * 32
    async with (
        AlertmanagerApi() as service,
        PagerDutyService(key) as events,
        PagerDutyRestApi(TOKEN) as rest,
    ):
        service.active = {json.dumps(each["labels"], sort_keys=True): each for each in alerts}
        open_keys = [*map(dedup_key, ("a", "b (lax)", "a (fra)", "removed"))]
        rest.incidents = [(each, "triggered") for each in open_keys]
        pager = PagerDuty(
            SecretStr(key),
            SecretStr(f"{events.url}/v2/enqueue"),
            SecretStr(TOKEN),
            SecretStr(rest.url),
        )
        notifiers: dict[str, Notifier] = {
            "alertmanager": Alertmanager([service.url]),
            "pagerduty": pager,
        }
        # Nobody is there: it decides alone, after its patience.
        peers = PeersPlan(("http://127.0.0.1:9", "http://127.0.0.1:13"), SecretStr("p" * 20))
        async with life(tmp_path, notifiers, peers=peers) as manager:
            works = {"a": Status.OK, "b": Status.OK}
            await until(manager, lambda: len(service.active) == 1, **works)
            await until(manager, lambda: len(events.taken) >= 2, **works)
            assert "removed" in manager.left_open
            assert "fra" not in manager.left_open
        (left,) = map(json.loads, service.active)
        assert left["seen_from"] == "fra"
        found = {(each["event_action"], each["dedup_key"]) for each in events.taken}
        assert found == {("resolve", dedup_key("a")), ("resolve", dedup_key("b (lax)"))}


@pytest.mark.parametrize("ran_before", [False, True])
async def test_one_of_several_probes_says_what_it_can_not_ask(
    tmp_path: Path, ran_before: bool
) -> None:
    chat = Service("chat")
    peers = PeersPlan(("http://127.0.0.1:9",), SecretStr("p" * 20))
    async with life(tmp_path, {"chat": chat}, ran_before=ran_before, peers=peers) as manager:
        ready = (lambda: chat.received) if ran_before else (lambda: manager.cluster.is_ready)
        await until(manager, ready, a=Status.OK)
        assert ("unless another probe knows" in manager.left_open) is ran_before
    assert [each.occasion for each in chat.received] == [MessageType.NOTE] * ran_before


async def test_what_fires_as_a_restart_took_it_up_is_resolved_at_a_pager_too(
    tmp_path: Path,
) -> None:
    key = "R" * 32
    async with (
        AlertmanagerApi() as service,
        PagerDutyService(key) as events,
        PagerDutyRestApi(TOKEN) as rest,
    ):
        alert = posted(severity="critical", region="lax")
        service.active = {json.dumps(alert["labels"], sort_keys=True): alert}
        rest.incidents = [(dedup_key("a"), "triggered")]
        url, token = SecretStr(f"{events.url}/v2/enqueue"), SecretStr(TOKEN)
        pager = PagerDuty(SecretStr(key), url, token, SecretStr(rest.url))
        notifiers: dict[str, Notifier] = {
            "alertmanager": Alertmanager([service.url]),
            "pagerduty": pager,
        }
        async with life(tmp_path, notifiers) as manager:
            await until(manager, lambda: manager.firing, b=Status.OK)
            works = {"a": Status.OK, "b": Status.OK}
            await until(manager, lambda: events.taken and not service.active, **works)
        assert [each["event_action"] for each in events.taken] == ["resolve"]


async def test_a_probe_without_a_region_takes_up_what_it_posted(tmp_path: Path) -> None:
    async with AlertmanagerApi() as service:
        alert = posted(severity="critical")
        service.active = {json.dumps(alert["labels"], sort_keys=True): alert}
        notifiers = {"alertmanager": Alertmanager([service.url])}
        async with life(tmp_path, notifiers, region="") as manager:
            await until(manager, lambda: not service.active, a=Status.OK, b=Status.OK)
