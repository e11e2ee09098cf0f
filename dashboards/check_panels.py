"""Panels that every group of checks has: state, availability, causes and phases."""

from dashboards.model import BLUE, GREEN, ORANGE, RED, DashboardRow, Panel, PanelQuery, PanelType

AVAILABILITY = ((None, RED), (0.95, ORANGE), (0.99, BLUE), (0.999, GREEN))
_STATES = ((0.0, "failing", RED), (1.0, "passing", GREEN))
_CHECK = "on (job, instance, region, check)"
# What one push has in common.
_GROUP = "on (job, instance, region)"
PUSHED = 'probe_pushed_timestamp_seconds{job=~"$job"}'


def measured(selector: str) -> str:
    """The last result of the checks that run here; not what was pushed there by a single run."""
    return f"(probe_success{selector} and {_CHECK} probe_interval_seconds{selector})"


def not_pushed(expr: str) -> str:
    """Without what single runs have pushed: it stays until the next one, whatever happens."""
    return f"({expr} unless {_GROUP} {PUSHED})"


def success_share(selector: str, by: str, window: str) -> str:
    """The share of the measured time in which checks passed, whatever restarts there were."""
    good = not_pushed(f"sum_over_time(probe_success{selector}[{window}])")
    every = not_pushed(f"count_over_time(probe_success{selector}[{window}])")
    return f"(sum by ({by}) {good} / sum by ({by}) {every})"


def states(
    selector: str, drill: str = "", title: str = "Checks over time", more: str = ""
) -> Panel:
    """Each check over time; gaps are where nothing could be measured. ``more`` is a condition on
    the checks, as the end of the expression."""
    return Panel(
        title=title,
        description="The worst result of each check in each step, so that a short failure is seen "
        "over days too. A gap: it could not be measured.",
        queries=(
            PanelQuery(
                not_pushed(f"min_over_time(probe_success{selector}[$__interval])") + more,
                "{{check}} {{region}}",
            ),
        ),
        unit="short",
        shape=PanelType.STATES,
        value_mappings=_STATES,
        width=24,
        height=9,
        link_to=drill,
        interval="1m",
    )


def availability(selector: str, by: str, legend: str) -> Panel:
    """The availability of checks in the time shown."""
    return Panel(
        title="Availability in the time range",
        description="Share of the measured time in which checks passed. Unknown and gaps are left "
        "out; Checks over time shows them.",
        queries=(PanelQuery(success_share(selector, by, "$__range"), legend, True),),
        unit="percentunit",
        shape=PanelType.BARS,
        thresholds=AVAILABILITY,
        least=0,
        most=1,
        decimals=3,
    )


def causes(selector: str) -> Panel:
    """Why checks fail or can't be measured, over time."""
    return Panel(
        title="Causes",
        empty="Nothing fails",
        description="How many checks fail or can't be measured, by cause. Causes are a closed "
        "list, which the documentation has. Empty while all checks pass.",
        queries=(PanelQuery(f"count by (cause) (probe_failure_info{selector})", "{{cause}}"),),
        shape=PanelType.STACK,
        thresholds=((None, GREEN), (1, RED)),
        least=0,
    )


def phases(selector: str) -> Panel:
    """Where the time of runs goes."""
    return Panel(
        title="Phases",
        description="Seconds of the last run in each of its phases, the mean of the checks.",
        queries=(
            PanelQuery(f"avg by (phase) (probe_phase_duration_seconds{selector})", "{{phase}}"),
        ),
        unit="s",
        shape=PanelType.STACK,
        least=0,
    )


def failures(selector: str) -> Panel:
    """What fails now and why, since when, and where to go."""
    why = f"{_CHECK} group_left (phase, cause) probe_failure_info{selector}"
    which = '{job=~"$job", signal="failing"}'
    links = f"{_CHECK} group_left (runbook_url, status_url) probe_alert_info{which}"
    since = (
        f"(1000 * (probe_failing_since_timestamp_seconds{selector} or {_CHECK} "
        f"probe_unmeasured_since_timestamp_seconds{selector}) * {why})"
    )
    fires = f"({since} * {links})"
    by = "check, region, target, phase, cause, runbook_url, status_url"
    return Panel(
        title="What fails and why",
        description="Failed runs and runs that could not measure, with phase and cause, and since "
        "when. A check links to its runbook and the status page. Empty: all checks pass.",
        queries=(PanelQuery(f"max by ({by}) ({fires} or {_CHECK} {since})", now=True),),
        unit="dateTimeFromNow",
        shape=PanelType.TABLE,
        width=24,
        columns=(
            ("check", "Check"),
            ("region", "Region"),
            ("Value", "Since"),
            ("phase", "Phase"),
            ("cause", "Cause"),
            ("target", "Target"),
        ),
        links=(("runbook_url", "Runbook"), ("status_url", "Status page")),
    )


def row(selector: str, by: str, legend: str) -> DashboardRow:
    """All of them for one group of checks, what fails first."""
    return DashboardRow(
        "Checks",
        (
            failures(selector),
            states(selector),
            availability(selector, by, legend),
            causes(selector),
            phases(selector),
        ),
    )
