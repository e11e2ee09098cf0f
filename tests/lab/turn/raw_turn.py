"""A TURN client that sends what it is told, and a peer to relay to."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from aioice import stun
from aioice.turn import make_integrity_key

from probe.lab.turn.server import LabTurnServer

Address = tuple[str, int]


PATIENCE = 5.0


USER, PASSWORD, REALM = "ann", "secret", "lab"


USERS = {USER: PASSWORD}


UDP = 17 << 24


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Inbox(asyncio.DatagramProtocol):
    """Keeps what arrives."""

    def __init__(self) -> None:
        self.arrived: asyncio.Queue[tuple[bytes, Address]] = asyncio.Queue()
        self.errors: asyncio.Queue[Exception] = asyncio.Queue()
        self.lost = asyncio.Event()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.arrived.put_nowait((data, addr))

    def error_received(self, exc: Exception) -> None:
        self.errors.put_nowait(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()

    @property
    def address(self) -> Address:
        address: Address = self.transport.get_extra_info("sockname")
        return address

    def send(self, data: bytes, to: Address) -> None:
        self.transport.sendto(data, to)

    async def receive(self) -> tuple[bytes, Address]:
        return await asyncio.wait_for(self.arrived.get(), PATIENCE)

    async def close(self) -> None:
        self.transport.close()
        await asyncio.wait_for(self.lost.wait(), PATIENCE)


class RawClient:
    """Requests and packets of any shape. Answers to signed requests must be signed."""

    def __init__(self, username: str = USER, password: str = PASSWORD) -> None:
        self.username = username
        self.key = make_integrity_key(username, REALM, password)
        self.nonce = b""
        self.packets: asyncio.Queue[bytes] = asyncio.Queue()

    def send(self, packet: bytes) -> None:
        raise NotImplementedError

    async def receive(self) -> bytes:
        return await asyncio.wait_for(self.packets.get(), PATIENCE)

    def signed(self, method: stun.Method, **attributes: Any) -> stun.Message:
        """A request with credentials; underscores in names stand for hyphens."""
        message = plain(method, **attributes)
        message.attributes |= {"USERNAME": self.username, "REALM": REALM, "NONCE": self.nonce}
        message.add_message_integrity(self.key)
        return message

    async def exchange(self, message: stun.Message, *, signed: bool = False) -> stun.Message:
        self.send(bytes(message))
        packet = await self.receive()
        answer = stun.parse_message(packet)
        assert answer.transaction_id == message.transaction_id
        if signed and code_of(answer) not in (401, 438):
            assert is_signed(packet, self.key)
        return answer

    async def challenged(self) -> None:
        """Ask without credentials to learn the nonce."""
        answer = await self.exchange(plain(stun.Method.ALLOCATE, REQUESTED_TRANSPORT=UDP))
        assert answer.attributes["ERROR-CODE"][0] == 401
        assert answer.attributes["REALM"] == REALM
        self.nonce = answer.attributes["NONCE"]

    async def ask(self, method: stun.Method, **attributes: Any) -> stun.Message:
        return await self.exchange(self.signed(method, **attributes), signed=True)

    async def allocate(self) -> Address:
        await self.challenged()
        answer = await self.ask(stun.Method.ALLOCATE, REQUESTED_TRANSPORT=UDP)
        assert code_of(answer) is None
        relayed: Address = answer.attributes["XOR-RELAYED-ADDRESS"]
        return relayed

    async def permit(self, peer: Address) -> None:
        answer = await self.ask(stun.Method.CREATE_PERMISSION, XOR_PEER_ADDRESS=peer)
        assert code_of(answer) is None

    def send_indication(self, data: bytes, peer: Address) -> None:
        message = stun.Message(stun.Method.SEND, stun.Class.INDICATION)
        message.attributes |= {"XOR-PEER-ADDRESS": peer, "DATA": data}
        self.send(bytes(message))

    async def ping(self) -> None:
        """A Binding round trip: all that was sent before is dealt with."""
        assert code_of(await self.exchange(plain(stun.Method.BINDING))) is None


class _Datagrams(RawClient):
    inbox: Inbox

    def send(self, packet: bytes) -> None:
        self.inbox.transport.sendto(packet)

    async def receive(self) -> bytes:
        return (await self.inbox.receive())[0]


class _Stream(RawClient):
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, packet: bytes) -> None:
        self.writer.write(packet)

    async def receive(self) -> bytes:
        async with asyncio.timeout(PATIENCE):
            head = await self.reader.readexactly(4)
            length = int.from_bytes(head[2:])
            body = length + 16 if head[0] < 0x40 else length + stun.padding_length(length)
            return head + await self.reader.readexactly(body)


def plain(method: stun.Method, **attributes: Any) -> stun.Message:
    """A request without credentials."""
    message = stun.Message(method, stun.Class.REQUEST)
    message.attributes |= {name.replace("_", "-"): value for name, value in attributes.items()}
    return message


def data_of(packet: bytes) -> tuple[bytes, Address]:
    """Data and peer of a Data indication."""
    message = stun.parse_message(packet)
    assert (message.message_method, message.message_class) == (
        stun.Method.DATA,
        stun.Class.INDICATION,
    )
    return message.attributes["DATA"], message.attributes["XOR-PEER-ADDRESS"]


def is_signed(packet: bytes, key: bytes) -> bool:
    """Whether the packet ends with the MESSAGE-INTEGRITY of ``key`` and a FINGERPRINT."""
    end = len(packet) - stun.FINGERPRINT_LENGTH
    start = end - stun.INTEGRITY_LENGTH
    return packet[start + 4 : end] == stun.message_integrity(packet[:start], key)


def code_of(answer: stun.Message) -> int | None:
    """The answer's error code; None for a success."""
    assert answer.message_class in (stun.Class.RESPONSE, stun.Class.ERROR)
    error = answer.attributes.get("ERROR-CODE")
    return None if error is None else int(error[0])


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close a connection without a goodbye."""
    writer.transport.abort()
    with suppress(OSError):
        await writer.wait_closed()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that fires no event."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0)


@asynccontextmanager
async def running(**settings: Any) -> AsyncIterator[LabTurnServer]:
    """A server for `USERS`."""
    server = LabTurnServer(**{"users": USERS, **settings})
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def raw(
    server: LabTurnServer,
    transport: str = "udp",
    *,
    trust: ssl.SSLContext | None = None,
    username: str = USER,
    password: str = PASSWORD,
) -> AsyncIterator[RawClient]:
    """A raw client over ``udp``, ``tcp`` or, with ``trust``, ``tls``."""
    if transport == "udp":
        datagrams = _Datagrams(username, password)
        _, datagrams.inbox = await asyncio.get_running_loop().create_datagram_endpoint(
            Inbox, remote_addr=(server.host, server.udp_port)
        )
        try:
            yield datagrams
        finally:
            await datagrams.inbox.close()
        return
    stream = _Stream(username, password)
    port = server.tcp_port if transport == "tcp" else server.tls_port
    stream.reader, stream.writer = await asyncio.open_connection(
        server.host, port, ssl=trust if transport == "tls" else None
    )
    try:
        yield stream
    finally:
        await hang_up(stream.writer)


@asynccontextmanager
async def peer() -> AsyncIterator[Inbox]:
    """A plain UDP socket on loopback."""
    loop = asyncio.get_running_loop()
    _, inbox = await loop.create_datagram_endpoint(Inbox, local_addr=("127.0.0.1", 0))
    try:
        yield inbox
    finally:
        await inbox.close()
