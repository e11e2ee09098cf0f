"""The overall state as an SVG badge for a README or a wiki."""

from probe.core.model import Verdict
from probe.report.html.templates import environment
from probe.report.status import Overview
from probe.report.text.headline import summary
from probe.report.text.phrases import without_objectives

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
    words = summary(overview)
    said = "up" if words == "all ok" else words
    colour = _WAITING if words == "starting" else _COLOURS[without_objectives(overview.verdict)]
    return draw(LABEL, said, colour)


def draw(label: str, said: str, colour: str) -> str:
    """An SVG of two halves, each as wide as its text; ``colour`` is that of the right one."""
    left, right = _width(label), _width(said)
    context = {
        "label": label,
        "said": said,
        "left": left,
        "right": right,
        "height": _HEIGHT,
        "padding": _PADDING,
        "halves": ((0, left, _GREY), (left, right, colour)),
        "texts": ((0, left, label), (left, right, said)),
    }
    return environment().get_template("badge.svg").render(context)


def _width(text: str) -> int:
    wide = sum(_WIDTHS.get(each, _USUAL if each.isalnum() else _WIDEST) for each in text)
    return round(wide) + 2 * _PADDING
