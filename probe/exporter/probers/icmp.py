"""``icmp``: one echo request (RFC 792, RFC 4443), where this process may send it."""

import asyncio
import errno
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckFailed, NotMeasured
from probe.core.recorder import Recorder
from probe.exporter.modules.other import IcmpProbe
from probe.exporter.probers import signals
from probe.exporter.probers.connection import addresses_of, write_address
from probe.exporter.probers.table import ProbeTable, prober
from probe.exporter.probers.target import check_host
from probe.net.resolver import Address

PHASES = ("resolve", "setup", "rtt")
_PORT = 0
_V4_REQUEST, _V4_REPLY, _V6_REQUEST, _V6_REPLY = 8, 0, 128, 129
_IP_MTU_DISCOVER, _IP_PMTUDISC_DO, _IP_RECVTTL = 10, 2, 12
_HINT = (
    "Let this process send ICMP: put its group into net.ipv4.ping_group_range, or give it "
    "CAP_NET_RAW."
)


async def run(table: ProbeTable, record: Recorder, context: Context) -> None:
    """Send one echo request and wait for its reply."""
    settings, host = table.module.icmp, check_host(table.address.get_secret_value())
    for phase in PHASES:
        record.sample(signals.ICMP_DURATION, 0, phase=phase)
    ip = ""
    try:
        with record.phase("resolve"):
            address = (await addresses_of(host, _PORT, settings))[0]
        ip = address.ip
        record.sample(signals.LOOKUP, record.phases["resolve"])
        with record.phase("setup"):
            sock = _socket(address, settings)
        with sock, record.phase("rtt"), _translated(host):
            hop_limit = await _echo(sock, address, settings)
        if hop_limit is not None:
            record.sample(signals.HOP_LIMIT, hop_limit)
    finally:
        write_address(ip, record)
        for phase in PHASES:
            if phase in record.phases:
                record.sample(signals.ICMP_DURATION, record.phases[phase], phase=phase)


def _socket(address: Address, settings: IcmpProbe) -> socket.socket:
    """An unprivileged ICMP socket, or a raw one. Raises NotMeasured where neither is allowed."""
    is_v6 = address.family == socket.AF_INET6
    protocol = socket.IPPROTO_ICMPV6 if is_v6 else socket.IPPROTO_ICMP
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        with suppress(OSError):
            sock = socket.socket(address.family, kind, protocol)
            sock.setblocking(False)
            _configure(sock, settings, is_v6=is_v6)
            return sock
    raise NotMeasured(Cause.OWN_RESOURCES, "this process may not send ICMP", hint=_HINT)


def _configure(sock: socket.socket, settings: IcmpProbe, *, is_v6: bool) -> None:
    if is_v6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
        if settings.ttl:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, settings.ttl)
        return
    with suppress(OSError):
        sock.setsockopt(socket.IPPROTO_IP, _IP_RECVTTL, 1)
    if settings.ttl:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, settings.ttl)
    if settings.dont_fragment:
        sock.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _IP_PMTUDISC_DO)


@contextmanager
def _translated(host: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.EMSGSIZE:
            message = f"a packet of this size does not pass to {host} without fragments"
            raise CheckFailed(Cause.LARGE_PACKETS_LOST, message) from None
        message = f"no route to {host}: {error.strerror}"
        raise CheckFailed(Cause.CONNECT_FAILED, message) from None


async def _echo(sock: socket.socket, address: Address, settings: IcmpProbe) -> int | None:
    """The reply's hop limit, if the system says it. Waits for as long as the caller does."""
    loop = asyncio.get_running_loop()
    # On a raw socket the identifier is ours to choose; on the other the kernel does.
    identifier, sequence = os.getpid() & 0xFFFF, int.from_bytes(os.urandom(2), "big")
    payload = os.urandom(8) + b"probe".ljust(max(settings.payload_size - 8, 0), b".")
    payload = payload[: settings.payload_size] if settings.payload_size else payload
    is_v6 = address.family == socket.AF_INET6
    packet = _packet(_V6_REQUEST if is_v6 else _V4_REQUEST, identifier, sequence, payload)
    await loop.sock_sendto(sock, packet, (address.ip, 0))
    while True:
        data, ancillary = await _receive(sock, loop)
        if sock.type == socket.SOCK_RAW and not is_v6:
            data = data[(data[0] & 0xF) * 4 :] if data else data
        if _is_reply(data, sequence, payload, _V6_REPLY if is_v6 else _V4_REPLY):
            return _hop_limit(ancillary)


async def _receive(
    sock: socket.socket, loop: asyncio.AbstractEventLoop
) -> tuple[bytes, list[tuple[int, int, bytes]]]:
    while True:
        try:
            data, ancillary, _, _ = sock.recvmsg(1 << 16, 256)
        except BlockingIOError:
            readable = asyncio.Event()
            loop.add_reader(sock, readable.set)
            try:
                await readable.wait()
            finally:
                loop.remove_reader(sock)
        else:
            return data, ancillary


def _packet(kind: int, identifier: int, sequence: int, payload: bytes) -> bytes:
    """Type, code, checksum, identifier, sequence number, data; the kernel sums for IPv6."""
    head = struct.pack("!BBHHH", kind, 0, 0, identifier, sequence)
    return struct.pack("!BBHHH", kind, 0, checksum(head + payload), identifier, sequence) + payload


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _is_reply(data: bytes, sequence: int, payload: bytes, kind: int) -> bool:
    if len(data) < 8 or data[0] != kind:
        return False
    return int.from_bytes(data[6:8], "big") == sequence and data[8:] == payload


def _hop_limit(ancillary: list[tuple[int, int, bytes]]) -> int | None:
    for level, kind, data in ancillary:
        is_v4 = (level, kind) == (socket.IPPROTO_IP, socket.IP_TTL)
        if is_v4 or (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT):
            return int.from_bytes(data[:4], "little" if data[:1] != b"\0" else "big")
    return None


KIND = prober(
    "icmp",
    run,
    "one echo request",
    (*signals.ADDRESS_SIGNALS, signals.ICMP_DURATION, signals.HOP_LIMIT),
)
