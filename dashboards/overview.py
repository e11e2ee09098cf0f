"""Overview: what fails and why, check states, the objectives over 30 days with their budgets."""

from collections.abc import Iterable, Iterator
from typing import Any

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

UID = "probe-overview"
_CHECK = "on (job, instance, region, check)"
_PROBES = 'probe_build_info{job=~"$job", region=~"$region"}'
_DEAD = ((-1.0, "no probe", RED),)
_BUDGET = ((None, RED), (0.0, ORANGE), (0.25, YELLOW), (0.5, GREEN))
_DAYS = "30d"


def overview(kinds: Iterable[Kind[Any, Any]]) -> Dashboard:
    """The dashboard of every day."""
    kinds = tuple(kinds)
    return Dashboard(
        UID,
        "Probe: overview",
        "What fails and why, check states, and remaining error budgets.",
        (
            DashboardRow("Now", (*_now(), check_panels.failures(selector()))),
            DashboardRow("Checks", tuple(_checks(kinds))),
            DashboardRow("Objectives over 30 days", tuple(_objectives())),
            DashboardRow("Service $service", tuple(_of_service()), True, repeat="service"),
            DashboardRow("Limits", (_limits(),), collapsed=True),
            DashboardRow("Time", (_durations(),), collapsed=True),
            DashboardRow("Runs pushed by pipelines", (_pushed(),), collapsed=True),
        ),
        services=True,
    )


def counted(expr: str) -> str:
    """How many series an expression has: 0 while a probe is there, -1 where none is."""
    return f"count({expr}) or 0 * count({_PROBES}) or vector(-1)"


def _now() -> Iterator[Panel]:
    success, info = check_panels.measured(selector()), f"probe_failure_info{selector()}"
    blind = f"{info} unless {_CHECK} probe_success{selector()}"
    yield _count("Failing", "Checks that fail.", f"{success} == 0", RED)
    yield _count(
        "Not measured",
        "Checks that could not be measured: neither passing nor failing.",
        blind,
        ORANGE,
    )
    yield _count("Passing", "Checks that pass.", f"{success} == 1", BLUE)
    yield _count("Firing alerts", "Of a region, after their time.", _alerts(), RED)
    seen = f"max by (job, region) (last_over_time({_PROBES}[1d]))"
    yield _count(
        "Silent regions",
        "Regions whose probe reported within a day and no longer does: what they show is old.",
        f"{seen} unless on (job, region) {_PROBES}",
        RED,
    )
    yield Panel(
        "Last run",
        "Time since the last run in each region.",
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
        width=4,
        height=4,
    )


def _alerts() -> str:
    return f"max by (job, check, signal) (probe_alert_severity{selector()} > 0)"


def _count(title: str, text: str, expr: str, colour: str) -> Panel:
    """Red without any probe: nothing is well that is not watched."""
    good = BLUE if colour == BLUE else GREEN
    return Panel(
        title,
        text,
        (PanelQuery(counted(expr), title, True),),
        shape=PanelType.STAT,
        thresholds=((None, RED), (0, good), (1, colour)),
        value_mappings=_DEAD,
        width=4,
        height=4,
    )


def _checks(kinds: tuple[Kind[Any, Any], ...]) -> Iterator[Panel]:
    """Each links to its detailed dashboard."""
    titles = ((SIGNALING, "Signaling"), (TURN, "TURN and ICE"), (INFRASTRUCTURE, "Infrastructure"))
    for uid, title in titles:
        if not (found := names_on(kinds, uid)):
            continue
        which = selector(f'kind=~"{found}"')
        yield check_panels.states(which, uid, f"{title}: checks over time")
    yield check_panels.availability(selector(), "check", "{{check}}")
    yield check_panels.causes(selector())


def _of_service() -> Iterator[Panel]:
    """A service of the status page: its checks, and how available they were."""
    which = 'probe_check_info{job=~"$job", service=~"$service"}'
    own = f" and {_CHECK} {which}"
    yield check_panels.states(selector(), title="Checks of the service", more=own)
    named = f"{_CHECK} group_left (service) {which}"
    kept = f"avg by (service) (avg_over_time(probe_success{selector()}[$__range]) * {named})"
    yield Panel(
        "Availability of the service",
        "The mean of its checks in the time shown.",
        (PanelQuery(kept, "{{service}}", True),),
        unit="percentunit",
        shape=PanelType.STAT,
        thresholds=check_panels.AVAILABILITY,
        height=4,
        decimals=3,
    )
    why = f"probe_failure_info{selector()} and {_CHECK} {which}"
    yield Panel(
        "Causes in the service",
        "How many of its checks fail or can't be measured, by cause.",
        (PanelQuery(f"count by (cause) ({why}) or 0 * count({which})", "{{cause}}"),),
        shape=PanelType.STACK,
        height=7,
        least=0,
    )


