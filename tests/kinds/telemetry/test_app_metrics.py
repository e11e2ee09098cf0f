"""The app_metrics check, against the lab's backend on a clock that the test moves."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from alerts.evaluation.verdict import evaluate
from probe.config.check_plan import make_plan
from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.environment import Variables
from probe.core.kind import Check
from probe.core.model import Result, Status, Verdict
from probe.core.runner import run_check
from probe.core.thresholds import thresholds_of
from probe.kinds import KINDS
from probe.kinds.app_metrics import KIND, AppTable
from probe.lab.backend import LabBackend
from probe.net.resolver import Address
from tests.clocks import Clock
from tests.kinds.http_helpers import failure, values
from tests.servers.pages import Behaviour, Pages, answers, in_turn

pytestmark = pytest.mark.usefixtures("leaks")

OK, MISSED = Verdict.OK, Verdict.OBJECTIVE_MISSED
WARNING, CRITICAL, UNKNOWN = Verdict.WARNING, Verdict.CRITICAL, Verdict.UNKNOWN


def app(url: str, **table: Any) -> Check:
    keys = {"name": "app-metrics", "url": url, "deadline": 5.0}
    return Check(KIND, AppTable.model_validate({**keys, **table}))


class Watched:
    """A backend that is looked at once a minute."""

    def __init__(self, backend: LabBackend, clock: Clock) -> None:
        self.backend, self.clock = backend, clock
        self.context = Context(clock=clock)
        self.check = app(f"{backend.url}/metrics")

    async def look(self, *, after: float = 60.0) -> Result:
        self.clock.pass_(after)
        return await run_check(self.check, self.context, deadline=5.0)

    async def looks(self, minutes: int) -> Result:
        for _ in range(minutes):
            result = await self.look()
        return result

    def verdict(self, result: Result, signal: str) -> Verdict:
        (threshold,) = [each for each in thresholds_of(self.check) if each.signal.name == signal]
        (found,) = evaluate("app-metrics", threshold, result.samples)
        return found.verdict


@asynccontextmanager
async def watched(clock: Clock) -> AsyncIterator[Watched]:
    backend = LabBackend(jwt_secret="x" * 32, turn_secret="y" * 32, clock=clock)
    backend.knobs.limits = False
    await backend.start()
    try:
        yield Watched(backend, clock)
    finally:
        await backend.stop()


@pytest.fixture
async def lab() -> AsyncIterator[Watched]:
    async with watched(Clock(1000.0)) as found:
        found.backend.knobs.metrics = "filled"
        yield found


async def test_a_first_look_knows_the_gauges_and_says_that_rates_come_later(lab: Watched) -> None:
    result = await lab.look()
    assert result.status is Status.OK
    found = values(result)
    assert found["probe_app_active_sessions"] == 0
    assert found["probe_app_queue_length"] == 0
    assert found["probe_app_instances"] == 1
    assert found["probe_memory_used_bytes/app/lab-1/lab"] == 120e6
    assert found["probe_app_uptime_seconds/lab-1/lab"] == 60
    assert not [name for name in found if "per_second" in name or "_ratio" in name]
    assert "second scrape" in result.facts["rates"]
    for signal in ("probe_error_ratio", "probe_turn_fallback_ratio", "probe_restarts"):
        assert lab.verdict(result, signal) is UNKNOWN


async def test_counters_become_rates_and_shares(lab: Watched) -> None:
    lab.backend.knobs.error_share = 0.02
    await lab.look()
    result = await lab.looks(5)
    wanted = {
        "probe_app_connections_per_second": 0.99,
        "probe_app_connection_failures_per_second": 0.01,
        "probe_app_errors_per_second": 0.2,
        "probe_app_rate_limit_hits_per_second": 0.01,
        "probe_app_matches_per_second": 1.0,
        "probe_turn_fallback_ratio/app": 0.1,
        "probe_ice_success_ratio/app": 0.99,
        "probe_error_ratio/app": 0.02,
        "probe_request_p95_seconds/app": 0.095,
        "probe_app_match_p95_seconds": 2.425,
        "probe_restarts/app/lab-1/lab": 0,
    }
    found = values(result)
    assert {name: found[name] for name in wanted} == pytest.approx(wanted, abs=1e-6)
    totals = {each.signal.name: each.denominator for each in result.samples if each.denominator}
    assert totals == pytest.approx(
        {
            "probe_error_ratio": 3000,
            "probe_request_p95_seconds": 3000,
            "probe_turn_fallback_ratio": 297,
            "probe_ice_success_ratio": 300,
        }
    )
    assert result.facts["errors"].startswith("most are timeout")
    assert "ice_failed" in result.facts["failures"]


@pytest.mark.parametrize(
    ("signal", "knob", "steps"),
    [
        (
            "probe_error_ratio",
            "error_share",
            [(0, OK), (0.005, MISSED), (0.03, WARNING), (0.08, CRITICAL)],
        ),
        (
            "probe_request_p95_seconds",
            "request_seconds",
            [(0.2, OK), (0.9, MISSED), (2.0, CRITICAL)],
        ),
        ("probe_turn_fallback_ratio", "relayed_share", [(0.1, OK), (0.2, MISSED), (0.4, WARNING)]),
        ("probe_ice_success_ratio", "failed_share", [(0.01, OK), (0.1, MISSED)]),
        ("probe_memory_used_bytes", "memory", [(150e6, OK), (250e6, MISSED), (310e6, WARNING)]),
    ],
)
async def test_a_limit_is_met_missed_and_broken_as_the_backend_counts(
    lab: Watched, signal: str, knob: str, steps: list[tuple[float, Verdict]]
) -> None:
    for value, wanted in steps:
        setattr(lab.backend.knobs, knob, value)
        # Longer than the longest window: what was before is forgotten.
        result = await lab.looks(65)
        assert lab.verdict(result, signal) is wanted, value
    lab.backend.knobs.metrics = "empty"
    if signal != "probe_memory_used_bytes":
        assert lab.verdict(await lab.looks(65), signal) is UNKNOWN


async def test_families_without_samples_are_no_data_and_never_0(lab: Watched) -> None:
    lab.backend.knobs.metrics = "empty"
    result = await lab.looks(3)
    assert result.status is Status.OK
    found = values(result)
    assert not [name for name in found if "per_second" in name or "_ratio" in name or "p95" in name]
    assert lab.verdict(result, "probe_error_ratio") is UNKNOWN
    assert lab.verdict(result, "probe_turn_fallback_ratio") is UNKNOWN


async def test_a_family_that_comes_alive_is_used(lab: Watched) -> None:
    lab.backend.knobs.metrics = "empty"
    await lab.looks(2)
    lab.backend.knobs.metrics = "filled"
    await lab.looks(2)
    assert lab.verdict(await lab.look(), "probe_turn_fallback_ratio") is OK


async def test_a_restart_is_seen_and_its_counters_begin_anew_at_0(lab: Watched) -> None:
    await lab.looks(2)
    port = lab.backend.port
    await lab.backend.stop()
    lab.backend.port = port
    await lab.backend.start()
    result = await lab.look()
    found = values(result)
    assert found["probe_restarts/app/lab-1/lab"] == 1
    assert lab.verdict(result, "probe_restarts") is MISSED
    # The lab's counters begin at 1000 s of use: all of them since the restart, 60 s before it.
    seconds = (60 + 1060) / 120
    assert found["probe_app_matches_per_second"] == pytest.approx(seconds)
    for _ in range(24 * 6):
        result = await lab.look(after=600)
    assert values(result)["probe_restarts/app/lab-1/lab"] == 1
    assert values(await lab.look())["probe_restarts/app/lab-1/lab"] == 0


async def test_few_connections_say_nothing_of_how_users_connect(lab: Watched) -> None:
    lab.backend.knobs.relayed_share = 1.0
    await lab.look()
    result = await lab.look(after=10)
    assert values(result)["probe_turn_fallback_ratio/app"] == 1
    assert lab.verdict(result, "probe_turn_fallback_ratio") is UNKNOWN
    assert lab.verdict(await lab.look(), "probe_turn_fallback_ratio") is WARNING


async def test_what_fly_reports_is_held_against_fly_s_figures_and_shown_here() -> None:
    variables = {"APP_METRICS_URL": "http://paircam.internal:3333/metrics"}
    fly = {"FLY_API_TOKEN": "FlyV1 fm2_of-no-use", "FLY_ORG": "o", "FLY_APP": "paircam"}
    judged = {}
    for name, given in (("app", variables), ("fly", {**variables, **fly})):
        checks = make_plan(KINDS, Variables(given), {}).checks
        judged[name] = {
            threshold.signal.name: check.name
            for check in checks
            for threshold in thresholds_of(check)
        }
    shared = ("probe_error_ratio", "probe_request_p95_seconds", "probe_memory_used_bytes")
    assert {judged["app"][name] for name in shared} == {"app-metrics"}
    assert {judged["fly"][name] for name in shared} == {"fly-metrics"}
    assert judged["fly"]["probe_turn_fallback_ratio"] == "app-metrics"


def test_what_is_missing_is_named() -> None:
    plan = make_plan(KINDS, Variables({"FLY_APP": "paircam"}), {})
    skipped = {(each.kind, each.reason) for each in plan.skipped}
    assert ("app_metrics", "neither APP_METRICS_URL nor BACKEND_URL is set") in skipped
    assert ("fly", "FLY_API_TOKEN is not set") in skipped


@pytest.mark.parametrize(
    ("behaviour", "cause"),
    [
        (answers(401, b""), Cause.HTTP_STATUS),
        (answers(429, b""), Cause.RATE_LIMITED),
        (answers(404, b""), Cause.HTTP_STATUS),
        (answers(200, b"<html>no metrics</html>\n"), Cause.BODY_INVALID),
        (answers(200, b"\xff\xfe"), Cause.BODY_INVALID),
        (answers(200, b"x 1\n" * 2_000_000), Cause.BODY_TOO_LARGE),
        (
            answers(200, b"".join(b'video_chat_x{a="%d"} 1\n' % n for n in range(20_001))),
            Cause.BODY_INVALID,
        ),
    ],
)
async def test_metrics_that_can_t_be_had_are_unknown_with_a_cause(
    behaviour: Behaviour, cause: Cause
) -> None:
    async with Pages(behaviour) as pages:
        result = await run_check(app(f"{pages.url}/metrics"), Context())
    assert (result.status, failure(result).cause) == (Status.UNKNOWN, cause)


async def test_a_backend_that_hangs_is_unknown_within_the_deadline(lab: Watched) -> None:
    lab.backend.knobs.silent = True
    check = app(f"{lab.backend.url}/metrics", deadline=0.3)
    result = await run_check(check, Context())
    assert (result.status, failure(result).cause) == (Status.UNKNOWN, Cause.DEADLINE)


async def test_metrics_are_worth_having_without_a_health(lab: Watched) -> None:
    lab.backend.knobs.body = "invalid"
    await lab.look()
    result = await lab.look()
    assert result.status is Status.OK
    assert "probe_turn_fallback_ratio/app" in values(result)
    assert not [name for name in values(result) if "memory" in name or "uptime" in name]


async def test_every_address_of_a_name_is_a_process_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def two(host: str, port: int) -> list[Address]:
        return [Address(f"127.0.0.{number}", port, socket.AF_INET) for number in (1, 2)]

    monkeypatch.setattr("probe.net.resolver.resolve", two)
    first, second = (b"video_chat_active_sessions %d\n" % count for count in (3, 4))
    async with Pages(answers(200, first)) as one:
        check = app(f"http://paircam.internal:{one.port}/metrics")
        async with Pages(answers(200, second), host="127.0.0.2", port=one.port):
            found = values(await run_check(check, Context()))
            assert found["probe_app_instances"] == 2
            assert found["probe_app_active_sessions"] == 7
        result = await run_check(check, Context())
    assert (result.status, failure(result).cause) == (Status.UNKNOWN, Cause.CONNECT_REFUSED)
    assert values(result)["probe_app_active_sessions"] == 3


def test_inside_fly_every_address_is_asked_by_itself() -> None:
    for url, wanted in (
        ("http://paircam.internal:3333/metrics", True),
        ("https://paircam.live/metrics", False),
    ):
        assert AppTable.model_validate({"name": "a", "url": url}).asks_every_address is wanted


async def test_processes_that_take_turns_at_one_address_give_no_rates() -> None:
    clock = Clock(1000.0)
    context = Context(clock=clock)

    def process(name: str, count: int) -> list[Behaviour]:
        health = {"instance": {"id": name}, "uptime": 100}
        return [answers(200, b"video_chat_errors_total %d\n" % count), answers(200, health)]

    turns = [*process("a", 10), *process("b", 900), *process("a", 11), *process("b", 901)]
    async with Pages(in_turn(*turns)) as pages:
        for _ in range(4):
            clock.pass_(60)
            result = await run_check(app(f"{pages.url}/metrics"), context)
    assert "take turns" in result.facts["rates"] or "in turn" in result.facts["rates"]
    assert "probe_app_errors_per_second" not in values(result)


async def test_processes_that_say_when_they_started_are_distinguished() -> None:
    clock = Clock(1000.0)
    context = Context(clock=clock)

    def scrape(started: int, count: int) -> list[Behaviour]:
        text = f"process_start_time_seconds {started}\nvideo_chat_errors_total {count}\n"
        return [answers(200, text.encode()), answers(404)]

    turns = [*scrape(1, 10), *scrape(2, 900), *scrape(1, 16), *scrape(2, 906)]
    async with Pages(in_turn(*turns)) as pages:
        for _ in range(4):
            clock.pass_(60)
            result = await run_check(app(f"{pages.url}/metrics"), context)
    assert values(result)["probe_app_errors_per_second"] == pytest.approx(12 / 120)
