"""Overview: check states, firing alerts, and the objectives over 30 days with their budgets."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from alerts.prometheus.promql import number
from alerts.prometheus.slo_rules import BURNS, Objective, objectives_of
from dashboards import check_panels
from dashboards.model import (
    BLUE,
    GREEN,
    ORANGE,
    RED,
    YELLOW,
    Dashboard,
    DashboardRow,
    Panel,
    PanelQuery,
    PanelType,
)
from dashboards.signal_panels import INFRASTRUCTURE, SIGNALING, TURN, names_on, selector
from probe.core.kind import Kind
from probe.core.model import Aggregation, LimitSide, Threshold
from probe.metrics.families import histogram_of
from probe.metrics.histogram import BUCKETS

UID = "probe-overview"
_BUDGET = ((None, RED), (0.0, ORANGE), (0.25, YELLOW), (0.5, GREEN))


def overview(kinds: Iterable[Kind[Any, Any]]) -> Dashboard:
    """The dashboard of every day."""
    kinds = tuple(kinds)
    return Dashboard(
        UID,
        "Probe: overview",
        "Check states, firing alerts, and remaining error budgets.",
        (
            DashboardRow("Now", tuple(_now())),
            DashboardRow("Checks", tuple(_checks(kinds))),
            DashboardRow("Objectives over 30 days", tuple(_objectives(kinds))),
            DashboardRow("Time", (_durations(),)),
        ),
    )


def _now() -> Iterator[Panel]:
    success = f"probe_success{selector()}"
    info = f"probe_failure_info{selector()}"
    found = (
        ("Failing", "Checks that fail.", f"count({success} == 0) or vector(0)", RED),
        (
            "Not measured",
            "Checks that could not be measured: neither passing nor failing.",
            f"count({info} unless on (job, instance, check, region) {success}) or vector(0)",
            ORANGE,
        ),
        ("Passing", "Checks that pass.", f"count({success} == 1) or vector(0)", GREEN),
    )
    for title, text, expr, colour in found:
        bad = ((None, GREEN), (1, colour)) if colour != GREEN else ((None, GREEN),)
        yield Panel(
            title,
            text,
            (PanelQuery(expr, title, True),),
            shape=PanelType.STAT,
            thresholds=bad,
            width=4,
            height=4,
        )
    yield _firing_alerts()
    yield _regions()


def _firing_alerts() -> Panel:
    return Panel(
        "Firing alerts",
        "As evaluated by the probes, by severity.",
        (
            PanelQuery(
                "sum by (severity) (probe_alerts_firing * on (job, instance) "
                'group_left(region) probe_build_info{region=~"$region"})',
                "{{severity}}",
                True,
            ),
        ),
        shape=PanelType.STAT,
        thresholds=((None, GREEN), (1, RED)),
        width=6,
        height=4,
    )


def _regions() -> Panel:
    return Panel(
        "Regions",
        "Regions that run probes, and the time since their last run.",
        (
            PanelQuery(
                f"time() - max by (region) (probe_last_run_timestamp_seconds{selector()})",
                "{{region}}",
                True,
            ),
        ),
        unit="s",
        shape=PanelType.STAT,
        thresholds=((None, GREEN), (300, ORANGE), (900, RED)),
        width=6,
        height=4,
    )


def _checks(kinds: tuple[Kind[Any, Any], ...]) -> Iterator[Panel]:
    """Each links to its detailed dashboard."""
    titles = ((SIGNALING, "Signaling"), (TURN, "TURN and ICE"), (INFRASTRUCTURE, "Infrastructure"))
    for uid, title in titles:
        if not (found := names_on(kinds, uid)):
            continue
        which = selector(f'kind=~"{found}"')
        yield replace(check_panels.states(which, uid), title=f"{title}: checks over time")
    yield check_panels.availability(selector(), "check", "{{check}}")
    yield check_panels.causes(selector())
    yield replace(check_panels.failures(selector()), width=24)


def _objectives(kinds: Iterable[Kind[Any, Any]]) -> Iterator[Panel]:
    found = objectives_of(kinds)
    yield Panel(
        "Error budget remaining",
        "Of what 30 days allow: 100 % is untouched, below 0 % the objective is missed. "
        "Where less than 30 days are kept, of as many as there are.",
        tuple(_left(objective) for objective in found),
        unit="percentunit",
        shape=PanelType.BARS,
        thresholds=_BUDGET,
        width=24,
        height=10,
        least=-1,
        most=1,
    )
    yield from _filling([_kept(objective) for objective in found])
    rates = ", ".join(number(burn.rate) for burn in BURNS)
    yield Panel(
        "Error budget burn rate",
        "Errors of the last hour, against what the objective allows: 1 uses the budget up in 30 "
        f"days. Alerts begin at {rates}, the lower rates over longer windows.",
        tuple(_burn(objective) for objective in found if objective.threshold is None),
        shape=PanelType.LINES,
        thresholds=((None, GREEN), (1, BLUE), (6, ORANGE), (14.4, RED)),
        width=24,
        least=0,
    )


def _filling(panels: list[Panel]) -> Iterator[Panel]:
    """Three fill a row; what is left over for the last one shares it."""
    left_over = len(panels) % 3
    for place, panel in enumerate(panels):
        in_last_row = place >= len(panels) - left_over
        yield replace(panel, width=24 // left_over) if in_last_row else panel


def _kept(objective: Objective) -> Panel:
    share = 1 - objective.budget
    text = f"At least {number(100 * share)} % of the time passing."
    if objective.threshold is not None:
        threshold = objective.threshold
        text = f"{threshold.signal.help} Objective {number(threshold.limits.objective or 0)}"
        text += f" {threshold.signal.unit.value}, for {number(100 * share)} % of the runs."
    return Panel(
        f"{objective.kind.name}: {objective.name.replace('_', ' ')}",
        f"{text} The line is the objective.",
        (PanelQuery(f"1 - {_errors(objective, '30d')}", "{{check}}", True),),
        unit="percentunit",
        shape=PanelType.BARS,
        thresholds=((None, RED), (share, GREEN)),
        width=8,
        height=7,
        least=max(0.0, 1 - 3 * objective.budget),
        most=1,
    )


def _left(objective: Objective) -> PanelQuery:
    errors = _errors(objective, "30d")
    name = objective.name.replace("_", " ")
    return PanelQuery(f"1 - {errors} / {number(objective.budget)}", f"{{{{check}}}}: {name}", True)


def _burn(objective: Objective) -> PanelQuery:
    return PanelQuery(f"{_errors(objective, '1h')} / {number(objective.budget)}", "{{check}}")


def _errors(objective: Objective, window: str) -> str:
    """The share of errors of a window, by check, from what is scraped alone: Fly's Prometheus
    records nothing."""
    which = selector(f'kind="{objective.kind.name}"')
    threshold = objective.threshold
    if threshold is None:
        return f"(1 - avg by (check) (avg_over_time(probe_success{which}[{window}])))"
    return _errors_of(threshold, which, window)


def _errors_of(threshold: Threshold, which: str, window: str) -> str:
    signal, limit = threshold.signal, threshold.limits.objective or 0.0
    if threshold.aggregation is not Aggregation.P95:
        mean = f"avg by (check) (avg_over_time({signal.name}{which}[{window}]))"
        return f"({mean} * 1)" if threshold.bad is LimitSide.ABOVE else f"(1 - {mean})"
    if signal.latency and limit in BUCKETS and threshold.bad is LimitSide.ABOVE:
        name = histogram_of(signal).name
        within = which.replace("{", f'{{le="{limit}", ')
        good = f"sum by (check) (increase({name}_bucket{within}[{window}]))"
        return f"(1 - {good} / sum by (check) (increase({name}_count{which}[{window}])))"
    sign = ">" if threshold.bad is LimitSide.ABOVE else "<"
    errors = f"({signal.name}{which} {sign} bool {number(limit)})"
    return f"(avg by (check) (avg_over_time({errors}[{window}:1m])))"


def _durations() -> Panel:
    return Panel(
        "Runs",
        "How long the last run of each check took.",
        (PanelQuery(f"probe_duration_seconds{selector()}", "{{check}} {{region}}"),),
        unit="s",
        width=24,
        least=0,
    )