def _pushed() -> Panel:
    """What single runs have pushed within a day; older results say nothing of now."""
    by, group = "check, job, region", "on (job, instance, region)"
    recent = f"{group} (time() - {check_panels.PUSHED} < 86400)"
    age = f"{group} group_left () (1000 * {check_panels.PUSHED})"
    result = f"probe_success{selector()}"
    return Panel(
        "Pushed within a day",
        "The last result of each check that a pipeline has pushed (`probe --once --push`), and "
        "when. What is older is left out: a Pushgateway keeps results forever.",
        (
            PanelQuery(f"min by ({by}) (0 * ({result} and {recent}) + {age})", now=True),
            PanelQuery(f"min by ({by}) ({result} and {recent})", now=True),
        ),
        unit="dateTimeFromNow",
        shape=PanelType.TABLE,
        width=24,
        columns=(
            ("check", "Check"),
            ("job", "Job"),
            ("region", "Region"),
            ("Value #A", "Pushed"),
            ("Value #B", "Passed"),
        ),
    )


def _objective() -> str:
    share = "on (job, instance, kind) group_left () probe_objective_ratio"
    share += '{job=~"$job"}'
    return f"max by (check) (probe_check_info{selector()} * {share})"


def _objectives() -> Iterator[Panel]:
    kept = check_panels.success_share(selector(), "check", _DAYS)
    left = f"1 - (1 - {kept}) / on (check) (1 - {_objective()})"
    yield Panel(
        "Objectives",
        "Of each check the availability objective, what was kept of it in 30 days (or as many as "
        "there are), and the share of the error budget that is left: below 0 it is missed.",
        (
            PanelQuery(_objective(), "objective", True),
            PanelQuery(kept, "kept", True),
            PanelQuery(left, "budget left", True),
        ),
        unit="percentunit",
        shape=PanelType.TABLE,
        thresholds=_BUDGET,
        width=24,
        height=10,
        decimals=3,
        columns=(
            ("check", "Check"),
            ("Value #A", "Objective"),
            ("Value #B", "Kept"),
            ("Value #C", "Budget left"),
        ),
    )
    hour = check_panels.success_share(selector(), "check", "1h")
    yield Panel(
        "Error budget burn rate",
        "Errors of the last hour, against what the objective allows: 1 uses the budget up in 30 "
        "days. Alerts begin at 14.4, 6, 3, 1, the lower rates over longer windows.",
        (PanelQuery(f"(1 - {hour}) / on (check) (1 - {_objective()})", "{{check}}"),),
        thresholds=((None, GREEN), (1, BLUE), (6, ORANGE), (14.4, RED)),
        width=24,
        least=0,
    )


def _limits() -> Panel:
    """Whatever has a limit, queries and limits of one's own included."""
    one = "job, instance, region, check, signal"
    which = selector('level="warning"', 'bad="above"')
    limit = f"max by ({one}) (probe_threshold{which} > 0)"
    return Panel(
        "Values by their warning limits",
        "Each value that has a warning limit above it, as a share of the limit; the highest 20. "
        "Limits and queries of probe.toml count.",
        (
            PanelQuery(
                f"topk(20, probe_judged{selector()} / on ({one}) group_left () {limit})",
                "{{check}} {{region}} {{signal}}",
                True,
            ),
        ),
        unit="percentunit",
        shape=PanelType.BARS,
        thresholds=((None, GREEN), (0.8, BLUE), (1, ORANGE)),
        width=24,
        height=12,
        least=0,
    )


def _durations() -> Panel:
    return Panel(
        "Runs",
        "How long the last run of each check took.",
        (PanelQuery(f"probe_duration_seconds{selector()}", "{{check}} {{region}}"),),
        unit="s",
        width=24,
        least=0,
    )
