"""The daemon's status for a terminal, grouped by incident, from the API's documents."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.cells import cell_len

from probe.core.model import Verdict
from probe.report.text.phrases import SYMBOLS
from probe.report.text.sanitize import clean, cut
from probe.report.text.time_format import duration
from probe.report.text.units import plural
from probe.report.text.wrap import wrapped
from probe.untrusted.text import listed

MAX_CHECKS = 12
WINDOWS = ("24h", "7d", "30d", "90d")
_COLOURS = {"ok": "32", "unknown": "35", "warning": "33", "critical": "1;31"}
_WAITING = "-"

Document = Mapping[str, Any]


def status_lines(
    status: Document, incidents: Sequence[Document], checks: Sequence[Document], *, width: int
) -> Iterator[tuple[str, str]]:
    """Lines of at most ``width`` columns, each with the verdict that colours it (empty: none).

    ``incidents`` are the open ones in full, ``checks`` those that are not ok.
    """
    verdict = status["verdict"]
    number = len(status["incidents"])
    what = "no open incident" if not number else plural(number, "open incident")
    yield f"{verdict.upper()}  {what}", verdict
    when = _to_the_second(status["generated_at"])
    yield from _wrapped(f"{clean(status['region'])}, {when}, version {status['version']}", width)
    for incident in incidents:
        yield "", ""
        yield from _incident(incident, width)
    named = {name for incident in incidents for name in incident["checks"]}
    rest = [each for each in checks if each["name"] not in named]
    if rest:
        yield "", ""
        yield "Without an incident", ""
        for each in rest:
            yield from _check(each, width)
    yield "", ""
    yield from _services(status["services"], width)
    for each in status["announcements"]:
        yield "", ""
        until = f" until {_to_the_second(each['end'])}" if each["end"] else ""
        start = _to_the_second(each["start"])
        yield from _wrapped(f"{each['kind']}: {clean(each['title'])} from {start}{until}", width)


def coloured(line: str, verdict: str, *, colour: bool) -> str:
    """A line in its verdict's colour."""
    code = _COLOURS.get(verdict) if colour else None
    return f"\x1b[{code}m{line}\x1b[0m" if code else line


def _incident(incident: Document, width: int) -> Iterator[tuple[str, str]]:
    severity = incident["severity"]
    yield from _wrapped(f"{_mark(severity)} {clean(incident['title'])}", width, severity)
    lasted = duration(incident["duration_seconds"])
    since = _to_the_second(incident["since"])
    yield from _wrapped(f"  {incident['id']}, since {since} ({lasted})", width)
    checks = listed(incident["checks"], MAX_CHECKS, clean)
    yield from _wrapped(f"  cause {clean(incident['cause'])}; checks: {checks}", width)
    yield from _wrapped(f"  {_notified(incident)}", width)
    hints = [alert["hint"] for alert in incident.get("alerts", ()) if alert["hint"]]
    if hints:
        yield from _wrapped(f"  Try: {clean(hints[0])}", width)


def _wrapped(text: str, width: int, verdict: str = "") -> Iterator[tuple[str, str]]:
    """A line with its verdict, which goes on below."""
    return ((line, verdict) for line in wrapped(text, width, 4))


def _to_the_second(moment: str) -> str:
    """``2026-01-01T03:12:00Z`` of a moment with its microseconds."""
    whole, point, _ = moment.partition(".")
    return f"{whole}Z" if point else moment


def _notified(incident: Document) -> str:
    """Who knows of it, by the last message of each receiver."""
    if incident["suppressed"]:
        return f"suppressed by {clean(', '.join(incident['suppressed']))}"
    last = {each["receiver"]: each["status"] for each in incident.get("notifications", ())}
    text = ", ".join(f"{clean(name)} ({status})" for name, status in last.items())
    by = [clean(each["author"]) for each in incident.get("acknowledgements", ())]
    acknowledged = f"; acknowledged by {', '.join(by)}" if by else ""
    return f"notified: {text or 'no receiver'}{acknowledged}"


def _check(check: Document, width: int) -> Iterator[tuple[str, str]]:
    verdict = check["verdict"] or "unknown"
    failure = check["failure"]
    why = f": {clean(failure['message'])}" if failure else ""
    return _wrapped(f"{_mark(verdict)} {clean(check['name'])}{why}", width, verdict)


def _services(services: Sequence[Document], width: int) -> Iterator[tuple[str, str]]:
    rows = [
        (indent + clean(row["title" if "title" in row else "name"]), row)
        for service in services
        for indent, row in [("", service), *(("  ", each) for each in service["providers"])]
    ]
    if not rows:
        return
    names = min(max(len("service"), *(cell_len(name) for name, _ in rows)), max(12, width - 48))
    heads = "".join(f"{each:>10}" for each in WINDOWS)
    yield f"  {'service':<{names}}{heads}", ""
    for name, row in rows:
        verdict = row["verdict"] or ""
        figures = "".join(f"{_percent(each['ratio']):>10}" for each in row["uptime"]["windows"])
        transports = "  ".join(
            f"{_mark(each['verdict'] or '')} {each['transport']}"
            for each in row.get("transports", ())
        )
        shown = cut(name, names)
        line = f"{_mark(verdict)} {shown}{' ' * (names - cell_len(shown))}{figures}  {transports}"
        yield line.rstrip(), "" if verdict == "ok" else verdict


def _mark(verdict: str) -> str:
    return SYMBOLS[Verdict(verdict)] if verdict else _WAITING


def _percent(ratio: float | None) -> str:
    """Never rounded up to 100 %."""
    if ratio is None:
        return _WAITING
    return "100 %" if ratio >= 1 else f"{int(ratio * 10_000) / 100:.2f} %"
