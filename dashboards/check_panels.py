"""Panels that every group of checks has: state, availability, causes and phases."""

from dashboards.model import BLUE, GREEN, ORANGE, RED, DashboardRow, Panel, PanelQuery, PanelType

AVAILABILITY = ((None, RED), (0.95, ORANGE), (0.99, BLUE), (0.999, GREEN))
_STATES = ((0.0, "failing", RED), (1.0, "passing", GREEN))


def states(selector: str, drill: str = "") -> Panel:
    """Each check over time; gaps are where nothing could be measured."""
    return Panel(
        title="Checks over time",
        description="What the last run of each check found. A gap: it could not be measured.",
        queries=(PanelQuery(f"probe_success{selector}", "{{check}} {{region}}"),),
        unit="short",
        shape=PanelType.STATES,
        words=_STATES,
        width=24,
        height=9,
        link_to=drill,
    )


def availability(selector: str, by: str, legend: str) -> Panel:
    """The availability of checks in the time shown."""
    return Panel(
        title="Availability in the time range",
        description="Share of the measured time in which checks passed. Unknown and gaps are left "
        "out; Checks over time shows them.",
        queries=(
            PanelQuery(
                f"avg by ({by}) (avg_over_time(probe_success{selector}[$__range]))", legend, True
            ),
        ),
        unit="percentunit",
        shape=PanelType.BARS,
        thresholds=AVAILABILITY,
        least=0,
        most=1,
    )


def causes(selector: str) -> Panel:
    """Why checks fail or can't be measured, over time."""
    return Panel(
        title="Causes",
        description="How many checks fail or can't be measured, by cause. Causes are a closed "
        "list, which the README has. Empty while all checks pass.",
        queries=(
            PanelQuery(
                f"count by (cause) (probe_failure_info{selector}) or vector(0)", "{{cause}}"
            ),
        ),
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
    """Failing checks now, and in which phase."""
    return Panel(
        title="Failing now",
        description="Failed runs and runs that could not measure, with phase and cause. Empty: "
        "all checks pass.",
        queries=(
            PanelQuery(
                f"sum by (check, region, target, phase, cause) (probe_failure_info{selector})",
                now=True,
            ),
        ),
        shape=PanelType.TABLE,
    )


def row(title: str, selector: str, by: str, legend: str, drill: str = "") -> DashboardRow:
    """All of them for one group of checks."""
    return DashboardRow(
        title,
        (
            states(selector, drill),
            availability(selector, by, legend),
            causes(selector),
            phases(selector),
            failures(selector),
        ),
    )
