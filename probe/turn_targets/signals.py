"""Signals that more than one kind of TURN check has, and how they are written down."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from probe.core.context import Context
from probe.core.model import Limits, Signal, Threshold, Unit
from probe.core.recorder import Recorder
from probe.net.certificate_signals import (
    CERTIFICATE_EXPIRY,
    CERTIFICATE_REMAINING,
    CERTIFICATE_THRESHOLD,
)
from probe.net.tls.observer import not_sent
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
OPEN_RELAY = Signal(
    "probe_turn_open_relay",
    Unit.BOOLEAN,
    "Whether the server allocates without authentication, for everyone.",
    display_name="open relay, without authentication",
)
ALLOCATION_SIGNALS = (OPEN_RELAY, CERTIFICATE_EXPIRY, CERTIFICATE_REMAINING)
ALLOCATION_THRESHOLDS = (
    Threshold(OPEN_RELAY, Limits(warning=0.0), optional=True),
    CERTIFICATE_THRESHOLD,
)
"""Of what every allocation shows: who it is given to, and the certificate of ``turns:``."""
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
    """A check's bytes since they were last recorded.

    Kept between runs: what is deleted behind a run is counted with the next one.
    """
    return context.get_or_create(("turn traffic", check), ByteCounter)


def write_traffic(traffic: ByteCounter, record: Recorder) -> None:
    """Write down what was counted since the last time."""
    taken = traffic.drain()
    record.sample(BYTES, taken.sent, direction="sent")
    record.sample(BYTES, taken.received, direction="received")


def write_families(families: Mapping[str, str], record: Recorder) -> None:
    """Record the error of each address family of a server, where it has both."""
    for name, outcome in sorted(families.items()):
        record.facts[name] = outcome or "answers"


def write_allocation(client: "TurnClient", record: Recorder, now: float) -> None:
    """Say which server answered, which address it gave, and what else is worth knowing of it.

    ``now`` is in seconds since 1970.
    """
    _write_certificate(client, record, now)
    if client.unauthenticated is not None:
        record.sample(OPEN_RELAY, client.is_open)
    write_families(client.families, record)
    if client.server is not None:
        record.facts["server"] = format_hostport(client.server.ip, client.server.port)
    if client.redirected_from is not None:
        redirected = client.redirected_from
        record.facts["redirected_from"] = format_hostport(redirected.ip, redirected.port)
    if client.relayed is not None:
        record.facts["relayed"] = format_hostport(*client.relayed)
    if client.unbound_channels:
        record.facts["channel"] = "each nonce is stale for ChannelBind: data goes in indications"
    if client.is_open:
        record.facts["open_relay"] = "the server allocates without authentication"


def _write_certificate(client: "TurnClient", record: Recorder, now: float) -> None:
    if client.certificate_expiry is not None:
        record.sample(CERTIFICATE_EXPIRY, client.certificate_expiry)
        record.sample(CERTIFICATE_REMAINING, client.certificate_expiry - now)
    record.facts.update(not_sent(client.fetched_issuers))
