"""A small TURN server whose answers can be bent, for what no well-made server does."""

import asyncio
import os
import ssl
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, cast

from probe.stun.codec import DecodeError, MessageClass, Method, StunMessage, decode
from tests.turn.bends import (
    KEY,
    PASSWORD,
    REALM,
    USERNAME,
    Address,
    Bends,
    Client,
    Relay,
    with_extra,
)

__all__ = ["KEY", "PASSWORD", "REALM", "USERNAME", "Bends", "BentServer", "bent_server"]


class BentServer(asyncio.DatagramProtocol):
    """Listens on UDP and TCP at one port of ``host``."""

    def __init__(self, bends: Bends) -> None:
        self.bends = bends
        self.allocated = 0
        self._nonce = os.urandom(8).hex().encode()
        self._clients: dict[Address, Client] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        loop = asyncio.get_running_loop()
        self.host = host
        while True:
            address = (host, port)
            self._udp, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=address)
            self.port = int(self._udp.get_extra_info("sockname")[1])
            try:
                self._tcp = await asyncio.start_server(self._serve, host, self.port, ssl=tls)
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
            client.expire()

    def url(self, way: str = "udp") -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        if way == "tls":
            return f"turns:{host}:{self.port}?transport=tcp"
        return f"turn:{host}:{self.port}?transport={way}"

    def datagram_received(self, data: bytes, address: Address) -> None:
        key = address[:2]
        if key not in self._clients:
            self._clients[key] = Client(
                lambda packet: self._udp.sendto(packet, address), key, stream=False
            )
        self._received(self._clients[key], data)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(cast("asyncio.Task[None]", task))
        address = writer.get_extra_info("peername")[:2]
        client = self._clients[address] = Client(
            lambda packet: None if writer.is_closing() else writer.write(packet),
            address,
            stream=True,
            close=writer.close,
        )
        try:
            while True:
                head = await reader.readexactly(4)
                (length,) = struct.unpack_from("!H", head, 2)
                if head[0] & 0xC0:
                    padded = await reader.readexactly(length + -length % 4)
                    self._received(client, head + padded)
                else:
                    self._received(client, head + await reader.readexactly(length + 16))
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    def _received(self, client: Client, data: bytes) -> None:
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
        elif message.method in bends.ignores and message.attributes.get("LIFETIME") != 0:
            pass
        elif bends.answer_lost:
            bends.answer_lost -= 1
        else:
            self._spawn(self._asked(client, message))

    def _indicated(self, client: Client, message: StunMessage) -> None:
        peer = message.attributes.get("XOR-PEER-ADDRESS")
        if client.relay is not None and peer and client.permits(peer[0]):
            client.relay.sendto(message.attributes["DATA"], peer)

    async def _asked(self, client: Client, request: StunMessage) -> None:
        if request.method == Method.BINDING:
            self._answer(client, request, {"XOR-MAPPED-ADDRESS": client.address}, signed=False)
        elif not request.is_signed_with(self.bends.key) and not self.bends.open_relay:
            challenge = {"REALM": self.bends.realm, "NONCE": self._nonce}
            self._refuse(client, request, 401, signed=False, **challenge)
        elif (error := self.bends.instead(request)) is not None:
            self._refuse(client, request, error.code, error.signed, **error.attributes)
        elif request.method == Method.ALLOCATE:
            await self._allocate(client, request)
        elif client.relay is None:
            self._refuse(client, request, 437)
        elif request.method == Method.REFRESH:
            self._refresh(client, request)
        else:
            self._permit(client, request)

    async def _allocate(self, client: Client, request: StunMessage) -> None:
        bends = self.bends
        bends.on_allocation(request)
        if bends.allocate_error is not None and bends.error_times > 0:
            bends.error_times -= 1
            self._refuse(client, request, bends.allocate_error)
            return
        if client.relay is None:
            loop = asyncio.get_running_loop()
            relay, _ = await loop.create_datagram_endpoint(
                lambda: Relay(partial(self.relayed, client)),
                local_addr=(bends.relay_host or self.host, 0),
            )
            client.relay = relay
            self.allocated += 1
        relayed = client.relay.get_extra_info("sockname")[:2]
        attributes = {
            "XOR-RELAYED-ADDRESS": relayed,
            "XOR-MAPPED-ADDRESS": client.address,
            **client.lives(bends.lifetimes),
            **bends.allocated,
        }
        for name in bends.without:
            attributes.pop(name, None)
        self._answer(client, request, attributes)

    def _refresh(self, client: Client, request: StunMessage) -> None:
        if request.attributes.get("LIFETIME") == 0 and client.relay is not None:
            client.expire()
            self.allocated -= 1
            self._answer(client, request, {"LIFETIME": 0})
            return
        client.refreshed += 1
        self._answer(client, request, client.lives(self.bends.lifetimes))

    def _permit(self, client: Client, request: StunMessage) -> None:
        bends, peer = self.bends, request.attributes["XOR-PEER-ADDRESS"]
        is_bind = request.method == Method.CHANNEL_BIND
        error = bends.channel_error if is_bind else bends.permission_error
        if error is not None:
            self._refuse(client, request, error)
            return
        client.permitted[peer[0]] = time.monotonic() + bends.permission_seconds
        if is_bind:
            client.channels[request.attributes["CHANNEL-NUMBER"]] = peer
        self._answer(client, request, {})

    def relayed(self, client: Client, data: bytes, peer: Address) -> None:
        """What a peer has sent to an allocation."""
        bends = self.bends
        if not client.permits(peer[0]) or len(data) > bends.largest or bends.drops(data):
            return
        delay = bends.delay(data)
        if bends.path is not None:
            is_channel = peer in client.channels.values()
            bends.path(data, peer, is_channel, lambda each: self._hand_on(client, each, peer))
        elif delay:
            asyncio.get_running_loop().call_later(
                delay, self._hand_on, client, bends.changes(data), peer
            )
        else:
            self._hand_on(client, bends.changes(data), peer)

    def _hand_on(self, client: Client, data: bytes, peer: Address) -> None:
        client.relayed += 1
        if client.relayed == self.bends.closes_after:
            client.close()
        if client.relayed == self.bends.away_after:
            self._spawn(self._go_away())
        numbers = {address: number for number, address in client.channels.items()}
        if self.bends.flood:
            self._spawn(self._flood(client, self.bends.flood))
        if peer in numbers:
            pad = client.stream and self.bends.pad_towards_client
            packet = struct.pack("!HH", numbers[peer], len(data)) + data
            self._leave(client, None, packet + (bytes(-len(data) % 4) if pad else b""))
            return
        attributes = {"XOR-PEER-ADDRESS": peer, "DATA": data}
        message = StunMessage(Method.DATA, MessageClass.INDICATION, attributes)
        self._leave(client, None, message.encode())

    async def _go_away(self) -> None:
        """Nothing listens at the UDP port for a while: the system refuses what comes."""
        address = (self.host, self.port)
        self._udp.close()
        await asyncio.sleep(self.bends.away_seconds)
        loop = asyncio.get_running_loop()
        self._udp, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=address)

    async def _flood(self, client: Client, packet: bytes) -> None:
        for _ in range(20_000):
            client.send(packet)
            await asyncio.sleep(0)

    def _answer(
        self, client: Client, request: StunMessage, attributes: dict[str, Any], signed: bool = True
    ) -> None:
        signed = signed and request.method not in self.bends.unsigned_successes
        signed = signed and not self.bends.open_relay
        answer = StunMessage(
            request.method, MessageClass.RESPONSE, attributes, request.transaction_id
        )
        packet = answer.encode(self.bends.key if signed and not self.bends.extra else None)
        if self.bends.extra:
            packet = with_extra(packet, self.bends.extra)
        self._leave(client, request, packet)

    def _refuse(
        self,
        client: Client,
        request: StunMessage,
        code: int,
        signed: bool = True,
        **attributes: Any,
    ) -> None:
        signed = signed and not self.bends.unsigned_errors
        found: dict[str, Any] = {"ERROR-CODE": (code, b"no"), **attributes}
        answer = StunMessage(request.method, MessageClass.ERROR, found, request.transaction_id)
        self._leave(client, request, answer.encode(self.bends.key if signed else None))

    def _leave(self, client: Client, request: StunMessage | None, packet: bytes) -> None:
        for each in self.bends.outgoing(request, packet):
            client.send(each)

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@asynccontextmanager
async def bent_server(
    bends: Bends | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    tls: ssl.SSLContext | None = None,
    **options: Any,
) -> AsyncIterator[BentServer]:
    """A server that runs until the block ends; ``options`` are Bends, with ``tls`` its streams
    are TLS."""
    server = BentServer(bends or Bends(**options))
    await server.start(host, port, tls)
    try:
        yield server
    finally:
        await server.stop()
