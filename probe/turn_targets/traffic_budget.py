"""What checks of TURN servers cost, and how often that can be afforded.

Operators pay for relayed bytes, or share a free plan with everybody. So there are
two tiers: an allocation check (allocate and delete) that sees a server that is down within
half a minute, and echoes and calls as often as ``MONTHLY_BYTES`` for each provider allow.

The bytes of one run were measured on loopback, both ends and both directions, headers
included; a test measures them again. For TLS a chain of certificates as public authorities
issue it is added, which a laboratory's is shorter than.
"""

import contextlib
import math
import ssl
from collections.abc import Mapping, Sequence
from functools import cache

from probe.stun.uri import TransportProtocol

MONTH_SECONDS = 30 * 86400.0
MONTHLY_BYTES = 0.5e9

FIRST_ALLOCATION_SECONDS = 20.0
"""For the cheapest of each provider's servers: with 120 s of failing, servers that are down
page within 150 s, silent ones within 175 s. The first check that fails has all others run at
once."""
ALLOCATION_SECONDS = 100.0
"""For a provider's other servers and transports."""
RARE_ALLOCATION_SECONDS = 300.0
"""For TLS, whose handshake is most of an allocation check, unless it is the only transport."""
COSTLY_RELAY_SECONDS = 900.0
ECHOES, CALL_ECHOES = 20, 10
"""How many a run sends, through a relay and over a call's data channel."""

_ECHO_PAUSE = 0.02

# Shares of the month's bytes: for allocation checks, and for these, echoes and calls together.
# The rest pays for the way from the primary's relay to the backup's.
_ALLOCATIONS_SHARE, _TIERS_SHARE = 0.6, 0.9
_ROUND_TO = 60.0

# Opening and closing one connection, a public chain of certificates (2.5 kB) included, with the
# ClientHello that TLS libraries had before post-quantum key exchange.
_CONNECTION: Mapping[TransportProtocol, int] = {"udp": 0, "tcp": 450, "tls": 5000}
_PLAIN_HELLO_BYTES = 517
# Segments that a longer hello is cut into, and a name longer than the usual ones.
_HELLO_MARGIN = 1.2
# An allocation and its deletion.
_ALLOCATION: Mapping[TransportProtocol, int] = {"udp": 850, "tcp": 850, "tls": 1000}
# Permissions, channels, the first packets, a large one, transactions with the server; and each
# echo.
_PATH: Mapping[TransportProtocol, int] = {"udp": 8500, "tcp": 9500, "tls": 10_200}
_ECHO: Mapping[TransportProtocol, int] = {"udp": 770, "tcp": 950, "tls": 1050}
# ICE, DTLS and SCTP of both sides, a large echo; and each other echo over the data channel. Which
# side's end of the channel meets the other's is a matter of a moment: all packets of both count.
_CALL: Mapping[TransportProtocol, int] = {"udp": 15_600, "tcp": 18_700, "tls": 20_600}
# RTP header, extensions, Opus, SRTP's tag, ChannelData, UDP and IP.
_AUDIO_PACKET = 144
_CALL_ECHO: Mapping[TransportProtocol, int] = {"udp": 1400, "tcp": 1800, "tls": 1900}


@cache
def key_share_bytes() -> int:
    """What a TLS handshake of this machine's library costs beyond :data:`_CONNECTION`.

    With a post-quantum key share (X25519MLKEM768: OpenSSL 3.5 and later, as Chromium has it) a
    ClientHello is about three times as long, and the server answers with a share of nearly the
    same size. The hello is made here, because the version alone doesn't tell: AWS-LC calls itself
    OpenSSL 1.1.1, and a configuration of OpenSSL may leave the group out or name a longer one.
    """
    outgoing = ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    connection = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="turn.example.org")
    with contextlib.suppress(ssl.SSLWantReadError):
        connection.do_handshake()
    longer = max(0, outgoing.pending - _PLAIN_HELLO_BYTES)
    return math.ceil(2 * longer * _HELLO_MARGIN / 100) * 100


def _connection_bytes(transport: TransportProtocol) -> int:
    return _CONNECTION[transport] + (key_share_bytes() if transport == "tls" else 0)


def allocation_bytes(transport: TransportProtocol) -> int:
    """One allocation and its deletion."""
    return _connection_bytes(transport) + _ALLOCATION[transport]


def path_bytes(transport: TransportProtocol, echoes: int) -> int:
    """Two allocations, permissions, echoes, and transactions with the server."""
    return 2 * allocation_bytes(transport) + _PATH[transport] + echoes * _ECHO[transport]


def call_bytes(transport: TransportProtocol, echoes: int) -> int:
    """Two allocations, ICE, DTLS, SCTP, and echoes over the data channel."""
    return 2 * allocation_bytes(transport) + _CALL[transport] + echoes * _CALL_ECHO[transport]


def media_bytes(seconds: float) -> float:
    """Audio in both directions, each packet to the server and from it."""
    return 2 * 50 * seconds * 2 * _AUDIO_PACKET


def allocation_intervals(transports: Sequence[tuple[str, TransportProtocol]]) -> list[float]:
    """How often to allocate on each of one provider's servers (host, transport), in seconds."""
    hosts = [host for host, transport in transports if transport != "tls"]
    budgeted = [
        RARE_ALLOCATION_SECONDS if transport == "tls" and host in hosts else ALLOCATION_SECONDS
        for host, transport in transports
    ]
    costs = [allocation_bytes(transport) for _, transport in transports]
    if costs:
        budgeted[costs.index(min(costs))] = FIRST_ALLOCATION_SECONDS
    stretch = max(1.0, _a_month(transports, budgeted) / (_ALLOCATIONS_SHARE * MONTHLY_BYTES))
    return [seconds * stretch for seconds in budgeted]


def relay_intervals(transports: Sequence[tuple[str, TransportProtocol]]) -> list[float]:
    """How often to send echoes through each of one provider's servers, and how often to
    call through it, in seconds."""
    allocations = _a_month(transports, allocation_intervals(transports))
    needed = sum(
        path_bytes(transport, ECHOES) + call_bytes(transport, CALL_ECHOES)
        for _, transport in transports
    )
    fitting = needed * MONTH_SECONDS / (_TIERS_SHARE * MONTHLY_BYTES - allocations)
    return [max(COSTLY_RELAY_SECONDS, -(-fitting // _ROUND_TO) * _ROUND_TO)] * len(transports)


def _a_month(
    transports: Sequence[tuple[str, TransportProtocol]], intervals: Sequence[float]
) -> float:
    """Bytes in 30 days for allocation checks in these intervals."""
    return sum(
        allocation_bytes(transport) * MONTH_SECONDS / seconds
        for (_, transport), seconds in zip(transports, intervals, strict=True)
    )


def echo_seconds(count: int) -> float:
    """How long so many echoes take to be sent, through a relay or over a data channel; 0 where that
    is less than a second."""
    seconds = count * _ECHO_PAUSE
    return seconds if seconds >= 1 else 0.0
