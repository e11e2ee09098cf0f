"""A cheap look sees what a dear one would, as far as letting in goes, and leaves nothing."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from alerts.evaluation.verdict import judge
from probe.config.check_plan import make_plan
from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.environment import Variables
from probe.core.kind import Check
from probe.core.model import Result, Status, Verdict
from probe.kinds import KINDS
from probe.kinds.allocation import KIND, AllocationTable
from probe.turn_targets.signals import ALLOCATE, BYTES, UNAUTHENTICATED
from probe.turn_targets.traffic_budget import key_share_bytes
from tests.fake_kind import result_of
from tests.servers.signaling import SECRET, SignalingServer, signaling_server
from tests.turn.turn_lab import PASSWORD, USERNAME, WAYS, TurnLab, ending, run, values

PHASES = {
    "udp": ["dns", "allocate"],
    "tcp": ["dns", "connect", "allocate"],
    "tls": ["dns", "connect", "tls", "allocate"],
}


def look_at(lab: TurnLab, way: str = "udp", **table: Any) -> Check:
    login = {"username": USERNAME, "password": PASSWORD}
    parts = {"name": "look", "url": lab.url(way), "ca_file": lab.ca_file, "deadline": 2}
    return Check(KIND, AllocationTable.model_validate({**parts, **login, **table}))


@pytest.mark.parametrize("way", WAYS)
async def test_a_good_server_lets_us_in_and_is_left_at_once(lab: TurnLab, way: str) -> None:
    context = Context()
    result = await run(look_at(lab, way), context)
    assert result.failure is None
    assert list(result.phases) == PHASES[way]
    assert set(values(result)) >= {ALLOCATE, UNAUTHENTICATED}
    assert set(result.facts) == {"server", "relayed"}
    assert await lab.is_clean(context)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("knob", "value", "ends"),
    [
        ("error", 486, ("allocate", "allocation_quota")),
        ("error", 508, ("allocate", "allocation_capacity")),
        ("silent", True, ("allocate", "deadline")),
        ("relayed_address", "192.0.2.1", ("allocate", "relay_address_unusable")),
    ],
)
async def test_what_keeps_users_out_is_seen_and_leaves_nothing(
    lab: TurnLab, way: str, knob: str, value: object, ends: tuple[str, str]
) -> None:
    context = Context()
    setattr(lab.knobs, knob, value)
    deadline = 0.5 if knob == "silent" else 3
    assert ending(await run(look_at(lab, way, deadline=deadline), context)) == ends
    assert await lab.is_clean(context)


async def test_a_wrong_password_is_seen(lab: TurnLab) -> None:
    assert ending(await run(look_at(lab, password="wrong"))) == ("allocate", "auth_rejected")


async def test_failures_cost_bytes_too_and_are_counted(lab: TurnLab) -> None:
    result = await run(look_at(lab, password="wrong"))
    spent = {
        sample.labels["direction"]: sample.value
        for sample in result.samples
        if sample.signal is BYTES
    }
    assert spent["sent"] > 100
    assert spent["received"] > 100


class Issuing:
    """A backend that issues what a test says."""

    def __init__(self, relay: TurnLab, backend: SignalingServer) -> None:
        self.relay, self._backend = relay, backend

    async def look(self, *urls: str) -> Result:
        answer = {"urls": urls, "username": USERNAME, "credential": PASSWORD, "ttl": 3600}
        self._backend.credentials = lambda: web.json_response(answer, status=201)
        table = AllocationTable.model_validate(
            {
                "name": "allocation-issued",
                "provider": "issued",
                "backend_url": self._backend.url,
                "jwt_secret": SECRET,
                "ca_file": self.relay.ca_file,
                "deadline": 4,
            }
        )
        return await run(Check(KIND, table))


@pytest.fixture
async def issuing(lab: TurnLab) -> AsyncIterator[Issuing]:
    async with signaling_server() as backend:
        yield Issuing(lab, backend)


async def test_of_what_is_issued_the_browsers_first_choice_is_enough(issuing: Issuing) -> None:
    result = await issuing.look(*issuing.relay.server.urls())
    assert result.status is Status.OK
    assert issuing.relay.server.allocations == 0
    assert (
        sum(
            value for sample in result.samples if sample.signal is BYTES for value in [sample.value]
        )
        < 1000
    )


async def test_what_is_issued_works_while_one_url_does(issuing: Issuing) -> None:
    result = await issuing.look("turn:127.0.0.1:1", issuing.relay.url("tcp"))
    assert result.status is Status.OK


async def test_a_silent_first_choice_leaves_time_for_the_others(issuing: Issuing) -> None:
    issuing.relay.knobs.silent = True
    result = await issuing.look(issuing.relay.url("udp"), issuing.relay.url("tcp"))
    assert ending(result) == ("allocate", "deadline")
    assert result.failure is not None
    assert result.failure.message.startswith(f"{issuing.relay.url('udp')}: no answer within 1.")


async def test_where_none_works_the_first_one_is_named(issuing: Issuing) -> None:
    result = await issuing.look("turn:127.0.0.1:1", "turn:127.0.0.1:2?transport=tcp")
    assert ending(result) == ("allocate", "connect_refused")
    assert result.failure is not None
    assert "turn:127.0.0.1:1?transport=udp" in result.failure.message


VARIABLES = {
    "BACKEND_URL": "https://example.org",
    "TURN_URLS": "turn:a,turn:a?transport=tcp",
    "TURN_USERNAME": "probe",
    "TURN_PASSWORD": "x",
    "TURN_BACKUP_URLS": "turns:b",
    "TURN_BACKUP_USERNAME": "probe",
    "TURN_BACKUP_PASSWORD": "x",
}
PRIMARY = "allocation-primary-udp,allocation-primary-tcp"


@pytest.mark.parametrize(
    ("failed", "verdict"),
    [
        ("allocation-primary-udp", Verdict.WARNING),
        (PRIMARY, Verdict.WARNING),
        (f"{PRIMARY},allocation-backup-tls", Verdict.WARNING),
        (f"{PRIMARY},allocation-backup-tls,allocation-issued", Verdict.CRITICAL),
        ("allocation-issued", Verdict.CRITICAL),
    ],
)
def test_no_url_of_any_provider_is_critical_and_less_is_a_warning(
    failed: str, verdict: Verdict
) -> None:
    checks = make_plan(KINDS, Variables(VARIABLES), {}).checks
    broken = failed.split(",")
    results = {
        check.name: result_of(
            check.name, Status.FAILED if check.name in broken else Status.OK, Cause.AUTH_REJECTED
        )
        for check in checks
    }
    judged = judge(checks, results).checks
    assert {judged[name] for name in broken} == {verdict}


def test_a_dead_server_is_seen_within_two_minutes_and_the_cheapest_within_30_s() -> None:
    checks = make_plan(KINDS, Variables(VARIABLES), {}).checks
    looks = [check for check in checks if check.kind is KIND]
    assert all(check.interval + check.table.deadline <= 120 for check in looks)
    fastest = {
        provider: min(c.interval for c in looks if c.table.labels["provider"] == provider)
        for provider in ("primary", "backup")
    }
    # By TLS alone it costs more than the provider's bytes allow, and more still where this
    # machine's library sends a post-quantum key share.
    backup = 73.44 if key_share_bytes() else 51.84
    assert fastest == {"primary": 20.0, "backup": pytest.approx(backup)}
    # And told two minutes later, if nothing works until then.
    assert {check.failing.hold for check in looks} == {120.0}
