"""``stun``: does each STUN server answer, and which address does it see us as?

Browsers ask these first: the reflexive address is what lets most calls connect directly.
``stun:`` URLs are in the lists of TURN URLs, as in a browser's ``iceServers``.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, InstanceOf

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.kind import CheckConfig, DerivedChecks, Kind, QuotaUse, lazy_import
from probe.core.model import FailurePolicy, Impact, Signal, Unit, Verdict
from probe.core.recorder import Recorder
from probe.net.resolver import Address
from probe.net.tasks import phase_timeout
from probe.stun.byte_counter import count_bytes
from probe.stun.uri import TurnUri, format_hostport, parse_stun_url, parse_url_list
from probe.turn.resolve import Family, resolve_turn_server
from probe.turn_targets.environment import BACKUP, PRIMARY, TurnEnvironment
from probe.turn_targets.runbooks import OF_A_RELAY
from probe.turn_targets.signals import BYTES, traffic_of, write_families, write_traffic

if TYPE_CHECKING:
    from probe.stun.binding import BindingResult

RTT = Signal(
    "probe_stun_rtt_seconds",
    Unit.SECONDS,
    "One Binding: a round trip to the server, and the wait for a lost packet if one was.",
    column="RTT",
    latency=True,
)
TRANSLATED = Signal(
    "probe_stun_address_translated",
    Unit.BOOLEAN,
    "Whether the server sees another address or port than we have: we are behind a NAT.",
)
RETRANSMISSIONS = Signal(
    "probe_stun_retransmissions", Unit.COUNT, "How often the request was retransmitted."
)
# 20 bytes there and 32 or 44 back, headers besides; some servers say who they are.
_BYTES = 200


def _read_url(value: object) -> object:
    return parse_stun_url(value) if isinstance(value, str) else value


class StunTable(CheckConfig):
    """One server. ``url`` is ``stun:HOST`` or ``stun:HOST:PORT``."""

    provider: str = Field(default="custom", pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")
    """Name of the provider, a label of its metrics. Example: `eu`"""
    url: Annotated[InstanceOf[TurnUri], BeforeValidator(_read_url)]
    """`stun:HOST` or `stun:HOST:PORT`. Example: `stun:stun.example.org:3478`"""
    family: Family | None = None
    """Address family; without it the first address of the name. Example: `ipv6`"""

    @property
    def target(self) -> str:
        return f"stun:{format_hostport(self.url.host, self.url.port)}"

    @property
    def labels(self) -> dict[str, str]:
        """``provider``; and ``family`` where one is asked for."""
        return {"provider": self.provider} | ({"family": self.family} if self.family else {})

    @property
    def impact(self) -> Impact:
        """What users lose when it fails."""
        return Impact("TURN servers", "No STUN server answers", "A STUN server fails")

    @property
    def alert_group(self) -> str:
        return f"TURN {self.provider}"

    @property
    def redundancy_group(self) -> str:
        """One server that answers is enough for a browser."""
        return "stun"


def derive(environment: TurnEnvironment) -> DerivedChecks:
    """A check for each ``stun:`` URL among those of a provider."""
    tables: list[dict[str, Any]] = []
    skipped: list[str] = []
    for provider, text in (
        (PRIMARY, environment.turn_urls),
        (BACKUP, environment.turn_backup_urls),
    ):
        listed = parse_url_list(text).ignored
        known = [url for url in listed if not url.lower().startswith("stuns:")]
        skipped += [f"{url}: browsers ask over UDP alone" for url in listed if url not in known]
        for number, url in enumerate(dict.fromkeys(known), 1):
            name = f"stun-{provider}" if number == 1 else f"stun-{provider}-{number}"
            tables.append({"name": name, "provider": provider, "url": url})
    if not tables:
        skipped.append("no stun: URL is among TURN_URLS and TURN_BACKUP_URLS")
    return DerivedChecks(tables, skipped)


async def run(table: StunTable, record: Recorder, context: Context) -> None:
    """Ask one server."""
    traffic = traffic_of(table.name, context)
    families: dict[str, str] = {}
    try:
        with count_bytes(traffic):
            with record.phase("dns"):
                addresses = await resolve_turn_server(table.url, table.family)
            with record.phase("binding"):
                found = await _binding(table, addresses, families, context)
    finally:
        write_families(families, record)
        write_traffic(traffic, record)
    record.sample(RTT, found.rtt)
    record.sample(TRANSLATED, found.is_natted)
    record.sample(RETRANSMISSIONS, found.retransmissions)
    record.facts["server"] = format_hostport(found.server.ip, found.server.port)
    record.facts["reflexive"] = format_hostport(*found.reflexive)


async def _binding(
    table: StunTable, addresses: Sequence[Address], families: dict[str, str], context: Context
) -> "BindingResult":
    from probe.stun.binding import binding_request
    from probe.stun.browser_timing import allocation_timeout
    from probe.stun.transport.refusals import naming_refusal, noting_refusals

    limit = allocation_timeout(table.deadline)
    with noting_refusals() as refusals, naming_refusal(lambda: refusals.error):
        async with phase_timeout(limit, "binding", Cause.DEADLINE, "no answer"):
            return await binding_request(table.url, addresses, context.clock, families)


KIND = Kind(
    name="stun",
    summary="one Binding request to each STUN server: round trip and reflexive address",
    environment=TurnEnvironment,
    table=StunTable,
    derive=derive,
    run=run,
    signals=(RTT, TRANSLATED, RETRANSMISSIONS, BYTES),
    failing=FailurePolicy(Verdict.WARNING, hold=120.0),
    cost="one request and its response, 200 bytes",
    uses=lambda table: (QuotaUse(f"turn-{table.provider}", _BYTES),),
    load=lazy_import("probe.stun.binding"),
    interval=300.0,
    retry=60.0,
    plot=RTT,
    runbooks=OF_A_RELAY,
    dashboard="probe-turn",
    components=("StunServer",),
    buckets=(0.05, 0.1, 0.2, 0.5, 1.0, 2.0),
    service="turn",
)
