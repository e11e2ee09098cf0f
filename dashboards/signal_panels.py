"""Signals and thresholds → panels, and on which dashboard each belongs.

What is not placed by hand goes by its name or its kind, so that a new kind is shown without
a line here.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from dashboards.model import BLUE, GREEN, ORANGE, RED, DashboardRow, Panel, PanelQuery, PanelType
from probe.core.kind import Kind
from probe.core.model import Limits, LimitSide, Signal, Threshold, Unit
from probe.metrics.families import histogram_of

SIGNALING, TURN, INFRASTRUCTURE = "probe-signaling", "probe-turn", "probe-infrastructure"

UNITS = {
    Unit.SECONDS: "s",
    Unit.BYTES: "bytes",
    Unit.RATIO: "percentunit",
    Unit.COUNT: "short",
    Unit.BOOLEAN: "bool_yes_no",
    Unit.TIMESTAMP: "dateTimeFromNow",
}
_UNIT_NOUNS = {"percentunit": "share", "short": "count", "s": "time"}
# Grafana takes dates in milliseconds.
DETAILS = "details, with PROBE_METRICS=full"
_FACTOR = {Unit.TIMESTAMP: " * 1000"}
_SUFFIXES = ("_total", "_seconds", "_bytes", "_ratio")
_ABBREVIATIONS = {"rtt": "RTT", "http": "HTTP", "dns": "DNS", "ice": "ICE", "dtls": "DTLS"}
_ABBREVIATIONS |= {"turn": "TURN", "ssl": "TLS", "cpu": "CPU", "hsts": "HSTS", "cors": "CORS"}
_ABBREVIATIONS |= {"https": "HTTPS"}


_EMPTY_DETAIL = "Exported with PROBE_METRICS=full"


def board_of(kind: Kind[Any, Any], signal: Signal) -> str:
    """The uid of the dashboard that a signal of a kind is on."""
    return signal.dashboard or kind.dashboard


def names_on(kinds: Iterable[Kind[Any, Any]], board: str) -> str:
    """The kinds that have something on a dashboard, as a regular expression; may be empty."""
    found = [
        kind.name for kind in kinds if any(board_of(kind, each) == board for each in kind.signals)
    ]
    return "|".join(found)


def selector(*more: str, providers: bool = False, transports: bool = False) -> str:
    """The selector of what the variables of a dashboard choose."""
    wanted = [*more, 'job=~"$job"', 'region=~"$region"', 'check=~"$check"']
    if providers:
        wanted.append('provider=~"$provider"')
    if transports:
        wanted.append('transport=~"$transport"')
    return "{" + ", ".join(wanted) + "}"


def of_kind(kind: Kind[Any, Any], board: str) -> str:
    """The selector of a kind's checks, on a dashboard."""
    return selector(f'kind="{kind.name}"', providers=board == TURN)


def title_of(signal: Signal) -> str:
    """A signal's name for people: its short one, or its own without prefix and unit."""
    bare = signal.name.removeprefix("probe_").removesuffix("_total")
    for suffix in _SUFFIXES:
        bare = bare.removesuffix(suffix)
    parts = [_ABBREVIATIONS.get(part, part) for part in bare.split("_")]
    parts[0] = parts[0][:1].upper() + parts[0][1:]
    return " ".join(parts) + (" in a day" if signal.counter else "")


def steps_of(threshold: Threshold | None) -> tuple[tuple[float | None, str], ...]:
    """The severity by value, from below."""
    if threshold is None:
        return ((None, GREEN),)
    limits = threshold.limits
    given = ((limits.objective, BLUE), (limits.warning, ORANGE), (limits.critical, RED))
    found = [(limit, colour) for limit, colour in given if limit is not None]
    if threshold.bad is LimitSide.ABOVE:
        return ((None, GREEN), *found)
    # From below: critical up to the most severe limit, and good from the mildest on.
    found.reverse()
    colours = [*(colour for _, colour in found), GREEN]
    bounds: list[float | None] = [None, *(limit for limit, _ in found)]
    return tuple(zip(bounds, colours, strict=True))


