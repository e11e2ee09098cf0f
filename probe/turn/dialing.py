"""From a server's addresses to the connection that answers first, as browsers choose it.

TCP and TLS connect by Happy Eyeballs (RFC 8305). Over UDP nothing connects: there the first
Allocate, which needs no credentials, goes to the first address of each family at once, as a
browser gathers on both, and its answer decides.
"""

from collections.abc import Callable, MutableMapping, Sequence
from itertools import groupby

from msgspec import Struct

from probe.core.model import CheckAborted
from probe.net.racing import NOT_ASKED, Race, family_name, first_of_each_family, not_asked
from probe.net.resolver import Address
from probe.net.tls.contexts import ClientContext
from probe.stun import message
from probe.stun.codec import Method, StunMessage
from probe.stun.connection import StunConnection
from probe.stun.transaction import RetransmissionTimers
from probe.stun.transport import Phases
from probe.stun.uri import TurnUri, format_hostport

PREFER_SECONDS = 0.05
"""How much later than another the preferred address may answer and still be taken."""


class Dialed(Struct, frozen=True):
    """A connection; ``challenge`` is the answer to the first Allocate where that was asked for
    already, which took ``unauthenticated`` seconds."""

    connection: StunConnection
    challenge: StunMessage | None = None
    unauthenticated: float = 0.0


async def dial(
    url: TurnUri,
    addresses: Sequence[Address],
    phases: Phases,
    tls: ClientContext | None,
    timers: RetransmissionTimers,
    clock: Callable[[], float],
    families: MutableMapping[str, str],
) -> Dialed:
    """Connect to the address that answers first. Raises CheckFailed with the phase.

    Times the phases ``connect`` and ``tls``, over UDP ``allocate``. ``families`` gets
    the error of each family of several: empty for one that answers; and what is not asked.
    """
    if url.kind == "udp":
        if others := not_asked(addresses):
            families[NOT_ASKED] = others
        addresses = first_of_each_family(addresses)
    race = Race(addresses, both_families=url.kind == "udp", prefer=PREFER_SECONDS)
    try:
        with phases("allocate" if url.kind == "udp" else "connect"):
            found = await race.run(
                lambda address: _attempt(url, address, timers, clock),
                lambda lost: lost.connection.abort(),
            )
    except CheckAborted as error:
        error.phase = error.phase or ("allocate" if url.kind == "udp" else "connect")
        raise
    finally:
        families.update(_by_family(race))
    try:
        await found.connection.secure(phases, tls)
    except BaseException:
        found.connection.abort()
        raise
    return found


async def _attempt(
    url: TurnUri,
    address: Address,
    timers: RetransmissionTimers,
    clock: Callable[[], float],
) -> Dialed:
    """Connect to one address; over UDP the answer to the first Allocate connects."""
    connection = StunConnection(url, address, timers)
    try:
        await connection.connect()
        if url.kind != "udp":
            return Dialed(connection)
        started, attributes = clock(), {"REQUESTED-TRANSPORT": message.UDP_TRANSPORT}
        request = message.make_request(Method.ALLOCATE, attributes, {})
        challenge = await connection.transactions.run(request, None)
        return Dialed(connection, challenge, clock() - started)
    except BaseException:
        connection.abort()
        raise


def _by_family(race: Race) -> dict[str, str]:
    """The error of each family, where there are two; without those not tried."""
    ordered = sorted(race.addresses, key=family_name)
    groups = [(name, list(each)) for name, each in groupby(ordered, key=family_name)]
    if len(groups) < 2:
        return {}
    answer: dict[str, str] = {}
    for name, group in groups:
        outcomes = [race.outcomes[each] for each in group if each in race.outcomes]
        shown = ", ".join(format_hostport(each.ip, each.port) for each in group)
        if "" in outcomes:
            answer[name] = ""
        elif outcomes:
            answer[name] = f"{shown}: {outcomes[0]}"
        elif any(each in race.started for each in group):
            answer[name] = f"{shown} does not answer"
    return answer
