"""How far this machine's clock is from those of the servers that are monitored.

A server's HTTP ``Date`` says its time to a whole second; no time server is asked.
"""

import asyncio
from collections.abc import Iterable
from email.utils import parsedate_to_datetime
from pathlib import Path
from statistics import median

from probe.commands.doctor.findings import ServerClock, SystemItem, SystemState
from probe.config.check_plan import CheckPlan
from probe.core.context import Context
from probe.core.model import CheckAborted
from probe.kinds.http import HttpTable
from probe.net.http import fresh_client
from probe.net.urls import show_host

ANSWER_SECONDS = 5.0
# A token or a time-limited credential that is signed here is refused when it begins in the
# server's future; clocks that NTP keeps are apart by milliseconds.
TOLERABLE, WRONG = 2.0, 30.0
MAX_SERVERS = 4


async def clock_readings(plan: CheckPlan, context: Context) -> list[ServerClock]:
    """One reading for each server that answers with a date."""
    targets: dict[str, tuple[str, Path | None]] = {}
    for check in plan.checks:
        if isinstance(check.table, HttpTable):
            url = check.table.address
            targets.setdefault(show_host(url), (url, check.table.ca_file))
    chosen = list(targets.items())[:MAX_SERVERS]
    found = await asyncio.gather(
        *(_reading(host, url, ca_file, context) for host, (url, ca_file) in chosen)
    )
    return [each for each in found if each is not None]


def clock_item(readings: Iterable[ServerClock]) -> SystemItem:
    """The clock by the median of all readings: one server alone may be the wrong one."""
    known = list(readings)
    if not known:
        return SystemItem("clock", SystemState.UNKNOWN, "no server has answered with a date")
    ahead = median(each.ahead for each in known)
    least = max(0.0, abs(ahead) - max(each.uncertainty for each in known))
    side = "ahead of" if ahead > 0 else "behind"
    servers = f"{known[0].server}" if len(known) == 1 else f"{len(known)} servers"
    if least <= TOLERABLE:
        return SystemItem(
            "clock", SystemState.READY, f"within {max(1.0, abs(ahead)):.0f} s of {servers}"
        )
    detail = f"{abs(ahead):.0f} s {side} {servers}"
    hint = "Synchronise the clock (NTP): tokens and time-limited credentials may be refused."
    state = SystemState.NOT_READY if least > WRONG else SystemState.ATTENTION
    return SystemItem("clock", state, detail, hint)


async def _reading(
    host: str, url: str, ca_file: Path | None, context: Context
) -> ServerClock | None:
    try:
        async with (
            asyncio.timeout(ANSWER_SECONDS),
            fresh_client(ca_file=ca_file, clock=context.clock, host=host) as browser,
        ):
            sent, started = context.now(), context.clock()
            async with browser.open(url) as page:
                took = context.clock() - started
                stated = page.response.headers.get("Date")
    except (CheckAborted, TimeoutError):
        return None
    return None if stated is None else read_date(host, stated, sent, took)


def read_date(host: str, stated: str, sent: float, took: float) -> ServerClock | None:
    """From a ``Date`` and the time of the request, in seconds since 1970; None for no date."""
    try:
        date = parsedate_to_datetime(stated).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    # A Date is rounded down: half a second later on average.
    return ServerClock(host, sent + took / 2 - (date + 0.5), took / 2 + 0.5)
