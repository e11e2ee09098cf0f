"""States, uptime and response times as SVG badges for a README or a wiki."""

from probe.core.model import Unit, Verdict
from probe.history.uptime.model import UptimeReport
from probe.report.board import ServiceRow
from probe.report.html.templates import environment
from probe.report.status import Overview
from probe.report.text.headline import summary
from probe.report.text.phrases import without_objectives
from probe.report.text.units import show

LABEL = "probe"

# White text on each of these has a contrast of at least 4.5 (WCAG 2.2, 1.4.3).
_COLOURS = {
    Verdict.OK: "#17803d",
    Verdict.UNKNOWN: "#6b3fb5",
    Verdict.WARNING: "#9a5b00",
    Verdict.CRITICAL: "#c2141f",
}
_GREY, _WAITING = "#444c56", "#5f6873"
_HEIGHT, _PADDING = 20, 6
# Verdana's advance widths at 11 pixels; a glyph that isn't listed counts as a wide one.
_WIDTHS = {" ": 3.9, "i": 3.0, "l": 3.0, "t": 4.3, "f": 3.9, "r": 4.7, "c": 5.7, "s": 5.7, "k": 6.5}
_USUAL, _WIDEST = 7.0, 11.0


def render(overview: Overview) -> str:
    """An SVG: ``probe | up``, ``probe | 2 critical``, ``probe | starting``."""
    text = summary(overview)
    message = "up" if text == "all ok" else text
    colour = _WAITING if text == "starting" else _COLOURS[without_objectives(overview.verdict)]
    return _badge(LABEL, message, colour)


def state_badge(row: ServiceRow) -> str:
    """``Backend | up``, ``TURN | degraded``, ``Calls | down``."""
    if row.verdict is None:
        return _badge(row.title, "not run yet", _WAITING)
    verdict = without_objectives(row.verdict)
    text = {Verdict.OK: "up", Verdict.WARNING: "degraded", Verdict.CRITICAL: "down"}
    return _badge(row.title, text.get(verdict, verdict.value), _COLOURS[verdict])


def uptime_badge(title: str, report: UptimeReport, window: str, seconds: float) -> str:
    """``Backend 30d | 99.95 %``: of the time that was measured. Green within the objective, else
    red."""
    found = report.window(seconds)
    ratio = found.ratio if found is not None else None
    label = f"{title} {window}"
    if ratio is None:
        return _badge(label, "no data", _WAITING)
    verdict = Verdict.OK if ratio >= report.objective else Verdict.CRITICAL
    return _badge(label, percent(ratio), _COLOURS[verdict])


def response_badge(row: ServiceRow) -> str:
    """``Backend response | 180 ms``: the median of the last 24 hours."""
    label = f"{row.title} response"
    if row.median is None:
        return _badge(label, "no data", _WAITING)
    return _badge(label, show(row.median, Unit.SECONDS), _COLOURS[Verdict.OK])


def unknown_badge() -> str:
    """For a service that there is not."""
    return _badge(LABEL, "unknown service", _WAITING)


def percent(ratio: float) -> str:
    """``99.95 %``; never rounded up to 100 %."""
    hundredths = int(ratio * 10_000)
    return "100 %" if ratio >= 1 else f"{hundredths / 100:.2f} %"


def _badge(label: str, message: str, colour: str) -> str:
    """Two halves, each as wide as its text; ``colour`` is that of the right one."""
    left, right = _width(label), _width(message)
    context = {
        "label": label,
        "said": message,
        "left": left,
        "right": right,
        "height": _HEIGHT,
        "padding": _PADDING,
        "halves": ((0, left, _GREY), (left, right, colour)),
        "texts": ((0, left, label), (left, right, message)),
    }
    return environment().get_template("badge.svg").render(context)


def _width(text: str) -> int:
    wide = sum(_WIDTHS.get(each, _USUAL if each.isalnum() else _WIDEST) for each in text)
    return round(wide) + 2 * _PADDING
