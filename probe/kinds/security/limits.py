"""A rate limit that holds, and ports that are closed: both asked of, within bounds."""

import asyncio
from contextlib import suppress
from ipaddress import ip_address

from yarl import URL

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import NotMeasured
from probe.kinds.security.findings import MAX_NAMES, Findings
from probe.kinds.security.requests import TOO_MANY, request
from probe.kinds.security.settings import SecurityTable
from probe.untrusted.text import listed

# Beyond the promised number, this share more and a few are sent.
_MORE, _FEW = 1.3, 5
_AT_ONCE = 10
_CONNECT_SECONDS = 2.0
_KNOWN = {
    21: "FTP",
    22: "SSH",
    23: "Telnet",
    25: "SMTP",
    2375: "Docker",
    3306: "MySQL",
    3333: "the backend itself",
    5432: "PostgreSQL",
    5766: "coturn's console",
    6379: "Redis",
    9090: "Prometheus",
    9229: "Node's inspector",
    27017: "MongoDB",
}


async def rate_limit(table: SecurityTable, found: Findings, context: Context) -> None:
    """One more request than promised, in the promised time, is answered 429; fewer are not.

    Raises NotMeasured where the requests take longer than that time."""
    promised = table.rate_requests
    most = int(promised * _MORE) + _FEW
    statuses: list[int] = []
    started = context.clock()
    while len(statuses) < most and TOO_MANY not in statuses:
        batch = min(_AT_ONCE, most - len(statuses))
        statuses += await asyncio.gather(*(_status(table, context) for _ in range(batch)))
    seconds = context.clock() - started
    if TOO_MANY in statuses:
        passed = statuses.index(TOO_MANY)
        evidence = f"429 after {passed} requests in {seconds:.1f} s, {promised} are promised"
        found.passed("rate limit", evidence)
        return
    if seconds > table.rate_seconds:
        raise NotMeasured(
            Cause.NO_DATA,
            f"{len(statuses)} requests took {seconds:.1f} s, longer than the window of "
            f"{table.rate_seconds:g} s",
            hint="Set rate_seconds and rate_requests to a limit with a longer window.",
        )
    evidence = f"{len(statuses)} requests in {seconds:.1f} s without a 429, {promised} are promised"
    found.failed("rate limit", Cause.RATE_LIMIT_MISSING, evidence)


async def _status(table: SecurityTable, context: Context) -> int:
    return (await request(table, context, table.address)).status


async def ports(table: SecurityTable, found: Findings, context: Context) -> None:
    """None of the listed ports accepts a connection."""
    from probe.net.resolver import resolve

    host = URL(table.address).host or ""
    addresses = [host] if _is_address(host) else [each.ip for each in await resolve(host, 443)]
    wanted = [(ip, port) for ip in dict.fromkeys(addresses[:4]) for port in table.ports]
    slots = asyncio.Semaphore(_AT_ONCE)
    answers = await asyncio.gather(*(_is_open(ip, port, slots) for ip, port in wanted))
    is_open = sorted({port for (_, port), open_ in zip(wanted, answers, strict=True) if open_})
    if is_open:
        names = [f"{port} ({_KNOWN[port]})" if port in _KNOWN else str(port) for port in is_open]
        evidence = f"{host}: open to everyone: {listed(names, MAX_NAMES)}"
        found.failed("ports", Cause.PORT_OPEN, evidence)
    else:
        found.passed("ports", f"{len(table.ports)} ports are closed")


def _is_address(host: str) -> bool:
    with suppress(ValueError):
        return bool(ip_address(host))
    return False


async def _is_open(ip: str, port: int, slots: asyncio.Semaphore) -> bool:
    async with slots:
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                _, writer = await asyncio.open_connection(ip, port)
        except (OSError, TimeoutError):
            return False
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        return True
