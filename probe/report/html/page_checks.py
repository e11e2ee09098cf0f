"""One check on the status page: a card if it is not well, else a line that unfolds."""

from collections.abc import Mapping

from probe.core.model import Unit, Verdict
from probe.history.model import StatePeriod
from probe.report.html.components import instant, listing, pairs, sign, since
from probe.report.html.markup import NOTHING, Child, Markup, concat, element, join, truncate
from probe.report.html.plots import off_scale_limits, plot, plot_summary, status_strip
from probe.report.status import Overview, StatusRow
from probe.report.text.headline import (
    LONGEST_NAME,
    LONGEST_TEXT,
    NOT_RUN,
    OUTDATED,
    breaches,
    day_summary,
    figures,
    problem,
    share,
)
from probe.report.text.phrases import MISSED, SYMBOLS
from probe.report.text.time_format import clock, duration, iso
from probe.report.text.units import show

# So many are enough to look at; status.json has them all.
_FACTS, _LABELS, _FIGURES, _PHASES = 8, 8, 8, 16
_INCIDENTS_OPEN, _INCIDENTS = 2, 20
_DOT = Markup(" · ")

Pair = tuple[str, Child]


def card(row: StatusRow, overview: Overview, identity: str) -> Markup:
    """A check that is not well, with everything that helps."""
    name = element("span", truncate(row.name, LONGEST_NAME))
    return element(
        "article",
        element("h3", sign(row.verdict), " ", name, id=identity),
        element("div", *_why(row, overview), class_="words"),
        element("div", _picture(row, overview, with_strip=True), _incidents(row, overview.now)),
        class_=f"card {_class(row)}",
        aria_labelledby=identity,
    )


def line(row: StatusRow, overview: Overview) -> Markup:
    """A check that is well or has not run yet: a line, and the rest when it is opened."""
    summary = element(
        "summary",
        sign(row.verdict),
        element("h4", truncate(row.name, LONGEST_NAME)),
        element("span", *_with_age(_brief(row, overview.now), row, overview.now), class_="figures"),
        element("span", share(row), class_="share"),
        status_strip(row),
    )
    return element(
        "details",
        summary,
        element(
            "div",
            element("div", *_why(row, overview), class_="words"),
            element(
                "div", _picture(row, overview, with_strip=False), _incidents(row, overview.now)
            ),
            class_="inside",
        ),
        class_=f"check {_class(row)}",
    )


def _class(row: StatusRow) -> str:
    return row.verdict.value if row.verdict else "none"


def _brief(row: StatusRow, now: float) -> Child:
    """The newest figures of a check that is well, and whatever speaks against it."""
    if row.failure is not None:
        return f"last run failed: {problem(row)}"
    if row.verdict is None:
        return _next(row, now)
    missed = "; ".join(breaches(row, (Verdict.OBJECTIVE_MISSED,)))
    return (
        f"{SYMBOLS[Verdict.OBJECTIVE_MISSED]} objective missed: {missed}"
        if missed
        else _shown(figures(row, now)[:3])
    )


def _with_age(words: Child, row: StatusRow, now: float) -> tuple[Child, ...]:
    ago = age(row, now)
    return (words, _DOT, ago) if words and ago else (words, ago)


def age(row: StatusRow, now: float) -> str:
    """``12 s ago``: how old the newest result is, and whether it is outdated."""
    if row.last_run is None:
        return ""
    ago = f"{duration(max(0.0, now - row.last_run))} ago"
    return f"{OUTDATED}, {ago}" if row.outdated else ago


def _why(row: StatusRow, overview: Overview) -> tuple[Child, ...]:
    """The reason, what to try, then where, since when, and the newest run."""
    said = problem(row)
    hint = truncate(row.failure.hint, LONGEST_TEXT) if row.failure else ""
    return (
        element("p", said, class_="why") if said else None,
        element("p", element("b", "Try: "), hint, class_="hint") if hint else None,
        pairs([*_problem(row, overview.now), *_place(row), *_newest(row, overview.now)]),
    )


