"""What a TURN server does for clients with credentials: each finding on one transport."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed
from probe.core.recorder import Recorder
from probe.stun.browser_timing import PhaseTimeouts
from probe.stun.uri import format_hostport
from probe.turn.judging import is_significant_loss
from probe.turn.relay_path import RelayPath
from probe.turn.statistics import mean_opinion_score
from probe.turn_report.findings import Finding, failed, ok, skipped, warning
from probe.turn_report.relaying import (
    BITS_A_SECOND,
    THROUGHPUT_SECONDS,
    Server,
    allocation,
    is_public,
    throughput,
)
from probe.turn_targets.forbidden_peers import (
    FORBIDDEN_PEERS,
    FORBIDDEN_PEERS_IPV6,
    accepted_peers,
)
from probe.untrusted.text import one_line

ECHOES = 100
_GOOD_LOSS, _GOOD_RTT, _GOOD_JITTER, _GOOD_MOS, _GOOD_LIFETIME = 0.05, 0.4, 0.05, 3.6, 120.0
_DENY = (
    "Deny peers of private, loopback and link-local ranges, of IPv6 and IPv4-mapped forms too "
    "(coturn: denied-peer-ip, no allow-loopback-peers; upgrade to 4.9.0)."
)
_MEASURING_SECONDS = 20.0


async def of_relay(server: Server, step: float, *, throughput: bool) -> AsyncIterator[Finding]:
    """Allocation, addresses, peers, the relay path and its quality."""
    url = str(server.url)
    try:
        async with asyncio.timeout(step + _MEASURING_SECONDS), allocation(server) as client:
            assert client.relayed is not None
            relayed = format_hostport(*client.relayed)
            summary = f"accepted; allocated in {1000 * (client.allocate_seconds or 0):.1f} ms"
            yield ok("authentication", summary, url, seconds=client.allocate_seconds)
            public = "public" if is_public(client.relayed[0]) else "not public, as its server is"
            yield ok("relay_address", f"{relayed} ({public})", url, address=relayed)
            software = one_line(client.software.decode("utf-8", "replace"), 100)
            if software:
                yield ok("software", software, url, software=software)
            yield await _guarded("lifetime", url, lambda: _lifetime(client.lifetime or 0.0, url))
            rtt = await client.transaction()
            yield ok("refresh", f"refreshed in {1000 * rtt:.1f} ms", url, seconds=rtt)
            yield _peers(await accepted_peers(client, FORBIDDEN_PEERS), url, "private_peers")
    except TimeoutError:
        error = CheckFailed(Cause.DEADLINE, f"no allocation within {step:g} s")
        yield failed("authentication", error, url)
        return
    except CheckAborted as error:
        yield failed("authentication", error, url)
        return
    yield await _guarded("ipv6_relay", url, lambda: _ipv6(server))
    async for finding in _path(server):
        yield finding
    if throughput:
        yield await _guarded("throughput", url, lambda: _throughput(server))


async def _guarded(name: str, url: str, work: Callable[[], Awaitable[Finding]]) -> Finding:
    try:
        async with asyncio.timeout(_MEASURING_SECONDS):
            return await work()
    except TimeoutError:
        return failed(name, CheckFailed(Cause.DEADLINE, "it takes too long"), url)
    except CheckAborted as error:
        return failed(name, error, url)


async def _lifetime(seconds: float, url: str) -> Finding:
    summary = f"{seconds:.0f} s"
    if seconds < _GOOD_LIFETIME:
        fix = "Allocations end early: set max-allocate-lifetime (coturn) to 600 or more."
        return warning("lifetime", summary, fix, url, seconds=seconds)
    return ok("lifetime", summary, url, seconds=seconds)


def _peers(accepted: list[str], url: str, name: str) -> Finding:
    if accepted:
        summary = f"relays into its own network: permission for {', '.join(accepted)}"
        return warning(name, summary, _DENY, url, accepted=accepted)
    return ok(name, "peers of private and loopback ranges are refused", url, accepted=[])


async def _ipv6(server: Server) -> Finding:
    url = str(server.url)
    try:
        async with allocation(server, ipv6=True) as client:
            assert client.relayed is not None
            relayed = client.relayed[0]
            accepted = await accepted_peers(client, FORBIDDEN_PEERS_IPV6)
    except CheckFailed as error:
        if error.cause in (Cause.ALLOCATION_REFUSED, Cause.AUTH_REJECTED):
            return skipped("ipv6_relay", "the server relays no IPv6 (RFC 6156)", url)
        raise
    if accepted:
        return _peers(accepted, url, "ipv6_relay")
    return ok("ipv6_relay", f"{relayed}; private peers in all notations are refused", url)


async def _path(server: Server) -> AsyncIterator[Finding]:
    """Permissions, channels, padding, size, and a hundred echoes."""
    url, record = str(server.url), Recorder(server.context.clock)
    path = RelayPath(
        server.url,
        server.credentials,
        record,
        server.context,
        ca_file=server.ca_file,
        bounds=PhaseTimeouts.as_browsers(_MEASURING_SECONDS),
    )
    failure: CheckAborted | None = None
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(_MEASURING_SECONDS):
                await path.measure(ECHOES)
    except CheckAborted as error:
        failure, phase = error, error.phase or record.current
        yield failed(_NAMES.get(phase, "relay"), error, url)
    measurement = path.measurement
    if measurement.echoes.rtts and not measurement.altered:
        yield ok("permissions", "permissions and channels are bound, and packets relayed", url)
        yield _quality(path, url)
        yield _relay_finding(path, url)
    if failure is None and measurement.mtu is not None:
        yield ok("padding", "packets of all sizes arrive as they were sent", url)
        yield ok("mtu", f"packets of {measurement.mtu} bytes pass", url, bytes=measurement.mtu)


_NAMES = {
    "allocate": "second_allocation",
    "permission": "permissions",
    "relay": "permissions",
    "mtu": "mtu",
    "echo": "echo",
}


def _quality(path: RelayPath, url: str) -> Finding:
    measurement = path.measurement
    rtt, jitter, loss = (
        measurement.relay_rtt or 0.0,
        measurement.jitter or 0.0,
        measurement.loss or 0.0,
    )
    sent = len(measurement.echoes.sent)
    summary = (
        f"{sent} echoes: round trip {1000 * rtt:.1f} ms, jitter {1000 * jitter:.2f} ms, "
        f"loss {100 * loss:.1f} %"
    )
    data = {"rtt_seconds": rtt, "jitter_seconds": jitter, "loss_ratio": loss, "echoes": sent}
    if loss > _GOOD_LOSS or rtt > _GOOD_RTT or jitter > _GOOD_JITTER:
        fix = "Check the load and the network of the server, and bandwidth limits (coturn: "
        fix += "max-bps, bps-capacity), and at its distance to users (ITU-T G.114)."
        cause = Cause.RELAY_LOSS if is_significant_loss(round(loss * sent), sent) else None
        return warning("echo", summary, fix, url, cause, **data)
    return ok("echo", summary, url, **data)


def _relay_finding(path: RelayPath, url: str) -> Finding:
    measurement = path.measurement
    rtt, jitter, loss = (
        measurement.relay_rtt or 0.0,
        measurement.jitter or 0.0,
        measurement.loss or 0.0,
    )
    score = mean_opinion_score(rtt, jitter, loss)
    summary = f"{score:.2f} of 4.5, estimated by the E-model (ITU-T G.107)"
    if score < _GOOD_MOS:
        fix = "Users would be dissatisfied: lower the delay, jitter or loss above."
        return warning("mos", summary, fix, url, mos=score)
    return ok("mos", summary, url, mos=score)


async def _throughput(server: Server) -> Finding:
    url = str(server.url)
    bits, lost = await throughput(server)
    summary = (
        f"{bits / 1e6:.2f} of {BITS_A_SECOND / 1e6:g} Mbit/s for {THROUGHPUT_SECONDS:g} s, "
        f"{100 * lost:.1f} % lost"
    )
    data = {"bits_per_second": bits, "loss_ratio": lost}
    if lost > _GOOD_LOSS:
        fix = "Raise bandwidth limits (coturn: max-bps, bps-capacity), or add capacity."
        return warning("throughput", summary, fix, url, Cause.RELAY_LOSS, **data)
    return ok("throughput", summary, url, **data)
