"""Components of the status page: verdicts, times, definition lists, collapsible lists."""

from collections.abc import Sequence

from probe.core.model import Verdict
from probe.report.html.markup import NOTHING, Child, Markup, concat, element
from probe.report.text.headline import NOT_RUN
from probe.report.text.phrases import SYMBOLS, without_objectives
from probe.report.text.time_format import clock, duration, iso


def sign(verdict: Verdict | None) -> Markup:
    """A verdict as symbol and word; colour is only additional."""
    if verdict is None:
        return element("span", f"· {NOT_RUN}", class_="sign none")
    shown = without_objectives(verdict)
    return element("span", f"{SYMBOLS[shown]} {shown.value}", class_=f"sign {shown.value}")


def instant(moment: float | None, now: float, *, seconds: bool = False) -> Markup:
    """``03:12 UTC``, for programs to the second."""
    return element("time", f"{clock(moment, now, seconds=seconds)} UTC", datetime=iso(moment))


def since(moment: float | None, now: float) -> Markup:
    """``03:12 UTC (24 min)``; nothing if unknown."""
    if moment is None:
        return NOTHING
    return concat((instant(moment, now), f" ({duration(now - moment)})"))


def pairs(found: Sequence[tuple[str, Child]]) -> Markup:
    """Names and values; a pair without a value is left out."""
    return element(
        "dl",
        *(
            element("div", element("dt", name), element("dd", value))
            for name, value in found
            if value
        ),
    )


def listing(items: Sequence[Markup], shown: int) -> Markup:
    """A list whose end folds away when there are more than so many."""
    first = element("ul", *(element("li", item) for item in items[:shown]))
    rest = items[shown:]
    if not rest:
        return first
    more = element("summary", f"{len(rest):,} more")
    folded = element("details", more, element("ul", *(element("li", item) for item in rest)))
    return element("div", first, folded)
