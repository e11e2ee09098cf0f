"""Every rule at, below and above its limit, and without data; all of them from the catalogue."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from alerts.prometheus.limit import Limit, limits_of
from alerts.prometheus.promql import Alerting, duration
from alerts.prometheus.rules import groups, rules_file
from alerts.prometheus.slo_rules import BURNS, Objective, objectives_of, without_budget
from probe.core.kind import BACKOFF_ABOVE_SECONDS, Kind
from probe.core.model import Aggregation, Limits, LimitSide, Signal, Threshold, Unit, Verdict
from probe.kinds import KINDS
from probe.kinds.fly import KIND as FLY
from probe.telemetry.shared_signals import ERROR_RATIO
from tests import requirements
from tests.alerts.prometheus.worlds import STEP, Seen, World, labelled, run, steady
from tests.fake_kind import TOY_SECONDS, toy_kind

SHARE = Signal("probe_toy_refused_ratio", Unit.RATIO, "Refused.", labels=("side",))
STEPS = Signal("probe_toy_steps", Unit.COUNT, "Steps.")
# Every way of aggregating and both sides of a limit, whatever the kinds have at present.
TOY = toy_kind(
    signals=(TOY_SECONDS, SHARE, STEPS),
    interval=30.0,
    thresholds=(
        Threshold(STEPS, Limits(warning=10.0, critical=5.0), bad=LimitSide.BELOW),
        Threshold(
            TOY_SECONDS,
            Limits(objective=0.5, critical=1.0),
            aggregation=Aggregation.P95,
            window=300.0,
            minimum_samples=8,
        ),
        Threshold(
            SHARE,
            Limits(objective=0.1, warning=0.3, critical=0.6),
            aggregation=Aggregation.RATIO,
            window=600.0,
            minimum_samples=16,
        ),
    ),
)
ALL = (*KINDS, TOY)
MINUTES = 60
# A p95 of a check that looks every few minutes needs an hour of samples. Nothing moves in that
# time, so a minute is close enough between two.
LENGTH, SPARSE = 2 * 3600, 60
RARELY = 600
"""Seconds from one look at the rules to the next, where days pass."""


def beyond(threshold: Threshold, limit: float, by: float) -> float:
    """A value on the bad side of a limit, or (negative) on the good one, by a share of it."""
    sign = 1 if threshold.bad is LimitSide.ABOVE else -1
    return limit + sign * by * (abs(limit) or 1.0)


def test_promtool_finds_nothing_wrong_with_the_rules(tmp_path: Path) -> None:
    program = requirements.program("promtool", part="prometheus")
    (tmp_path / "rules.yml").write_text(rules_file(ALL), encoding="utf-8")
    command = [program, "check", "rules", "--lint=all", "--lint-fatal", "rules.yml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_threshold_has_its_rules() -> None:
    rules = [rule for group in groups(ALL) for rule in group.rules if isinstance(rule, Alerting)]
    found = {(rule.labels.get("kind"), rule.alert, rule.labels.get("level")) for rule in rules}
    burns = {(rule.labels.get("kind"), rule.labels.get("objective")) for rule in rules}
    for kind in ALL:
        assert (kind.name, "ProbeFailing", "warning") in found
        assert (kind.name, "availability") in burns
        for threshold in kind.thresholds:
            limit, limits = Limit(kind, threshold), threshold.limits
            if limits.warning is not None or limits.critical is not None:
                assert (kind.name, limit.alert, "warning") in found
            if limits.critical is not None:
                assert (kind.name, limit.alert, "critical") in found
            if limits.objective is not None and not without_budget(threshold):
                bare = threshold.signal.name.removeprefix("probe_")
                assert (kind.name, bare) in burns


def _case(world: World, limit: Limit, name: str, value: float, cases: int = 10_000) -> str:
    name = f"{limit.kind.name}-{limit.alert}-{name}".lower()
    seen = Seen(limit.kind, name, step=world.step)
    seen.measured(limit.threshold, steady(value, 1000), cases)
    world.checks.append(seen)
    return seen.check


JUDGED = [kind for kind in ALL if limits_of([kind])]


@pytest.mark.parametrize("kind", JUDGED, ids=lambda kind: kind.name)
def test_limits_at_below_and_above(tmp_path: Path, kind: Kind[Any, Any]) -> None:
    world = World(samples=LENGTH // SPARSE, step=SPARSE)
    for limit in limits_of([kind]):
        threshold, limits = limit.threshold, limit.threshold.limits
        # A ratio alerts only when its whole interval is beyond the limit: in two hours of
        # runs every quarter of an hour far beyond it.
        far = (2.0 if threshold.bad is LimitSide.ABOVE else 1.0) if limit.is_a_share else 0.001
        for level, bound in (("warning", limit.lowest), ("critical", limits.critical)):
            if bound is None:
                continue
            for name, by, count in (("at", 0.0, 0), ("below", -0.2, 0), ("above", far, 1)):
                value = min(beyond(threshold, bound, by), 1e12)
                # A forecast may go beyond the whole, a share can't.
                if threshold.signal.unit is Unit.RATIO and bound < 1.0:
                    value = min(value, 1.0)
                check = _case(world, limit, f"{level}-{name}", value)
                labels = {"alertname": limit.alert, "check": check}
                world.expect(LENGTH, count, **labels, level=level, scope="region")
                if level == "critical":
                    world.expect(LENGTH, count, **labels, severity="critical", scope="global")
    run(tmp_path, [kind], [world])


@pytest.mark.parametrize("kind", JUDGED, ids=lambda kind: kind.name)
def test_a_value_that_burns_ends_only_well_within_its_limit(
    tmp_path: Path, kind: Kind[Any, Any]
) -> None:
    """Above, then 2 % within the limit, then well within it."""
    world = World(samples=LENGTH // STEP)
    for limit in limits_of([kind]):
        if limit.threshold.aggregation is not Aggregation.LAST or not limit.lowest:
            # Nothing is nearly nothing: without a limit there is no share of it.
            continue
        far = 1.0 if limit.is_a_share else 0.1
        bad, near, well = (beyond(limit.threshold, limit.lowest, by) for by in (far, -0.02, -0.2))
        seen = Seen(limit.kind, f"{limit.kind.name}-{limit.alert}".lower())
        seen.measured(limit.threshold, f"{steady(bad, 40)} {steady(near, 40)} {steady(well, 400)}")
        world.checks.append(seen)
        labels = {"alertname": limit.alert, "check": seen.check, "level": "warning"}
        world.expect(39 * STEP, 1, **labels)
        world.expect(79 * STEP, 1, **labels)
        world.expect(80 * STEP + 60, 1, **labels)
        longest = min(max(2 * limit.kind.interval, 120), 3600)
        world.expect(80 * STEP + longest + 2 * STEP, 0, **labels)
    run(tmp_path, [kind], [world])


def test_a_ratio_of_few_runs_fires_only_when_it_is_sure(tmp_path: Path) -> None:
    """0.32 of 20 runs is above 0.3, and its 95 % interval begins below it."""
    (limit,) = [each for each in limits_of([TOY]) if each.threshold.signal is SHARE]
    world = World(samples=LENGTH // SPARSE, step=SPARSE)
    unsure, sure = (_case(world, limit, *each) for each in (("unsure", 0.32), ("sure", 0.6)))
    world.expect(LENGTH, 0, alertname=limit.alert, check=unsure, level="warning")
    world.expect(LENGTH, 1, alertname=limit.alert, check=sure, level="warning")
    run(tmp_path, [TOY], [world])


def test_a_share_of_few_cases_that_others_counted_is_told_only_when_it_is_sure(
    tmp_path: Path,
) -> None:
    """One error among twenty requests, a few of nothing, and many of many."""
    errors = [each for each in limits_of([FLY]) if each.threshold.signal is ERROR_RATIO]
    world = World(samples=40)
    cases = {"unsure": (0.05, 20, 0), "few": (0.5, 19, 0), "sure": (0.05, 2000, 1)}
    for name, (value, count, fires) in cases.items():
        check = _case(world, errors[0], name, value, count)
        world.expect(9 * MINUTES, fires, alertname=errors[0].alert, check=check, level="warning")
    run(tmp_path, [FLY], [world])


def test_too_few_runs_are_no_data(tmp_path: Path) -> None:
    (limit,) = [each for each in limits_of([TOY]) if each.threshold.signal is TOY_SECONDS]
    world = World(samples=40)
    check = _case(world, limit, "young", 5.0)
    world.expect(3 * MINUTES, 0, alertname=limit.alert, check=check)
    world.expect(9 * MINUTES, 1, alertname=limit.alert, check=check, level="warning")
    run(tmp_path, ALL, [world])


def test_failing_fires_after_its_hold_and_not_before(tmp_path: Path) -> None:
    world = World(samples=120)
    for kind in ALL:
        hold = kind.failing.hold
        for name, good in (("fails", 20), ("well", 400)):
            seen = Seen(kind, f"{kind.name}-{name}")
            seen.series["probe_success"] = f"{steady(1, good)} {steady(0, 100)}"
            world.checks.append(seen)
        labels = {"alertname": "ProbeFailing", "check": f"{kind.name}-fails"}
        begun = 20 * STEP
        if hold:
            world.expect(begun + hold - STEP, 0, **labels)
        world.expect(begun + hold, 1, **labels, level="warning")
        pages = int(kind.failing.severity is Verdict.CRITICAL)
        world.expect(begun + hold, pages, **labels, level="critical")
        world.expect(begun + hold, pages, **labels, severity="critical", scope="global")
        world.expect(begun + hold, 0, alertname="ProbeFailing", check=f"{kind.name}-well")
    run(tmp_path, ALL, [world])


@pytest.mark.parametrize("step", [SPARSE, RARELY])
def test_without_data_for_long_enough_is_told_and_moves_nothing_else(
    tmp_path: Path, step: int
) -> None:
    """Runs that can't measure, and runs that don't come."""
    kinds = [kind for kind in ALL if (kind.interval >= BACKOFF_ABOVE_SECONDS) == (step == RARELY)]
    begun, longest = 600, max(3 * kind.interval for kind in kinds)
    length = int(begun + longest) // step + 10
    world = World(samples=length, step=step)
    for kind in kinds:
        long = begun + max(3 * kind.interval, 300.0)
        blind, missing = (Seen(kind, f"{kind.name}-{n}", step=step) for n in ("blind", "missing"))
        blind.series["probe_unmeasured_since_timestamp_seconds"] = steady(begun, length)
        missing.series["probe_last_run_timestamp_seconds"] = steady(begun, length)
        world.checks += [blind, missing]
        for seen in (blind, missing):
            labels = {"alertname": "ProbeNoData", "check": seen.check}
            world.expect(long - step, 0, **labels)
            world.expect(long + 2 * step, 1, **labels)
            world.expect(long + 2 * step, 0, check=seen.check, severity="critical")
            world.expect(long + 2 * step, 1, check=seen.check)
    run(tmp_path, kinds, [world])


def test_a_probe_whose_checks_never_ran_is_told(tmp_path: Path) -> None:
    kind = KINDS[0]
    seen = Seen(kind, "never")
    world = World(samples=60, checks=[seen])
    seen.series["probe_last_run_timestamp_seconds"] = "_x60"
    world.more[labelled("process_start_time_seconds", {"job": "probe", "instance": "lax:9091"})] = (
        steady(0, 60)
    )
    world.expect(270, 0, alertname="ProbeNoData")
    world.expect(330, 1, alertname="ProbeNoData", check="never")
    run(tmp_path, ALL, [world])


def _errors(objective: Objective, seen: Seen, share: float) -> None:
    """So large a share of errors, all the time."""
    threshold = objective.threshold
    if threshold is None:
        seen.series["probe_success"] = steady(1 - share, 1000)
    elif threshold.aggregation is Aggregation.P95:
        limit = threshold.limits.objective or 0.0
        bad, good = (beyond(threshold, limit, by) for by in (0.5, -0.5))
        count = round(20 * share)
        pattern = f"{steady(good, 20 - count)} " + f"{steady(bad, count)} " * bool(count)
        seen.measured(threshold, (pattern * 40).strip())
    else:
        value = share if threshold.bad is LimitSide.ABOVE else 1 - share
        seen.measured(threshold, steady(value, 1000))


def _shares(objective: Objective, limit: float) -> tuple[float, float, float]:
    """At (or just below), below, above a burn rate; what comes or goes does so in twentieths."""
    comes = objective.threshold is not None and objective.threshold.aggregation is Aggregation.P95
    if comes:
        at = int(limit * 20 + 1e-9) / 20
        return at, max(at - 0.05, 0.0), at + 0.1
    return limit * (1 - 1e-9), limit * 0.8, limit * 1.01


@pytest.mark.parametrize("burn", BURNS, ids=lambda burn: duration(burn.long))
def test_budgets_burn_at_below_and_above(tmp_path: Path, burn: object) -> None:
    (rate,) = [each for each in BURNS if each is burn]
    world = World(samples=40 * 4)
    for objective in objectives_of(ALL):
        limit = rate.rate * objective.budget
        if limit >= 1:
            continue
        names = ("at", "below", "above")
        for name, share in zip(names, _shares(objective, limit), strict=True):
            seen = Seen(objective.kind, f"{objective.kind.name}-{objective.name}-{name}")
            _errors(objective, seen, share)
            world.checks.append(seen)
            world.expect(
                35 * MINUTES,
                int(name == "above"),
                alertname="ProbeBudgetBurn",
                check=seen.check,
                objective=objective.name,
                burn_window=duration(rate.long),
            )
    run(tmp_path, ALL, [world])
