"""``call``: two WebRTC peers, direct and through each relay, as far as echoes.

Both peers stand in this process. So a direct call shows that the library and the probe's
own network work, and a relayed one that the relay relays; whether two users elsewhere
reach each other is more than they can say.
"""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.kind import Derived, Kind, Use, loads
from probe.core.model import CheckFailed, Failing, NotMeasured, Signal, Unit, Verdict
from probe.core.recorder import Record
from probe.stun.credentials import Credentials
from probe.stun.uri import TurnUrl
from probe.turn.statistics import median
from probe.turn_targets.environment import TurnEnvironment
from probe.turn_targets.matrix import planned
from probe.turn_targets.signals import BYTES
from probe.turn_targets.table import ServerTable, naming, servers_for, spending
from probe.turn_targets.traffic_budget import CALL_ECHOES, DEAR_SECONDS, call_bytes, dear_intervals

if TYPE_CHECKING:
    from probe.call.diagnosis import Diagnosis
    from probe.call.local_call import Call
    from probe.ice.relay_transport import Relay

SUCCESS = Signal(
    "probe_call_success",
    Unit.BOOLEAN,
    "Whether the call came as far as echoes over its data channel.",
)


def _reached(name: str, what: str, short: str = "") -> Signal:
    """A moment of the call, in seconds from the start of gathering."""
    words = f"From the start of gathering until {what}."
    # A histogram for each moment of one side is enough.
    latency = "answering" not in name and "offering" not in name
    name = f"probe_call_{name}_seconds"
    return Signal(name, Unit.SECONDS, words, short=short, latency=latency)


GATHERING = _reached("gathering", "the offering side had its candidates")
ICE = _reached("ice_connected", "ICE was connected, seen from the offering side", "ICE")
DTLS = _reached(
    "dtls_connected",
    "DTLS was connected, where media could flow, seen from the offering side",
)
OPEN = _reached("open", "the data channel was open on both sides", "open")
OFFERING_OPEN = _reached("offering_open", "the data channel was open on the offering side")
ANSWERING_GATHERING = _reached("answering_gathering", "the answering side had its candidates")
ANSWERING_ICE = _reached("answering_ice_connected", "ICE was connected on the answering side")
ANSWERING_DTLS = _reached("answering_dtls_connected", "DTLS was connected on the answering side")
ANSWERING_OPEN = _reached("answering_open", "the data channel was open on the answering side")
RETRANSMITTED = Signal(
    "probe_call_retransmitted",
    Unit.BOOLEAN,
    "Whether setting up waited for a retransmission timer of TURN, ICE, DTLS or SCTP: its "
    "times then tell of a lost packet.",
)
RTT = Signal(
    "probe_call_rtt_seconds",
    Unit.SECONDS,
    "Echo over the data channel, median of a run.",
    short="RTT",
    latency=True,
)
LOSS = Signal(
    "probe_call_loss_ratio",
    Unit.RATIO,
    "Echoes over the unreliable data channel that did not come back, of those sent.",
)

# The part of the deadline in which a failure is looked at more closely.
_DIAGNOSIS_SHARE = 0.1
# Calls share a user's quota, which is free again about a second after a deletion (RTC.md);
# and our port may have had another user, whom the server still remembers. Odd pauses, so
# that two that were refused together don't come back together.
_WORTH_ANOTHER = (Cause.ALLOCATION_QUOTA, Cause.ALLOCATION_LOST)
_PAUSES = (0.7, 1.1)


class CallTable(ServerTable):
    """One call: direct, or through one server, or through what the backend issues."""

    path: Literal["direct", "relayed"] = "relayed"
    echoes: int = Field(default=CALL_ECHOES, ge=1, le=1000)
    deadline: float = Field(default=30.0, gt=0, le=300)

    @property
    def needs_server(self) -> bool:
        """A direct call has no server."""
        return self.path == "relayed"

    @property
    def target(self) -> str:
        """The relay's address, or that there is none."""
        return super().target if self.needs_server else "this host"

    @property
    def labels(self) -> dict[str, str]:
        """``provider``, ``transport`` and ``path``."""
        server = super().labels if self.needs_server else {"provider": "none", "transport": "udp"}
        return {**server, "path": self.path}

    @property
    def group(self) -> str | None:
        """A direct call proves nothing of a relay; what is issued stands for itself."""
        if not self.needs_server:
            return None
        return "call-issued" if self.issued else "call"

    @property
    def backups(self) -> frozenset[str]:
        """Issued servers that work carry users while a configured one fails, not the other
        way round."""
        if not self.needs_server:
            return frozenset()
        return frozenset({"call-issued"} if self.issued else {"call", "call-issued"})


def derive(environment: TurnEnvironment) -> Derived:
    """A direct call, one through each configured URL, one through what the backend issues.

    Where no relay is known at all there is nothing to call through, and a direct call
    within one process says nothing about the application.
    """
    found = planned(KIND.name, environment, dear_intervals)
    relayed = [{**table, "path": "relayed"} for table in found.tables]
    direct = [{"name": "call-direct", "path": "direct"}] if relayed else []
    return replace(found, tables=[*direct, *relayed])


async def run(table: CallTable, record: Record, context: Context) -> None:
    """Make one call."""
    if not table.needs_server:
        await _run_direct(table, record, context)
        return
    try:
        with spending(table, record, context):
            await _run_through_server(table, record, context)
    except (CheckFailed, asyncio.CancelledError):
        record.sample(SUCCESS, 0.0)
        raise


