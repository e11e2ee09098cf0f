"""A small TURN server whose answers can be bent, for what no well-made server does."""

import asyncio
import os
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from probe.stun.codec import DecodeError, MessageClass, Method, StunMessage, decode, long_term_key

USERNAME, PASSWORD, REALM = "u", "p", b"bent.test"
KEY = long_term_key(USERNAME, REALM, PASSWORD)
Address = tuple[str, int]


@dataclass
class Bends:
    """How it deviates. Codes are those of error answers; sizes are bytes."""

    allocate_error: int | None = None
    error_times: int = 10**9
    unsigned_errors: bool = False
    unsigned_successes: frozenset[Method] = frozenset()
    open_relay: bool = False
    channel_error: int | None = None
    permission_error: int | None = None
    without: frozenset[str] = frozenset()
    extra: bytes = b""
    realm: bytes = REALM
    forward_padding: bool = False
    pad_towards_client: bool = True
    largest: int = 10**9
    drops: Callable[[bytes], bool] = lambda _: False
    changes: Callable[[bytes], bytes] = lambda data: data
    delay: Callable[[bytes], float] = lambda _: 0.0
    first_answers: Callable[[], bytes] | None = None
    answer_lost: int = 0
    flood: bytes = b""
    on_allocation: Callable[[StunMessage], None] = lambda _: None


@dataclass
class _Client:
    send: Callable[[bytes], None]
    address: Address
    stream: bool
    relay: "asyncio.DatagramTransport | None" = None
    channels: dict[int, Address] = field(default_factory=dict)
    permitted: set[str] = field(default_factory=set)


