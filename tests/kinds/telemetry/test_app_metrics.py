"""The app_metrics check, against the lab's backend on a clock that the test moves."""

import pytest

from probe.config.check_plan import make_plan
from probe.core.environment import Variables
from probe.core.model import Status, Verdict
from probe.core.thresholds import thresholds_of
from probe.kinds import KINDS
from tests.kinds.http_helpers import values
from tests.kinds.telemetry.watched_app import CRITICAL, MISSED, OK, UNKNOWN, WARNING, Watched

pytestmark = pytest.mark.usefixtures("leaks")


async def test_the_first_run_has_gauges_and_reports_that_rates_come_later(lab: Watched) -> None:
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


# By signal: the knob, and what each of its values is judged.
JUDGED: dict[str, tuple[str, list[tuple[float, Verdict]]]] = {
    "probe_error_ratio": (
        "error_share",
        [(0, OK), (0.005, MISSED), (0.03, WARNING), (0.08, CRITICAL)],
    ),
    "probe_request_p95_seconds": (
        "request_seconds",
        [(0.2, OK), (0.9, MISSED), (2.0, CRITICAL)],
    ),
    "probe_turn_fallback_ratio": ("relayed_share", [(0.1, OK), (0.2, MISSED), (0.4, WARNING)]),
    "probe_ice_success_ratio": ("failed_share", [(0.01, OK), (0.1, MISSED)]),
    "probe_memory_used_bytes": ("memory", [(150e6, OK), (250e6, MISSED), (310e6, WARNING)]),
}


async def test_limits_are_met_missed_and_broken_as_the_backend_counts(lab: Watched) -> None:
    """A signal that has no further value keeps its last."""
    for number in range(max(len(steps) for _, steps in JUDGED.values())):
        now = {
            signal: (knob, *steps[min(number, len(steps) - 1)])
            for signal, (knob, steps) in JUDGED.items()
        }
        for knob, value, _ in now.values():
            setattr(lab.backend.knobs, knob, value)
        # Longer than the longest window: what was before is forgotten.
        result = await lab.looks(65)
        found = {signal: lab.verdict(result, signal) for signal in now}
        assert found == {signal: wanted for signal, (_, _, wanted) in now.items()}
    lab.backend.knobs.metrics = "empty"
    result = await lab.looks(65)
    for signal in JUDGED:
        if signal != "probe_memory_used_bytes":
            assert lab.verdict(result, signal) is UNKNOWN


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


async def test_a_restart_is_detected_and_its_counters_start_at_0(lab: Watched) -> None:
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
