"""One STUN Binding (RFC 8489): is the server there, and what does it see us as?"""

from collections.abc import Callable
from dataclasses import dataclass

from aioice.stun import Class, Message, Method

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed
from probe.net.resolver import Address
from probe.stun import message as messages
from probe.stun.message import PeerAddress
from probe.stun.transaction import Transactions
from probe.stun.transport import Transport, open_wire, untimed
from probe.stun.uri import TurnUri


@dataclass(frozen=True, slots=True)
class BindingResult:
    """What came of one Binding: our address as the server sees it, and as we do.

    ``rtt`` is in seconds, retransmissions included.
    """

    reflexive: PeerAddress
    local: PeerAddress
    rtt: float
    retransmissions: int

    @property
    def is_natted(self) -> bool:
        """Whether something between us changes our address or port."""
        return self.reflexive[:2] != self.local[:2]


class _BindingReceiver:
    """The receiving side of one wire."""

    def __init__(self) -> None:
        self.wire: Transport | None = None
        self.transactions = Transactions(self._send, reliable=False)

    def has_channel(self, number: int) -> bool:
        """There are none in STUN."""
        return False

    def message_received(self, frame: bytes) -> None:
        """Take what the server sends; a stranger's bytes never raise here."""
        message = messages.read_message(frame)
        if message is None:
            self.transactions.unparsable_received()
        else:
            self.transactions.received(message)

    def connection_lost(self, error: CheckAborted) -> None:
        """Nothing comes any more."""
        self.transactions.fail(error)

    def _send(self, frame: bytes) -> None:
        if self.wire is not None:
            self.wire.send(frame)


async def binding_request(
    url: TurnUri, address: Address, clock: Callable[[], float]
) -> BindingResult:
    """Ask once, over UDP as browsers do; waits for as long as whoever called it does.

    ``url`` names host and port. Raises CheckFailed(connect_refused, protocol_error).
    """
    asking = _BindingReceiver()
    asking.wire = await open_wire(url, address, asking, phases=untimed)
    try:
        started = clock()
        request = messages.make_request(Method.BINDING, {}, {}, None)
        answer = await asking.transactions.run(request, None)
        rtt = clock() - started
        retransmissions = asking.transactions.retransmissions
        return BindingResult(_reflexive(answer), asking.wire.local, rtt, retransmissions)
    finally:
        asking.wire.abort()


def _reflexive(answer: Message) -> PeerAddress:
    if answer.message_class == Class.ERROR:
        message = f"the server says {answer.error_code} to binding"
        raise CheckFailed(Cause.PROTOCOL_ERROR, message)
    found: PeerAddress | None = answer.attributes.get(
        "XOR-MAPPED-ADDRESS", answer.attributes.get("MAPPED-ADDRESS")
    )
    if found is None:
        raise CheckFailed(Cause.PROTOCOL_ERROR, "the server answers without our address")
    return found
