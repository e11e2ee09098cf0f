"""Signals that more than one kind of TURN check has, and how they are written down."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from probe.core.context import Context
from probe.core.model import Signal, Unit
from probe.core.recorder import Recorder
from probe.stun.byte_counter import ByteCounter
from probe.stun.uri import format_hostport

if TYPE_CHECKING:
    from probe.turn.client import TurnClient

ALLOCATE = Signal(
    "probe_turn_allocate_seconds",
    Unit.SECONDS,
    "The whole Allocate, from the first request until the relayed address.",
    column="allocate",
    latency=True,
)
UNAUTHENTICATED = Signal(
    "probe_turn_unauthenticated_seconds",
    Unit.SECONDS,
    "Allocate without credentials until the 401: one round trip to the server.",
    latency=True,
)
BYTES = Signal(
    "probe_turn_bytes_total",
    Unit.BYTES,
    "Bytes to (sent) and from (received) TURN servers on the wire, the headers of IP, UDP, "
    "TCP and TLS included.",
    labels=("direction",),
    counter=True,
    dashboard="probe-turn",
)


def traffic_of(check: str, context: Context) -> ByteCounter:
    """What a check's wires have passed since it was last written down.

    Kept between runs: what is deleted behind a run is counted with the next one.
    """
    return context.get_or_create(("turn traffic", check), ByteCounter)


def write_traffic(traffic: ByteCounter, record: Recorder) -> None:
    """Write down what was counted since the last time."""
    taken = traffic.drain()
    record.sample(BYTES, taken.sent, direction="sent")
    record.sample(BYTES, taken.received, direction="received")


def write_families(families: Mapping[str, str], record: Recorder) -> None:
    """Say what became of each address family that a server has, where it has both."""
    for name, outcome in sorted(families.items()):
        record.facts[name] = outcome or "answers"


def write_allocation(client: "TurnClient", record: Recorder) -> None:
    """Say which server answered, which address it gave, and what else is worth knowing of it."""
    write_families(client.families, record)
    if client.server is not None:
        record.facts["server"] = format_hostport(client.server.ip, client.server.port)
    if client.redirected_from is not None:
        redirected = client.redirected_from
        record.facts["redirected_from"] = format_hostport(redirected.ip, redirected.port)
    if client.relayed is not None:
        record.facts["relayed"] = format_hostport(*client.relayed)
    if client.is_open:
        record.facts["open_relay"] = "the server allocates without authentication"