def panel_of(kind: Kind[Any, Any], signal: Signal, board: str) -> Panel:
    """One signal over time, with its limits drawn."""
    threshold = next((each for each in kind.thresholds if each.signal == signal), None)
    legend = " ".join(["{{check}}", "{{region}}", *(f"{{{{{name}}}}}" for name in signal.labels)])
    series = f"{signal.name}{of_kind(kind, board)}"
    if signal.counter:
        # What few runs add, a rate over minutes would show as needles.
        series = f"increase({series}[1d])"
    expr = f"{series}{_FACTOR.get(signal.unit, '')}"
    states = signal.unit is Unit.BOOLEAN
    return Panel(
        title=title_of(signal),
        description=signal.help + (" In a day." if signal.counter else _limits(threshold)),
        queries=(PanelQuery(expr, legend),),
        unit=UNITS[signal.unit],
        shape=PanelType.STATES if states else PanelType.LINES,
        thresholds=steps_of(threshold),
        value_mappings=_yes_no_mappings(threshold) if states else (),
        width=8,
        height=7,
        least=0 if signal.unit is Unit.RATIO else None,
        empty=_EMPTY_DETAIL if signal.name in kind.details else _empty(kind),
    )


def _yes_no_mappings(threshold: Threshold | None) -> tuple[tuple[float, str, str], ...]:
    """No and yes, in the colour of what is bad."""
    if threshold is None:
        return ((0, "no", BLUE), (1, "yes", GREEN))
    bad, good = ((1, "yes", ORANGE), (0, "no", GREEN))
    if threshold.bad is LimitSide.BELOW:
        bad, good = ((0, "no", ORANGE), (1, "yes", GREEN))
    return tuple(sorted((bad, good)))


def _limits(threshold: Threshold | None) -> str:
    if threshold is None or threshold.limits == Limits():
        return ""
    limits = threshold.limits
    given = (("objective", limits.objective), ("warning", limits.warning))
    named = [
        f"{name} {value:g}" for name, value in (*given, ("critical", limits.critical)) if value
    ]
    return f" Limits, drawn: {', '.join(named)}; bad {threshold.bad.value} them."


def heat_of(kind: Kind[Any, Any], signal: Signal, board: str) -> Panel:
    """How a latency is distributed, over time."""
    # A brief histogram has no label of its kind; its name says it.
    which = selector(providers=board == TURN) if kind.brief_histogram else of_kind(kind, board)
    bucket = f"{histogram_of(signal).name}_bucket{which}"
    return Panel(
        title=f"{title_of(signal)}: distribution",
        description=f"{signal.help} All runs, by how long it took.",
        queries=(PanelQuery(f"sum by (le) (increase({bucket}[$__rate_interval]))", "{{le}}"),),
        unit="s",
        shape=PanelType.HEAT,
        # Three fill a row, and this is as wide as two of them.
        width=16,
        height=7,
        interval="5m",
        empty=_empty(kind),
    )


def _empty(kind: Kind[Any, Any]) -> str:
    return f"No {kind.name} check has measured this"


def _distinct(panels: Sequence[Panel]) -> tuple[Panel, ...]:
    """Two signals that differ in their unit alone differ in their title by it."""
    titles = [panel.title for panel in panels]
    return tuple(
        replace(panel, title=f"{panel.title}, {_UNIT_NOUNS.get(panel.unit, panel.unit)}")
        if titles.count(panel.title) > 1
        else panel
        for panel in panels
    )


def has_heat(kind: Kind[Any, Any], signal: Signal) -> bool:
    """Whether a signal's histogram is exported by default."""
    return bool(kind.buckets) and signal == kind.plot and signal.latency


def rows_for(kinds: Iterable[Kind[Any, Any]], board: str) -> tuple[DashboardRow, ...]:
    """A row for each kind with what of it belongs on a dashboard."""
    rows = []
    for kind in kinds:
        signals = [signal for signal in kind.signals if board_of(kind, signal) == board]
        shown = [signal for signal in signals if signal.name not in kind.details]
        panels = [panel_of(kind, signal, board) for signal in shown]
        panels[:0] = [heat_of(kind, signal, board) for signal in shown if has_heat(kind, signal)]
        if panels:
            title = f"{kind.name}: {kind.summary}"
            rows.append(DashboardRow(title, _distinct(panels), collapsed=True))
        details = [
            panel_of(kind, signal, board) for signal in signals if signal.name in kind.details
        ]
        if details:
            rows.append(DashboardRow(f"{kind.name}: {DETAILS}", _distinct(details), collapsed=True))
    return tuple(rows)
