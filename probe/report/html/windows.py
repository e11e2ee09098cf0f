"""The windows of uptime and the ranges of charts, as the pages name them."""

from msgspec import Struct

from probe.history.uptime.model import DAY_SECONDS, Uptime, UptimeReport

_NAMES = ("24 hours", "7 days", "30 days", "90 days")


class ChartRange(Struct, frozen=True):
    """``name`` stands in an address, ``title`` on the page; in so many stretches."""

    name: str
    title: str
    seconds: float


RANGES = (
    ChartRange("24h", "24 hours", DAY_SECONDS),
    ChartRange("7d", "7 days", 7 * DAY_SECONDS),
    ChartRange("30d", "30 days", 30 * DAY_SECONDS),
)


def range_named(name: str) -> ChartRange:
    """The range of a name; the first one for a name that is none."""
    return next((each for each in RANGES if each.name == name), RANGES[0])


def uptime_rows(report: UptimeReport) -> list[tuple[str, Uptime]]:
    """Name and uptime of each window."""
    return list(zip(_NAMES, report.windows, strict=False))
