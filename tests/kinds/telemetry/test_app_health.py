"""What comes with every ``/health`` is judged without further configuration."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from alerts.evaluation.verdict import evaluate
from probe.config.check_plan import make_plan
from probe.core.context import Context
from probe.core.environment import Variables
from probe.core.kind import Check
from probe.core.model import Result, Status, Verdict
from probe.core.runner import run_check
from probe.core.thresholds import thresholds_of
from probe.kinds import KINDS
from probe.lab.backend import LabBackend
from tests.clocks import Clock
from tests.servers.pages import Behaviour, Pages, answers, in_turn

pytestmark = pytest.mark.usefixtures("leaks")

NOW = 1_800_000_000.0
OFFSET, CHANNELS = "probe_app_clock_offset_seconds", "probe_app_subscribed_channels"
GAUGES = ("probe_app_active_connections", "probe_app_active_sessions", "probe_app_queue_length")


def derived(url: str, **variables: str) -> dict[str, Check]:
    """The checks that follow from a backend's address alone."""
    given = {"BACKEND_URL": url, **variables}
    return {each.name: each for each in make_plan(KINDS, Variables(given), {}).checks}


def verdict(check: Check, result: Result, signal: str) -> Verdict:
    """How a signal is judged."""
    (threshold,) = [each for each in thresholds_of(check) if each.signal.name == signal]
    (found,) = evaluate(check.name, threshold, result.samples)
    return found.verdict


def sample(result: Result, signal: str) -> float | None:
    """The one sample of a signal, whatever its labels."""
    found = [each.value for each in result.samples if each.signal.name == signal]
    return found[0] if found else None


@pytest.fixture
async def backend() -> AsyncIterator[LabBackend]:
    found = LabBackend(jwt_secret="x" * 32, turn_secret="y" * 32)
    found.knobs.limits = False
    await found.start()
    yield found
    await found.stop()


async def test_memory_clock_and_channels_are_judged_from_the_address_of_the_backend_alone(
    backend: LabBackend,
) -> None:
    check = derived(backend.url)["app-metrics"]
    result = await run_check(check, Context())
    assert result.status is Status.OK
    assert result.facts["version"] == "1.0.0"
    for signal in ("probe_memory_used_bytes", OFFSET, CHANNELS):
        assert verdict(check, result, signal) is Verdict.OK, signal
    backend.knobs.memory, backend.knobs.channels, backend.knobs.clock_offset = 350e6, 2, -45.0
    result = await run_check(check, Context())
    assert verdict(check, result, "probe_memory_used_bytes") is Verdict.WARNING
    assert verdict(check, result, OFFSET) is Verdict.WARNING
    assert verdict(check, result, CHANNELS) is Verdict.OBJECTIVE_MISSED


def iso(seconds: float, hours: int = 0) -> str:
    """A moment in the zone that is so many hours ahead of UTC."""
    return (datetime.fromtimestamp(seconds, UTC) + timedelta(hours=hours)).isoformat()


@pytest.mark.parametrize(
    ("timestamp", "offset"),
    [
        (NOW * 1000, 0.0),
        (iso(NOW + 40).replace("+00:00", "Z"), 40.0),
        (iso(NOW - 40), 40.0),
        (iso(NOW, 2).replace("+00:00", "+02:00"), 0.0),
        # Which zone is meant is not known.
        (iso(NOW).replace("+00:00", ""), None),
        ("yesterday", None),
        (None, None),
        (True, None),
        (-5, None),
    ],
)
async def test_the_backend_s_clock_is_read_as_iso_8601_or_milliseconds(
    timestamp: object, offset: float | None
) -> None:
    health = {"status": "ok", "timestamp": timestamp, "instance": {"id": "a"}}
    turns = in_turn(answers(404), answers(200, health))
    async with Pages(turns) as pages:
        context = Context(now=Clock(NOW))
        result = await run_check(derived(pages.url)["app-metrics"], context)
    found = sample(result, OFFSET)
    assert found == (None if offset is None else pytest.approx(offset, abs=0.01))


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_backend_without_metrics_is_asked_for_its_health(status: int) -> None:
    health = {"status": "ok", "memory": {"rss": 1e8}, "uptime": 60, "instance": {"id": "a"}}
    async with Pages(in_turn(answers(status), answers(200, health))) as pages:
        result = await run_check(derived(pages.url)["app-metrics"], Context())
    assert (result.status, sample(result, "probe_memory_used_bytes")) == (Status.OK, 1e8)
    assert result.facts["metrics"].startswith("none at ")


@pytest.mark.parametrize(
    "page", [answers(200, b"<!doctype html><title>PairCam</title>"), answers(200, b"")]
)
async def test_a_page_that_answers_everything_has_no_metrics_either(page: Behaviour) -> None:
    async with Pages(in_turn(page, answers(404))) as pages:
        result = await run_check(derived(pages.url)["app-metrics"], Context())
    assert result.status is Status.OK
    assert sample(result, GAUGES[0]) is None


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_an_answer_that_says_nothing_of_the_page_is_unknown(status: int) -> None:
    async with Pages(answers(status)) as pages:
        result = await run_check(derived(pages.url)["app-metrics"], Context())
    assert result.status is Status.UNKNOWN


async def test_metrics_that_are_configured_have_to_be_there(backend: LabBackend) -> None:
    url = f"{backend.url}/nowhere"
    check = derived(backend.url, APP_METRICS_URL=url)["app-metrics"]
    assert (await run_check(check, Context())).status is Status.UNKNOWN


async def test_gauges_that_read_0_while_we_are_connected_are_no_data(backend: LabBackend) -> None:
    backend.knobs.gauges = "unwired"
    checks, context = derived(backend.url), Context()
    metrics, session = checks["app-metrics"], checks["signaling"]
    for _ in range(3):
        # Until it is proven, a 0 is believed.
        assert sample(await run_check(metrics, context), GAUGES[0]) == 0
        assert (await run_check(session, context)).status is Status.OK
    result = await run_check(metrics, context)
    assert [sample(result, name) for name in GAUGES] == [None, None, None]
    assert "active_connections" in result.facts["gauges"]
    # Once it counts, it is data again, a later 0 too.
    backend.knobs.gauges = "counted"
    proof = await run_check(session, context)
    assert "observe" not in proof.phases


async def test_gauges_that_count_are_believed_at_0_too(backend: LabBackend) -> None:
    checks, context = derived(backend.url), Context()
    metrics, session = checks["app-metrics"], checks["signaling"]
    for _ in range(4):
        result = await run_check(metrics, context)
        assert [sample(result, name) for name in GAUGES] == [0, 0, 0]
        await run_check(session, context)
    # What is known is not asked again.
    assert "observe" not in (await run_check(session, context)).phases


async def test_gauges_that_come_alive_with_a_release_are_data_again() -> None:
    context = Context()
    turns = ["0", "0", "7", "0"]
    pages_in_turn = [
        each
        for value in turns
        for each in (
            answers(200, f"video_chat_active_sessions {value}\n".encode()),
            answers(404),
        )
    ]
    async with Pages(in_turn(*pages_in_turn)) as pages:
        check = derived(pages.url)["app-metrics"]
        found = [sample(await run_check(check, context), GAUGES[1]) for _ in turns]
    assert found == [0, 0, 7, 0]
