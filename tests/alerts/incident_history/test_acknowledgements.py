"""Who has acknowledged an incident at PagerDuty is read back into the incident."""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace
from pydantic import SecretStr

from alerts.config import AlertingConfig
from alerts.manager import AlertManager
from alerts.model import NotifyError
from alerts.notifier import Notifier
from alerts.notifiers.pagerduty import PagerDuty, dedup_key
from probe.daemon.serving.acknowledgement_loop import AcknowledgementLoop
from probe.history import History
from probe.history.incidents.model import Acknowledgement, Incident, IncidentSeverity
from probe.history.incidents.store import IncidentHistory
from tests.servers.receivers.pagerduty_incidents import PagerDutyRestApi, acknowledgement

TOKEN = "t" * 20
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def pager(api: PagerDutyRestApi, token: str | None = TOKEN) -> PagerDuty:
    rest = None if token is None else SecretStr(token)
    return PagerDuty(SecretStr("k"), SecretStr(f"{api.url}/v2"), rest, SecretStr(api.url))


def incident(name: str, key: str) -> Incident:
    at = NOON.timestamp() - 60.0
    return Incident(name, key, "The backend is down", IncidentSeverity.CRITICAL, at, at)


@pytest.fixture
async def api() -> AsyncIterator[PagerDutyRestApi]:
    async with PagerDutyRestApi(TOKEN) as service:
        yield service


@asynccontextmanager
async def loop(
    notifiers: Mapping[str, Notifier], *incidents: Incident
) -> AsyncIterator[tuple[AcknowledgementLoop, IncidentHistory]]:
    """What the daemon runs, with these incidents open and stored."""
    manager = AlertManager(AlertingConfig("lax", dict(notifiers), ()), None)
    history = await History.open(None)
    stored = IncidentHistory(history)
    try:
        for each in incidents:
            stored.keep(each)
        manager.pipeline.recorder.connect(stored, incidents, {})
        yield AcknowledgementLoop(manager, lambda: history), stored
    finally:
        await history.close()


async def of(stored: IncidentHistory, name: str) -> tuple[Acknowledgement, ...]:
    found = await stored.get(name)
    assert found is not None
    return found.acknowledgements


async def test_who_acknowledged_at_pagerduty_stands_in_the_incident(api: PagerDutyRestApi) -> None:
    first, second = incident("a-1", "backend"), incident("b-1", "turn " + "x" * 300)
    api.incidents = [(dedup_key(each.key), "acknowledged") for each in (first, second)]
    api.incidents.append((dedup_key("of another probe"), "acknowledged"))
    for key, _ in api.incidents:
        api.acknowledged[key] = [acknowledgement("2026-03-01T12:00:00Z", f"Ana of {key[:9]}")]
    async with loop({"pagerduty": pager(api)}, first, second) as (asking, stored):
        await asking.exchange()
        await asking.exchange()
        at = NOON.timestamp()
        assert await of(stored, "a-1") == (Acknowledgement(at, "Ana of probe bac", "at pagerduty"),)
        assert [each.author for each in await of(stored, "b-1")] == ["Ana of probe tur"]


async def test_a_second_person_is_added_and_what_is_odd_left_out(api: PagerDutyRestApi) -> None:
    found = incident("a-1", "backend")
    key = dedup_key("backend")
    api.incidents = [(key, "acknowledged")]
    async with loop({"pagerduty": pager(api)}, found) as (asking, stored):
        api.acknowledged[key] = [acknowledgement("2026-03-01T12:00:00Z", "Ana")]
        await asking.exchange()
        api.acknowledged[key] += [
            acknowledgement("2026-03-01T13:05:00+01:00", "Bo\u202e\nevil" + "x" * 200),
            {"at": "2026-03-01T12:07:00Z", "acknowledger": None},
            {"at": "soon", "acknowledger": {"summary": "Cy"}},
            {"at": 7},
            "nothing",
        ]
        await asking.exchange()
        names = [each.author for each in await of(stored, "a-1")]
        assert (names[0], names[2:]) == ("Ana", ["somebody"])
        assert names[1].startswith("Bo")
        assert len(names[1]) <= 100
        assert names[1].isprintable()


async def test_no_service_is_asked_without_an_incident_or_a_token(api: PagerDutyRestApi) -> None:
    async with loop({"pagerduty": pager(api)}) as (asking, _):
        await asking.exchange()
    async with loop({"pagerduty": pager(api, None)}, incident("a-1", "backend")) as (asking, _):
        await asking.exchange()
    assert api.requests == 0
    with pytest.raises(NotifyError, match="PAGERDUTY_REST_TOKEN"):
        await pager(api, None).acknowledged(["backend"])


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.WARNING, "probe.daemon.serving.acknowledgement_loop")
    return caplog


async def test_a_refusal_is_logged_once_and_ends_nothing(
    api: PagerDutyRestApi, warnings: pytest.LogCaptureFixture
) -> None:
    key = dedup_key("backend")
    api.incidents, api.status = [(key, "acknowledged")], 403
    api.acknowledged[key] = [acknowledgement("2026-03-01T12:00:00Z", "Ana")]
    async with loop({"pagerduty": pager(api)}, incident("a-1", "backend")) as (asking, stored):
        await asking.exchange()
        await asking.exchange()
        assert len(warnings.records) == 1
        assert "PAGERDUTY_REST_TOKEN" in warnings.text
        assert TOKEN not in warnings.text
        api.status = 200
        await asking.exchange()
        assert [each.author for each in await of(stored, "a-1")] == ["Ana"]


async def test_an_incident_that_ended_is_not_asked_for_any_more(api: PagerDutyRestApi) -> None:
    over = incident("a-1", "backend")
    over = replace(over, ended=over.since + 1.0)
    async with loop({"pagerduty": pager(api)}, over) as (asking, _):
        await asking.exchange()
    assert api.requests == 0
