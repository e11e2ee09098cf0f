"""Figures as rows of a table, and the goal that they are held against."""

from collections.abc import Sequence
from typing import Any

Figures = dict[str, Any]
"""What ``measure`` gives; or ``ended``, where the process that measured didn't come to an end."""

_COLUMNS = [
    "target",
    "p50 alone, ms",
    "next to it",
    "p95 alone",
    "next to it",
    "loop blocked, ms",
    "CPU",
]
_COLUMNS += ["more MB", "cause", "within the goal"]
_EARLIER = ["before: p50 next to it", "p95 next to it", "loop blocked", "more MB"]


def within_goal(figures: Figures) -> bool:
    """p95 at most twice that alone and 5 ms, no turn of over 100 ms of CPU, no run failed."""
    if "ended" in figures:
        return False
    p95 = 2 * figures["alone"]["p95"] + 0.005
    return bool(figures["beside"]["p95"] <= p95 and figures["cpu"] <= 0.1 and not figures["failed"])


def middle(measurements: Sequence[Figures]) -> Figures:
    """The one in the middle by p95 next to it; the first of one or two."""
    if len(measurements) < 3:
        return measurements[0]

    def p95(figures: Figures) -> float:
        return float(figures["beside"]["p95"]) if "beside" in figures else float("inf")

    return sorted(measurements, key=p95)[len(measurements) // 2]


def heading(*, with_before: bool = False) -> str:
    """The first two lines of the table."""
    columns = [*_COLUMNS, *(_EARLIER if with_before else ())]
    return f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}"


def row(name: str, figures: Figures, earlier: Figures | None = None) -> tuple[str, bool]:
    """One server, and whether its neighbours are within the goal."""
    good = within_goal(figures)
    cells = [name, *_figures(figures), figures.get("cause", ""), "yes" if good else "NO"]
    if earlier is not None:
        cells += _earlier(earlier)
    return f"| {' | '.join(cells)} |", good


def _figures(figures: Figures) -> list[str]:
    if "ended" in figures:
        return [figures["ended"], *[""] * 6]
    times = [figures[when][p] for p in ("p50", "p95") for when in ("alone", "beside")]
    milliseconds = [f"{1000 * each:.1f}" for each in times]
    milliseconds += [f"{1000 * figures[each]:.0f}" for each in ("stood", "cpu")]
    return [*milliseconds, f"{figures['megabytes']:.1f}"]


def _earlier(figures: Figures) -> list[str]:
    if "ended" in figures:
        return [figures["ended"], "", "", ""]
    beside = [f"{1000 * figures['beside'][p]:.1f}" for p in ("p50", "p95")]
    return [*beside, f"{1000 * figures['cpu']:.0f}", f"{figures['megabytes']:.1f}"]
