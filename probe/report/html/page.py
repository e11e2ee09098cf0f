"""The status page: what is broken, where, since when, why and what to try; then all the rest.

One HTML document without scripts, made for somebody who was woken up and holds a phone.
"""

from collections.abc import Iterable
from functools import cache
from urllib.parse import quote

from probe.core.model import Verdict
from probe.report.html.components import instant, listing, sign, since
from probe.report.html.document import html_document, policy
from probe.report.html.markup import NOTHING, Markup, concat, element, join, truncate
from probe.report.html.page_checks import card, line
from probe.report.html.plots import legend
from probe.report.status import Notice, Overview, StatusRow
from probe.report.text.headline import BROKEN, Headline, broken, headline, summary
from probe.report.text.phrases import SYMBOLS, without_objectives
from probe.report.text.time_format import duration

# More than these would push what is broken off the first screen.
_NOTICES = 2
_REFRESH = 60
_COLOURS = {
    Verdict.OK: "#17803d",
    Verdict.UNKNOWN: "#6b3fb5",
    Verdict.WARNING: "#9a5b00",
    Verdict.CRITICAL: "#c2141f",
}


def render(
    overview: Overview, *, refresh: int | None = _REFRESH, base: str = ""
) -> tuple[str, str]:
    """The document, and the Content-Security-Policy that it needs.

    ``refresh`` is after how many seconds a browser asks again (None: never), ``base`` stands
    in front of the paths of the probe's other pages.
    """
    verdict = without_objectives(overview.verdict)
    title = (
        f"{SYMBOLS[verdict]} {summary(overview)} · probe {truncate(overview.region, 40)}".strip()
    )
    again = None
    if refresh is not None:
        again = element("meta", http_equiv="refresh", content=refresh)
    icon = element("link", rel="icon", href=_icon(verdict))
    return html_document(title, _body(overview, refresh, base), again, icon), policy(images=True)


@cache
def _icon(verdict: Verdict) -> str:
    """A coloured disc with the verdict's symbol, for a tab among many."""
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">'
        f'<circle cx="8" cy="8" r="8" fill="{_COLOURS[verdict]}"/>'
        '<text x="8" y="12" font-size="11" font-family="sans-serif" font-weight="700" '
        f'text-anchor="middle" fill="#fff">{SYMBOLS[verdict]}</text></svg>'
    )
    return Markup(f"data:image/svg+xml,{quote(svg)}")


def _body(overview: Overview, refresh: int | None, base: str) -> Markup:
    bad = broken(overview.rows)
    others = [row for row in overview.rows if row.verdict not in BROKEN]
    return element(
        "body",
        element("header", _about(overview, refresh), _banner(headline(overview), overview.now)),
        element(
            "main",
            _notices(overview),
            _broken(bad, overview),
            _others(others, bool(bad), overview),
            _skipped(overview),
        ),
        _footer(overview, base),
    )


def _about(overview: Overview, refresh: int | None) -> Markup:
    """Who says it and of when it is, and the way to hold it still."""
    if refresh is None:
        words, link = "does not refresh", element("a", "refresh", href=f"?refresh={_REFRESH}")
    else:
        words, link = f"refreshes every {refresh} s", element("a", "stop", href="?refresh=0")
    return element(
        "p",
        element("b", f"probe {truncate(overview.region, 40)}".strip()),
        instant(overview.now, overview.now, seconds=True),
        element("span", words, " · ", link, class_="refresh"),
        class_="about",
    )


def _banner(words: Headline, now: float) -> Markup:
    verdict = words.verdict
    begun = concat(("since ", since(words.since, now))) if words.since is not None else NOTHING
    rest = join(", ", [begun, f"and {words.more}" if words.more else ""])
    return element(
        "h1",
        element("span", f"{SYMBOLS[verdict]} {verdict.value.upper()}:", class_="verdict"),
        " ",
        element("span", words.text, class_="problem"),
        element("span", " — ", rest, class_="since") if rest else None,
        class_=f"banner {verdict.value}",
    )


def _notices(overview: Overview) -> Markup:
    found = [_notice(each, overview.now) for each in overview.notices]
    if not found:
        return NOTHING
    return _section("Notices", "notices", listing(found, _NOTICES), count=len(found))


def _notice(notice: Notice, now: float) -> Markup:
    title, text = truncate(notice.title, 200), truncate(notice.text, 500)
    begun = concat(("since ", since(notice.since, now))) if notice.since is not None else NOTHING
    words = join(" — ", [element("b", title), text, begun])
    return join(" ", [sign(notice.verdict), words, _link(notice)])


def _link(notice: Notice) -> Markup:
    """Only to where a browser goes by reading; anything else would be run or opened."""
    if not notice.link.lower().startswith(("https://", "http://", "/runbooks/")):
        return NOTHING
    about = f"more about {truncate(notice.title, 200)}"
    return element("a", "more", href=notice.link, rel="noreferrer", aria_label=about)


def _broken(rows: list[StatusRow], overview: Overview) -> Markup:
    cards = [card(row, overview, f"b{number}") for number, row in enumerate(rows)]
    return _section("Failing", "broken", *cards, count=len(rows)) if rows else NOTHING


def _others(rows: list[StatusRow], beside: bool, overview: Overview) -> Markup:
    """All that is well or has not run yet, by kind, in the order of the plan."""
    kinds: dict[str, list[StatusRow]] = {}
    for row in rows:
        kinds.setdefault(row.kind, []).append(row)
    groups = [
        element(
            "section",
            element("h3", truncate(kind, 60), element("span", f" {len(found)}", class_="count")),
            *(line(row, overview) for row in found),
            class_="kind",
        )
        for kind, found in kinds.items()
    ]
    title = "All other checks" if beside else "Checks"
    key = legend(overview) if overview.rows else NOTHING
    return _section(title, "others", *groups, key, count=len(rows)) if groups else key


def _skipped(overview: Overview) -> Markup:
    if not overview.skipped:
        return NOTHING
    pairs = [
        element("li", element("b", truncate(kind, 60)), " ", truncate(reason, 300))
        for kind, reason in overview.skipped
    ]
    return _section("Skipped", "skipped", element("ul", *pairs), count=len(pairs))


def _section(title: str, name: str, *children: Markup, count: int) -> Markup:
    heading = element(
        "h2", title, " ", element("span", f"{count:,}", class_="count"), id=f"{name}-title"
    )
    return element("section", heading, *children, class_=name, aria_labelledby=f"{name}-title")


def _footer(overview: Overview, base: str) -> Markup:
    links: Iterable[str] = ("/status.json", "/badge.svg", "/metrics")
    running = overview.now - overview.started_at
    return element(
        "footer",
        element(
            "p",
            f"probe {truncate(overview.version, 60)}, running since ",
            instant(overview.started_at, overview.now),
            f" ({duration(running)})",
        ),
        element(
            "nav",
            *(element("a", path, href=f"{base}{path}") for path in links),
            aria_label="For programs",
        ),
    )
