"""``make bench-rtc``: a call in Chromium and in our check, on the same path, in turns.

Both go through one coturn and one forwarder that delays in user space. Chromium, the call
and the relay path alone take turns, seven times each for every delay and transport; what is
printed are medians in milliseconds. ``make bench-rtc ROUNDS=21`` takes longer.
"""

import asyncio
import sys
import tempfile
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from statistics import median

from pydantic import SecretStr

from probe.call.local_call import Call
from probe.core.context import Context
from probe.core.recorder import Recorder
from probe.ice.relay_transport import RelayServer
from probe.net.resolver import resolve
from probe.stun.credentials import TurnCredentials
from probe.stun.uri import parse_turn_url
from probe.turn.relay_path import RelayPath
from tests.browser.browser import Browser, Server, browser
from tests.browser.forwarder import HOST, Way, forwarded
from tests.servers.coturn import Coturn, CoturnConfig

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 7
ROUND_TRIPS = (0.02, 0.1, 0.2)
TRANSPORTS = ("udp", "tcp")
ECHOES = 20
# The server's round trip is there twice in the relay's: A, server, B, server, A.
HOLDS = 4
PHASES = {
    "gathering": "gathered",
    "ice": "ICE connected",
    "dtls": "DTLS connected",
    "opened": "channel open, both sides",
}


@dataclass
class Findings:
    """What was measured on one path, in seconds."""

    chromium: dict[str, list[float]] = field(default_factory=dict)
    probe: dict[str, list[float]] = field(default_factory=dict)
    chromium_rtt: list[float] = field(default_factory=list)
    probe_rtt: list[float] = field(default_factory=list)
    raw_rtt: list[float] = field(default_factory=list)
    put_in: list[float] = field(default_factory=list)
    retransmitted: int = 0


async def in_chromium(page: Browser, url: str, server: Coturn, found: Findings) -> None:
    """One call of the browser's."""
    entry = Server([url], server.username, server.password)
    seen = await page.call([entry], echoes=ECHOES)
    if not seen.opened:
        raise RuntimeError(f"Chromium's call failed: {seen.words}")
    times = seen.reached("offering")
    times["opened"] = max(times["opened"], seen.reached("answering")["opened"])
    for phase in PHASES:
        found.chromium.setdefault(phase, []).append(times[phase])
    found.chromium_rtt.append(median(seen.rtts))


async def in_probe(relay: RelayServer, context: Context, found: Findings) -> None:
    """One call of ours."""
    async with Call(relay, Recorder(), context) as call:
        await call.gather()
        await call.connect()
        await call.echo(ECHOES)
    offering = call.times.offering
    reached = {"gathering": offering.gathering, "ice": offering.ice, "dtls": offering.dtls}
    for phase, seconds in {**reached, "opened": call.times.opened}.items():
        found.probe.setdefault(phase, []).append(seconds)
    found.probe_rtt.append(median(call.times.rtts))
    found.retransmitted += bool(call.retransmitted)


async def raw(relay: RelayServer, context: Context, way: Way, found: Findings) -> None:
    """The relay path alone, compared with the delay that was really put in."""
    path = RelayPath(relay.url, relay.credentials, Recorder(), context)
    await way.held()
    await path.measure(ECHOES)
    found.put_in.append(HOLDS * await way.held())
    found.raw_rtt.append(path.measurement.relay_rtt or 0.0)


async def measure(page: Browser, server: Coturn, transport: str, round_trip: float) -> Findings:
    """All rounds on one path."""
    found, context = Findings(), Context()
    async with forwarded(server.port, delay=round_trip / 2) as way:
        url = f"turn:{HOST}:{way.port}?transport={transport}"
        parsed = parse_turn_url(url)
        credentials = TurnCredentials(server.username, SecretStr(server.password))
        relay = RelayServer(parsed, credentials, await resolve(parsed.host, parsed.port))
        for _ in range(ROUNDS):
            await in_chromium(page, url, server, found)
            await in_probe(relay, context, found)
            await raw(relay, context, way, found)
    return found


def phase_rows(path: str, found: Findings) -> list[str]:
    """One row for each phase, and one for ICE counted from the end of gathering."""
    rows = []
    for phase, words in PHASES.items():
        rows.append(_row(path, words, found.chromium[phase], found.probe[phase]))
        if phase == "ice":
            alone = [_since_gathering(side) for side in (found.chromium, found.probe)]
            rows.append(_row(path, "ICE alone", *alone))
    return rows


def _since_gathering(side: dict[str, list[float]]) -> list[float]:
    pairs = zip(side["ice"], side["gathering"], strict=True)
    return [connected - gathered for connected, gathered in pairs]


def _row(path: str, words: str, chromium: list[float], probe: list[float]) -> str:
    theirs, ours = median(chromium), median(probe)
    return f"| {path} | {words} | {_ms(theirs, 0)} | {_ms(ours, 0)} | {ours / theirs:.2f} |"


def rtt_row(path: str, found: Findings) -> str:
    """The echoes on one path."""
    figures = (found.put_in, found.raw_rtt, found.probe_rtt, found.chromium_rtt)
    return f"| {path} | " + " | ".join(_ms(median(each), 1) for each in figures) + " |"


def _ms(seconds: float, digits: int) -> str:
    return f"{seconds * 1000:,.{digits}f}"


async def main() -> None:
    """Print both tables."""
    phases = ["| path | phase | Chromium, ms | probe, ms | ratio |", "|---|---|---|---|---|"]
    echoes = [
        "| path | delay put in, ms | raw relay RTT, ms | probe's channel, ms | Chromium's, ms |",
        "|---|---|---|---|---|",
    ]
    retransmitted = 0
    with tempfile.TemporaryDirectory() as folder:
        server = Coturn(CoturnConfig(), Path(folder))
        try:
            async with browser(Path(folder)) as page:
                for transport, round_trip in product(TRANSPORTS, ROUND_TRIPS):
                    path = f"{transport.upper()}, {round_trip * 1000:.0f} ms"
                    print(f"{path}: {ROUNDS} of each", file=sys.stderr, flush=True)
                    found = await measure(page, server, transport, round_trip)
                    phases += phase_rows(path, found)
                    echoes.append(rtt_row(path, found))
                    retransmitted += found.retransmitted
        finally:
            server.stop()
    calls = ROUNDS * len(TRANSPORTS) * len(ROUND_TRIPS)
    print("\n".join([*phases, "", *echoes, ""]))
    print(f"calls of ours that waited for a retransmission timer: {retransmitted} of {calls}")


if __name__ == "__main__":
    asyncio.run(main())