async def _run_through_server(table: CallTable, record: Record, context: Context) -> None:
    credentials, urls = await servers_for(table, record, context)
    try:
        await _run_relayed(urls[0], credentials, table, record, context)
    except CheckFailed as error:
        raise (naming(urls[0], error) if table.issued else error) from None


async def _run_direct(table: CallTable, record: Record, context: Context) -> None:
    """A direct call within one process can only fail for reasons of our own."""
    from probe.call.local_call import Bounds, Call

    async with Call(None, record, context, bounds=Bounds.within(table.deadline)) as call:
        await call.gather()
        if not call.has_candidates:
            raise NotMeasured(
                Cause.OWN_NETWORK, "the probe's machine has no address besides loopback"
            )
        try:
            await _complete(call, table, record)
        except CheckFailed as error:
            raise NotMeasured(error.cause, error.message, phase=error.phase) from None


async def _run_relayed(
    url: TurnUrl,
    credentials: Credentials | None,
    table: CallTable,
    record: Record,
    context: Context,
) -> None:
    from probe.call.diagnosis import Diagnosis

    if credentials is None:
        # Even where the server asks for none: browsers take no relay without.
        message = "no credentials are configured"
        raise NotMeasured(Cause.CREDENTIALS_MISSING, message, phase="gathering")
    relay = await _relay(url, credentials, table, record)
    limit = _DIAGNOSIS_SHARE * table.deadline
    diagnosis = Diagnosis(url, credentials, context, table.ca_file, limit)
    for pause in (*_PAUSES, None):
        try:
            await _call_through(relay, diagnosis, table, record, context)
        except CheckFailed as error:
            if error.phase != "gathering" or error.cause not in _WORTH_ANOTHER or pause is None:
                raise
            # A new call: this one's waiting would be no part of what setting up takes.
            with record.phase("pause"):
                await asyncio.sleep(pause)
        else:
            return


async def _call_through(
    relay: "Relay", diagnosis: "Diagnosis", table: CallTable, record: Record, context: Context
) -> None:
    from probe.call.local_call import Bounds, Call

    async with Call(relay, record, context, bounds=Bounds.within(table.deadline)) as call:
        try:
            await call.gather()
            await _complete(call, table, record)
        except CheckFailed as error:
            await diagnosis.of_ice(error)
        except asyncio.CancelledError:
            # Before closing, which may take longer than whoever cancels waits.
            record.sample(SUCCESS, 0.0)
            raise


async def _complete(call: "Call", table: CallTable, record: Record) -> None:
    try:
        await call.connect()
        await call.echo(table.echoes)
    finally:
        # What a failure has cut short is worth keeping up to there.
        _write(call, table.echoes, record)
    record.sample(SUCCESS, 1.0)


async def _relay(
    url: TurnUrl, credentials: Credentials, table: CallTable, record: Record
) -> "Relay":
    from probe.ice.relay_transport import relay_at
    from probe.turn.resolve import addresses_of

    with record.phase("dns"):
        addresses = await addresses_of(url, table.family)
    return await relay_at(url, credentials, addresses, table.ca_file)


def _write(call: "Call", echoes: int, record: Record) -> None:
    times = call.times
    reached = {
        GATHERING: times.offering.gathering,
        ICE: times.offering.ice,
        DTLS: times.offering.dtls,
        OPEN: times.opened,
        OFFERING_OPEN: times.offering.opened,
        ANSWERING_GATHERING: times.answering.gathering,
        ANSWERING_ICE: times.answering.ice,
        ANSWERING_DTLS: times.answering.dtls,
        ANSWERING_OPEN: times.answering.opened,
    }
    for signal, seconds in reached.items():
        if seconds:
            record.sample(signal, seconds)
    layers = call.retransmitted
    record.sample(RETRANSMITTED, float(bool(layers)))
    if layers:
        record.facts["retransmitted"] = ", ".join(layers)
    if times.rtts:
        record.sample(RTT, median(times.rtts))
        record.sample(LOSS, 1 - len(times.rtts) / echoes)


def uses(table: CallTable) -> tuple[Use, ...]:
    """The provider's bytes; a direct call takes none."""
    if not table.needs_server:
        return ()
    return (Use(f"turn-{table.provider}", call_bytes(table.way_in or "udp", table.echoes)),)


KIND = Kind(
    name="call",
    summary="two WebRTC peers, direct and through each relay: ICE, DTLS, data channel, echoes",
    environment=TurnEnvironment,
    table=CallTable,
    derive=derive,
    run=run,
    signals=(
        ICE,
        OPEN,
        RTT,
        GATHERING,
        DTLS,
        ANSWERING_GATHERING,
        ANSWERING_ICE,
        ANSWERING_DTLS,
        OFFERING_OPEN,
        ANSWERING_OPEN,
        RETRANSMITTED,
        LOSS,
        SUCCESS,
        BYTES,
    ),
    failing=Failing(
        severity=Verdict.CRITICAL,
        partial=Verdict.WARNING,
        hold=120.0,
        mild=frozenset({Cause.HAIRPIN_FAILED}),
    ),
    core=True,
    cost="two allocations, ICE, DTLS, SCTP and 10 echoes, about 24 kB a run for each URL",
    uses=uses,
    load=loads("probe.call.local_call", "probe.call.diagnosis"),
    interval=DEAR_SECONDS,
    retry=60.0,
    plot=ICE,
)