class BentServer(asyncio.DatagramProtocol):
    """Listens on UDP and TCP at one port of ``host``."""

    def __init__(self, bends: Bends) -> None:
        self.bends = bends
        self.allocated = 0
        self._nonce = os.urandom(8).hex().encode()
        self._clients: dict[Address, _Client] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int = 0) -> None:
        loop = asyncio.get_running_loop()
        self.host = host
        while True:
            address = (host, port)
            self._udp, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=address)
            self.port = int(self._udp.get_extra_info("sockname")[1])
            try:
                self._tcp = await asyncio.start_server(self._serve, host, self.port)
            except OSError:
                self._udp.close()
                if port:
                    raise
            else:
                return

    async def stop(self) -> None:
        self._udp.close()
        self._tcp.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for client in self._clients.values():
            if client.relay is not None:
                client.relay.close()

    def url(self, way: str = "udp") -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"turn:{host}:{self.port}?transport={way}"

    def datagram_received(self, data: bytes, address: Address) -> None:
        key = address[:2]
        if key not in self._clients:
            self._clients[key] = _Client(
                lambda packet: self._udp.sendto(packet, address), key, stream=False
            )
        self._received(self._clients[key], data)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(cast("asyncio.Task[None]", task))
        address = writer.get_extra_info("peername")[:2]
        client = self._clients[address] = _Client(writer.write, address, stream=True)
        try:
            while True:
                head = await reader.readexactly(4)
                (length,) = struct.unpack_from("!H", head, 2)
                if head[0] & 0xC0:
                    padded = await reader.readexactly(length + -length % 4)
                    self._received(client, head + padded)
                else:
                    self._received(client, head + await reader.readexactly(length + 16))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _received(self, client: _Client, data: bytes) -> None:
        bends = self.bends
        if bends.first_answers is not None:
            client.send(bends.first_answers())
            return
        if data[0] & 0xC0:
            number, length = struct.unpack_from("!HH", data)
            payload = data[4:] if bends.forward_padding else data[4 : 4 + length]
            if client.relay is not None and number in client.channels:
                client.relay.sendto(payload, client.channels[number])
            return
        try:
            message = decode(data)
        except DecodeError:
            return
        if message.message_class == MessageClass.INDICATION:
            self._indicated(client, message)
        elif bends.answer_lost:
            bends.answer_lost -= 1
        else:
            self._spawn(self._asked(client, message))

    def _indicated(self, client: _Client, message: StunMessage) -> None:
        peer = message.attributes.get("XOR-PEER-ADDRESS")
        if client.relay is not None and peer and peer[0] in client.permitted:
            client.relay.sendto(message.attributes["DATA"], peer)

    async def _asked(self, client: _Client, request: StunMessage) -> None:
        if request.method == Method.BINDING:
            self._answer(client, request, {"XOR-MAPPED-ADDRESS": client.address}, signed=False)
        elif not request.is_signed_with(KEY) and not self.bends.open_relay:
            challenge = {"REALM": self.bends.realm, "NONCE": self._nonce}
            self._refuse(client, request, 401, signed=False, **challenge)
        elif request.method == Method.ALLOCATE:
            await self._allocate(client, request)
        elif client.relay is None:
            self._refuse(client, request, 437)
        elif request.method == Method.REFRESH:
            self._refresh(client, request)
        else:
            self._permit(client, request)

    async def _allocate(self, client: _Client, request: StunMessage) -> None:
        bends = self.bends
        bends.on_allocation(request)
        if bends.allocate_error is not None and bends.error_times > 0:
            bends.error_times -= 1
            self._refuse(client, request, bends.allocate_error)
            return
        if client.relay is None:
            loop = asyncio.get_running_loop()
            relay, _ = await loop.create_datagram_endpoint(
                lambda: _Relay(self, client), local_addr=(self.host, 0)
            )
            client.relay = relay
            self.allocated += 1
        relayed = client.relay.get_extra_info("sockname")[:2]
        attributes = {
            "XOR-RELAYED-ADDRESS": relayed,
            "XOR-MAPPED-ADDRESS": client.address,
            "LIFETIME": 600,
        }
        for name in bends.without:
            attributes.pop(name, None)
        self._answer(client, request, attributes)

    def _refresh(self, client: _Client, request: StunMessage) -> None:
        if request.attributes.get("LIFETIME") == 0 and client.relay is not None:
            client.relay.close()
            client.relay = None
            self.allocated -= 1
        self._answer(client, request, {"LIFETIME": 600})

    def _permit(self, client: _Client, request: StunMessage) -> None:
        bends, peer = self.bends, request.attributes["XOR-PEER-ADDRESS"]
        is_bind = request.method == Method.CHANNEL_BIND
        error = bends.channel_error if is_bind else bends.permission_error
        if error is not None:
            self._refuse(client, request, error)
            return
        client.permitted.add(peer[0])
        if is_bind:
            client.channels[request.attributes["CHANNEL-NUMBER"]] = peer
        self._answer(client, request, {})

    def relayed(self, client: _Client, data: bytes, peer: Address) -> None:
        """What a peer has sent to an allocation."""
        bends = self.bends
        if peer[0] not in client.permitted or len(data) > bends.largest or bends.drops(data):
            return
        delay = bends.delay(data)
        if delay:
            asyncio.get_running_loop().call_later(
                delay, self._hand_on, client, bends.changes(data), peer
            )
        else:
            self._hand_on(client, bends.changes(data), peer)

    def _hand_on(self, client: _Client, data: bytes, peer: Address) -> None:
        numbers = {address: number for number, address in client.channels.items()}
        if self.bends.flood:
            self._spawn(self._flood(client, self.bends.flood))
        if peer in numbers:
            pad = client.stream and self.bends.pad_towards_client
            packet = struct.pack("!HH", numbers[peer], len(data)) + data
            client.send(packet + (bytes(-len(data) % 4) if pad else b""))
            return
        attributes = {"XOR-PEER-ADDRESS": peer, "DATA": data}
        client.send(StunMessage(Method.DATA, MessageClass.INDICATION, attributes).encode())

    async def _flood(self, client: _Client, packet: bytes) -> None:
        for _ in range(20_000):
            client.send(packet)
            await asyncio.sleep(0)

    def _answer(
        self, client: _Client, request: StunMessage, attributes: dict[str, Any], signed: bool = True
    ) -> None:
        signed = signed and request.method not in self.bends.unsigned_successes
        signed = signed and not self.bends.open_relay
        answer = StunMessage(
            request.method, MessageClass.RESPONSE, attributes, request.transaction_id
        )
        packet = answer.encode(KEY if signed and not self.bends.extra else None)
        if self.bends.extra:
            packet = _with_extra(packet, self.bends.extra)
        client.send(packet)

    def _refuse(
        self,
        client: _Client,
        request: StunMessage,
        code: int,
        signed: bool = True,
        **attributes: bytes,
    ) -> None:
        signed = signed and not self.bends.unsigned_errors
        found: dict[str, Any] = {"ERROR-CODE": (code, b"no"), **attributes}
        answer = StunMessage(request.method, MessageClass.ERROR, found, request.transaction_id)
        client.send(answer.encode(KEY if signed else None))

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Relay(asyncio.DatagramProtocol):
    def __init__(self, server: BentServer, client: _Client) -> None:
        self._server, self._client = server, client

    def datagram_received(self, data: bytes, peer: Address) -> None:
        self._server.relayed(self._client, data, peer[:2])


def _with_extra(packet: bytes, extra: bytes) -> bytes:
    """The packet with attributes that the codec has no words for."""
    return packet[:2] + struct.pack("!H", len(packet) - 20 + len(extra)) + packet[4:] + extra


@asynccontextmanager
async def bent_server(
    bends: Bends | None = None, host: str = "127.0.0.1", port: int = 0, **options: Any
) -> AsyncIterator[BentServer]:
    """A server that runs until the block ends; ``options`` are Bends."""
    server = BentServer(bends or Bends(**options))
    await server.start(host, port)
    try:
        yield server
    finally:
        await server.stop()
