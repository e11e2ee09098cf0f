"""What echoes through a relay say of it: whether they came back, whole and in all sizes."""

import math
from typing import TYPE_CHECKING

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.turn.echo_packet import LARGE_BYTES

if TYPE_CHECKING:
    from probe.turn.relay_measurement import RelayMeasurement

MAX_LOSS = 0.2
"""ITU-T G.1010 asks for 3 % at most; beyond this browsers hardly connect."""
NEEDED_BYTES = 1200
"""Chromium's DTLS ClientHello: where it does not pass, no call connects."""
_BROWSERS_NEED = f"a browser's DTLS handshake needs {NEEDED_BYTES}"


def judge_echoes(measurement: "RelayMeasurement") -> None:
    """Raise CheckFailed for packets that are altered, or for a loss that is surely too high."""
    if measurement.altered:
        raise altered(*measurement.altered[0])
    sent, back = len(measurement.echoes.sent), len(measurement.echoes.rtts)
    if sent and is_significant_loss(sent - back, sent):
        raise CheckFailed(
            Cause.RELAY_LOSS, f"{sent - back} of {sent} packets were lost", phase="echo"
        )


def judge_mtu(measurement: "RelayMeasurement") -> None:
    """Raise CheckFailed where packets do not pass that a browser has to send."""
    if measurement.altered:
        raise altered(*measurement.altered[0])
    if measurement.mtu is not None and measurement.mtu < NEEDED_BYTES:
        message = f"packets of more than about {measurement.mtu} bytes are lost; {_BROWSERS_NEED}"
        raise CheckFailed(Cause.LARGE_PACKETS_LOST, message, phase="mtu")


def large_messages_lost() -> CheckFailed:
    """The failure of a call over which only small messages pass."""
    message = f"packets of {LARGE_BYTES} bytes are lost while small ones pass; {_BROWSERS_NEED}"
    return CheckFailed(Cause.LARGE_PACKETS_LOST, message, phase="echo")


def altered(sent: int, received: int, phase: str = "echo") -> CheckFailed:
    """The failure of a relay that delivers something else than was sent."""
    if received > sent and received % 4 == 0 and received - sent < 4:
        message = (
            f"a packet of {sent} bytes arrives with {received}: the relay hands on padding "
            "(RFC 8656 section 12.5), which ruins audio and video"
        )
    elif received == sent:
        message = f"a packet of {sent} bytes arrives with other content"
    else:
        message = f"a packet of {sent} bytes arrives with {received}"
    return CheckFailed(Cause.PAYLOAD_ALTERED, message, phase=phase)


def could_be_size(loss: float, tries: int) -> bool:
    """Whether large packets that were lost so often in a row were lost for their size: on a
    path that loses that share of all packets, chance explains it in less than 1 % of cases."""
    return float(loss**tries) < 0.01


def is_significant_loss(lost: int, sent: int) -> bool:
    """Whether the loss is beyond ``MAX_LOSS`` by its 95 % Wilson interval (Wilson 1927)."""
    z, share = 1.959964, lost / sent
    middle = share + z * z / (2 * sent)
    spread = z * math.sqrt(share * (1 - share) / sent + z * z / (4 * sent * sent))
    return (middle - spread) / (1 + z * z / sent) > MAX_LOSS