def _problem(row: StatusRow, now: float) -> list[Pair]:
    failure = row.failure
    place = (_code(failure.phase), ", cause ", _code(failure.cause.value)) if failure else None
    # Without a failure the breached limits are the reason, and that stands above.
    verdicts = MISSED if failure or not problem(row) else (Verdict.OBJECTIVE_MISSED,)
    missed = [
        element("li", f"{SYMBOLS[verdict]} {verdict.value.replace('_', ' ')}: {said}")
        for verdict in verdicts
        for said in breaches(row, (verdict,))
    ]
    return [
        ("Since", since(row.since, now)),
        ("Failed in", concat(place) if place else None),
        ("Limits", element("ul", *missed) if missed else None),
    ]


def _place(row: StatusRow) -> list[Pair]:
    """Where it is, and what it said of itself."""
    return [
        ("Target", _code(row.target) if row.target else None),
        ("Kind", join(_DOT, [truncate(row.kind, 60), *_named(row.labels, _LABELS)])),
        ("Details", join(_DOT, _named(row.facts or {}, _FACTS))),
    ]


def _newest(row: StatusRow, now: float) -> list[Pair]:
    """The newest run: its figures, how long what took, when it was."""
    phases = [
        concat((truncate(name, 40), " ", element("b", show(spent, Unit.SECONDS))))
        for name, spent in (row.phases or {}).items()
    ]
    return [
        ("Metrics", _shown(figures(row, now)[:_FIGURES])),
        ("Phases", join(_DOT, phases[:_PHASES])),
        ("Last run", _run(row, now)),
    ]


def _run(row: StatusRow, now: float) -> Child:
    """When it was, and when the next one is."""
    if row.last_run is None:
        return concat((NOT_RUN, "; ", _next(row, now)))
    took = f", took {show(row.duration, Unit.SECONDS)}" if row.duration is not None else ""
    passed = f" ({age(row, now)}{took}); "
    return concat((instant(row.last_run, now, seconds=True), passed, _next(row, now)))


def _next(row: StatusRow, now: float) -> Markup:
    """When it is due, and how much it is overdue: nothing new is heard of it then."""
    every = f"every {duration(row.interval)}"
    if row.due is None:
        return concat((f"{every}, not scheduled",))
    late = f", overdue by {duration(now - row.due)}" if now - row.due > row.interval else ""
    return concat(("next ", instant(row.due, now, seconds=True), f", {every}{late}"))


def _picture(row: StatusRow, overview: Overview, *, with_strip: bool) -> Markup:
    """The last 24 hours: the strip and the plot, each with the same in words."""
    words = [plot_summary(row, overview), *off_scale_limits(row)]
    return element(
        "figure",
        status_strip(row) if with_strip else None,
        plot(row, overview),
        element(
            "figcaption",
            f"24 hours: {day_summary(row)}",
            *(element("span", each) for each in words if each),
        ),
    )


def _incidents(row: StatusRow, now: float) -> Markup:
    """The incidents of the last 24 hours, newest first; the first ones open, the others folded."""
    if not row.troubles:
        return NOTHING
    items = [_incident_item(period, now) for period in row.troubles[:_INCIDENTS]]
    left_out = len(row.troubles) - len(items)
    more = element("p", f"and {left_out:,} more in status.json") if left_out else None
    return element(
        "div",
        element("p", element("b", "Incidents in the last 24 hours")),
        listing(items, _INCIDENTS_OPEN),
        more,
        class_="incidents",
    )


def _incident_item(period: StatePeriod, now: float) -> Markup:
    begins = element("time", clock(period.start, now, seconds=True), datetime=iso(period.start))
    end = now if period.end is None else period.end
    ends: Child = "now"
    if period.end is not None:
        ends = element("time", clock(period.end, now, seconds=True), datetime=iso(period.end))
    cause = join(": ", [truncate(period.phase, 60), truncate(period.cause, 60)])
    reason = join(" — ", [cause, truncate(period.message, 200)])
    how_long = element("b", duration(end - period.start))
    return concat((sign(period.verdict), " ", begins, " to ", ends, " ", how_long, " ", reason))


def _shown(found: list[tuple[str, str]]) -> Markup:
    return join(_DOT, [concat((name, " ", element("b", value))) for name, value in found])


def _named(words: Mapping[str, str], shown: int) -> list[Markup]:
    """Names and words, and how many were left out."""
    named = [
        concat((truncate(name, 60), " ", element("b", truncate(word, 200))))
        for name, word in list(words.items())[:shown]
    ]
    left_out = len(words) - len(named)
    return [*named, Markup(f"{left_out:,} more")] if left_out else named


def _code(text: str) -> Markup:
    return element("code", truncate(text, LONGEST_TEXT))
