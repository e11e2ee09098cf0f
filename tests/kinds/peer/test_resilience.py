"""Losing the network, the relay, the nonce, consent: what is measured, and what is left."""

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from probe.config.check_plan import make_plan, select
from probe.core.context import Context
from probe.core.environment import ConfigurationError, Variables
from probe.core.kind import Check
from probe.core.model import Status
from probe.core.runner import run_check
from probe.kinds import KINDS, resilience
from probe.kinds.resilience import KIND, ResilienceTable
from probe.paircam.reconnect import delay_before
from tests.kinds.journey.journeys import JWT_SECRET, JourneyLab, journey_lab
from tests.turn.turn_lab import PASSWORD, USERNAME, WAYS, ending

LOSSES = (0.3, 0.6)
CONSENT = 1.0
"""Seconds; a test's own end of consent, so that it doesn't wait for half a minute."""


@pytest.fixture
async def lab(
    leaks: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[JourneyLab]:
    KIND.load()
    monkeypatch.setattr(resilience, "CONSENT_SECONDS", CONSENT)
    async with journey_lab(tmp_path) as started:
        yield started


@pytest.fixture
def context() -> Context:
    return Context()


def session_check(lab: JourneyLab, **table: Any) -> Check:
    settings: dict[str, Any] = {
        "name": "resilience-signaling",
        "part": "signaling",
        "losses": LOSSES,
    }
    settings |= {"backend_url": lab.backend.url, "jwt_secret": JWT_SECRET, **table}
    return Check(KIND, ResilienceTable.model_validate(settings))


def call_check(lab: JourneyLab, way: str = "udp", **table: Any) -> Check:
    settings: dict[str, Any] = {"name": "resilience-call", "part": "call", "losses": LOSSES}
    settings |= {"url": lab.turn.url(way), "username": USERNAME, "password": PASSWORD}
    settings |= {"ca_file": lab.turn.ca_file, **table}
    return Check(KIND, ResilienceTable.model_validate(settings))


def by_loss(result: Any) -> dict[tuple[str, str], float]:
    return {
        (
            sample.signal.name.removeprefix("probe_resilience_"),
            sample.labels.get("loss", ""),
        ): sample.value
        for sample in result.samples
        if sample.signal.name.startswith("probe_resilience_")
    }


async def test_a_session_survives_short_losses(lab: JourneyLab, context: Context) -> None:
    result = await run_check(session_check(lab), context)
    assert result.failure is None
    found = by_loss(result)
    for loss in LOSSES:
        out = found["session_out_seconds", f"{loss:g}s"]
        assert out >= loss
        assert found["session_recovery_seconds", f"{loss:g}s"] == pytest.approx(out - loss, abs=0.3)
        assert found["session_attempts", f"{loss:g}s"] == 0
    assert await lab.is_clean(context)


async def test_a_session_that_ends_meanwhile_is_reopened(lab: JourneyLab, context: Context) -> None:
    """The server says how soon silence is an end (engine.io's pingInterval, pingTimeout)."""
    lab.backend.signaling.set_ping_timers(interval=0.2, timeout=0.2)
    result = await run_check(session_check(lab, losses=(1.5,)), context)
    assert result.failure is None
    found = by_loss(result)
    assert found["session_attempts", "1.5s"] >= 1
    assert found["session_out_seconds", "1.5s"] > 1.5
    assert await lab.is_clean(context)


async def test_a_session_that_is_refused_afterwards_has_failed(
    lab: JourneyLab, context: Context
) -> None:
    lab.knobs.signaling = "refuses"
    result = await run_check(session_check(lab), context)
    assert result.status is Status.FAILED
    assert ending(result) == ("losses", "connection_closed")
    assert await lab.is_clean(context)


@pytest.mark.parametrize("way", WAYS)
async def test_a_call_comes_back_from_everything(
    lab: JourneyLab, context: Context, way: str
) -> None:
    result = await run_check(call_check(lab, way), context)
    assert result.failure is None
    found = by_loss(result)
    for loss in LOSSES:
        assert found["path_out_seconds", f"{loss:g}s"] >= loss
        assert found["data_out_seconds", f"{loss:g}s"] >= loss
        # TCP comes back later, and a test's consent does not last that long.
        assert way != "udp" or found["ice_restarts", f"{loss:g}s"] == 0
    assert CONSENT - 0.3 <= found["consent_lost_seconds", ""] < CONSENT + 2
    assert found["consent_recovery_seconds", ""] > 0
    assert found["relay_recovery_seconds", ""] > 0
    assert found["stale_nonce_seconds", ""] > 0
    assert found["lifetime_seconds", ""] == 600
    assert await lab.is_clean(context)


async def test_a_loss_longer_than_consent_restarts_ice(lab: JourneyLab, context: Context) -> None:
    result = await run_check(call_check(lab, losses=(2.6,)), context)
    assert result.failure is None
    found = by_loss(result)
    assert found["ice_restarts", "2.6s"] >= 1
    assert found["path_out_seconds", "2.6s"] >= 2.6
    assert await lab.is_clean(context)


async def test_a_relay_that_stays_away_is_ice_failed(
    lab: JourneyLab, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("probe.call.recovery.RESTART_SECONDS", 0.3)
    result = await run_check(call_check(lab, losses=(5,)), context)
    assert ending(result) == ("losses", "ice_failed")
    assert await lab.is_clean(context)


@pytest.mark.parametrize(
    ("code", "cause"), [(438, "stale_nonce"), (486, "allocation_quota"), (401, "auth_rejected")]
)
async def test_a_relay_that_refuses_keeps_its_cause(
    lab: JourneyLab, context: Context, code: int, cause: str
) -> None:
    lab.turn.knobs.error = code
    result = await run_check(call_check(lab), context)
    assert ending(result) == ("call", cause)
    lab.turn.knobs.error = None
    assert await lab.is_clean(context)


@pytest.mark.parametrize("deadline", [0.05, 0.3, 0.8, 1.3, 2.0])
async def test_a_deadline_at_any_moment_leaves_nothing(
    lab: JourneyLab, context: Context, deadline: float
) -> None:
    for check in (session_check(lab), call_check(lab)):
        await run_check(check, context, deadline=deadline)
    assert await lab.is_clean(context)


def test_the_reconnection_delays_are_those_of_socket_io_clients() -> None:
    assert [delay_before(number, lambda: 0.5) for number in range(5)] == [1, 2, 4, 5, 5]
    dice = random.Random(1)
    some = [delay_before(0, dice.random) for _ in range(100)]
    assert 0.5 <= min(some) < 0.6
    assert 1.4 < max(some) <= 1.5


VARIABLES = Variables(
    {
        "BACKEND_URL": "https://paircam.live",
        "TURN_URLS": "turn:relay.example.org?transport=tcp turn:relay.example.org",
        "TURN_USERNAME": "u",
        "TURN_PASSWORD": "p",
    }
)


def names(only: list[str], *, once: bool, **table: Any) -> list[str]:
    tables = {"resilience": [{"name": "resilience-call", **table}]} if table else {}
    plan = select(make_plan(KINDS, VARIABLES, tables), only, [], once=once)
    return [check.name for check in plan.checks if check.kind is KIND]


def test_it_runs_on_request_alone() -> None:
    assert names([], once=True) == names([], once=False) == []
    assert names(["resilience"], once=True) == ["resilience-signaling", "resilience-call"]
    assert names(["resilience-call"], once=True) == ["resilience-call"]


def test_an_interval_makes_it_regular_in_the_daemon_alone() -> None:
    assert names([], once=False, interval=43200) == ["resilience-call"]
    assert names([], once=True, interval=43200) == []


def test_what_is_left_out_is_said() -> None:
    plan = select(make_plan(KINDS, VARIABLES, {}), [], [], once=True)
    reasons = [skip.reason for skip in plan.skipped if skip.kind == "resilience"]
    assert reasons == [
        "resilience-signaling runs on request: --only resilience",
        "resilience-call runs on request: --only resilience",
    ]


def test_the_call_goes_by_udp_where_there_is_a_choice() -> None:
    plan = make_plan(KINDS, VARIABLES, {})
    (found,) = [check.table for check in plan.checks if check.name == "resilience-call"]
    assert found.labels == {"part": "call", "provider": "primary", "transport": "udp"}


def test_what_could_not_be_named_is_still_a_mistake() -> None:
    with pytest.raises(ConfigurationError, match="not configured"):
        select(make_plan([KIND], Variables({}), {}), ["resilience"], [], once=True)
