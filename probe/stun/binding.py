"""One STUN Binding (RFC 8489): is the server there, and what does it see us as?"""

import ipaddress
import socket
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.net.racing import NOT_ASKED, Race, family_name, first_of_each_family, not_asked
from probe.net.resolver import Address
from probe.stun import message as messages
from probe.stun.codec import MessageClass, Method, StunMessage
from probe.stun.connection import StunConnection
from probe.stun.message import PeerAddress
from probe.stun.transaction import RFC_8489
from probe.stun.uri import TurnUri


class BindingResult(Struct, frozen=True):
    """The result of one Binding: our address as the server sees it, and as we do.

    ``rtt`` is in seconds until the answer reached this machine, retransmissions included;
    ``server`` is who answered.
    """

    server: Address
    reflexive: PeerAddress
    local: PeerAddress
    rtt: float
    retransmissions: int
    software: bytes = b""

    @property
    def is_natted(self) -> bool:
        """Whether something between us changes our address or port."""
        return self.reflexive[:2] != self.local[:2]


async def binding_request(
    url: TurnUri,
    addresses: Sequence[Address],
    clock: Callable[[], float],
    families: dict[str, str] | None = None,
) -> BindingResult:
    """Ask the first address of each family over UDP, as browsers do; what answers first counts.

    Waits for as long as the caller does. ``families`` gets the error of each family
    of several: empty for one that answers. Raises CheckFailed(connect_refused, protocol_error).
    """
    if families is not None and (others := not_asked(addresses)):
        families[NOT_ASKED] = others
    race = Race(first_of_each_family(addresses), both_families=True)
    try:
        return await race.run(lambda address: _request(url, address, clock), lambda _: None)
    finally:
        if families is not None and len({each.family for each in race.addresses}) > 1:
            families.update(_by_family(race.outcomes, race.started))


async def _request(url: TurnUri, address: Address, clock: Callable[[], float]) -> BindingResult:
    connection = StunConnection(url, address, RFC_8489)
    try:
        await connection.connect()
        started = clock()
        request = messages.make_request(Method.BINDING, {}, {})
        answer = await connection.transactions.run(request, None)
        rtt = clock() - started - connection.since_arrival()
        return BindingResult(
            address,
            reflexive_of(answer, address),
            connection.local,
            rtt,
            connection.transactions.retransmissions,
            answer.attributes.get("SOFTWARE", b""),
        )
    finally:
        connection.abort()


def reflexive_of(answer: StunMessage, sent: Address) -> PeerAddress:
    """Our address in an answer. Raises CheckFailed where it is none that we could have."""
    if answer.message_class == MessageClass.ERROR:
        message = f"{Method.BINDING.title} failed: {answer.error_code}"
        raise CheckFailed(Cause.PROTOCOL_ERROR, message)
    attributes = answer.attributes
    found: PeerAddress | None = attributes.get(
        "XOR-MAPPED-ADDRESS", attributes.get("MAPPED-ADDRESS")
    )
    if found is None:
        raise CheckFailed(Cause.PROTOCOL_ERROR, "the server answers without our address")
    ip = ipaddress.ip_address(found[0])
    version = 6 if sent.family == socket.AF_INET6 else 4
    if ip.is_unspecified or ip.is_multicast or found[1] == 0 or ip.version != version:
        message = f"the server sees us at {ip} port {found[1]}, which can't be our address"
        raise CheckFailed(Cause.PROTOCOL_ERROR, message)
    return found


def _by_family(outcomes: Mapping[Address, str], started: set[Address]) -> dict[str, str]:
    answer: dict[str, str] = {}
    for address in started:
        outcome = outcomes.get(address, f"{address.ip} does not answer")
        name = family_name(address)
        answer[name] = "" if answer.get(name) == "" else outcome
    return answer
