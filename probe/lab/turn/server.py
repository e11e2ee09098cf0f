"""A TURN server (RFC 8656) for the lab: UDP, TCP and TLS on one address, in this process.

`LabTurnServer` owns the sockets; the relay, the answers and the failures on demand are in
the other modules and in `TurnKnobs`.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from ipaddress import IPv4Address
from types import MappingProxyType
from weakref import WeakValueDictionary

from probe.lab.knobs import TurnKnobs
from probe.lab.turn.auth import LabCredentials
from probe.lab.turn.delay_queue import DelayQueue
from probe.lab.turn.message import Address, is_channel_data
from probe.lab.turn.relay import LabRelay
from probe.lab.turn.request_handler import RequestHandler
from probe.lab.turn.sockets import Client, Connection, StreamClient, UdpClient, UdpSocket

_BACKLOG = 128
# Seconds to wait for the client's half of the TLS closure.
_SHUTDOWN_SECONDS = 1.0
# Seconds before accepting again when the system has no descriptor to give.
_PAUSE = 0.1


class LabTurnServer:
    """TURN over UDP, TCP and, with ``tls``, TLS; relays UDP on IPv4.

    ``host`` is one IPv4 literal; relayed addresses are on it too. Port 0 lets the system
    choose; after `start` the port attributes hold the ports in use, and a server that is
    stopped and started again keeps them. ``users`` maps names to passwords; with
    ``secret``, time-limited usernames ``<unix expiry>[:name]`` are served as well.
    ``clock`` gives UTC seconds since 1970; credentials, nonces, allocations, permissions
    and channels end by it. The fields of ``knobs`` may be changed at any time.
    """

    def __init__(
        self,
        *,
        realm: str = "lab",
        users: Mapping[str, str] = MappingProxyType({}),
        secret: str | None = None,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        udp_port: int = 0,
        tcp_port: int = 0,
        tls_port: int = 0,
        knobs: TurnKnobs | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.host = str(IPv4Address(host))
        self.udp_port, self.tcp_port = udp_port, tcp_port
        self.tls_port: int | None = tls_port if tls else None
        self._knobs = knobs if knobs is not None else TurnKnobs()
        self._tls = tls
        self._pacer = DelayQueue()
        self._relay = LabRelay(self.host, self._knobs, clock, self._pacer, self._send)
        credentials = LabCredentials(realm, users, secret, clock)
        self._requests = RequestHandler(self._relay, credentials, self._knobs)
        self._udp: UdpSocket | None = None
        # A UDP client is kept by its allocation or by a packet on its way, else forgotten.
        self._udp_clients: WeakValueDictionary[Address, UdpClient] = WeakValueDictionary()
        self._listeners: list[socket.socket] = []
        self._accepted: set[socket.socket] = set()
        self._connections: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Open the ports. Raises ``OSError`` if one is taken; then none is open."""
        if self._udp is not None:
            raise RuntimeError("the server is running")
        try:
            self._open()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close every port, connection and allocation; stopping twice is fine."""
        if self._udp is not None:
            self._udp.close()
            self._udp = None
        # They answer through the closed socket, whoever still holds one.
        self._udp_clients.clear()
        try:
            await self._end_connections()
        finally:
            self.drop_allocations()
            self._pacer.close()

    @property
    def knobs(self) -> TurnKnobs:
        """What goes wrong now; change its fields."""
        return self._knobs

    @property
    def allocations(self) -> int:
        """How many allocations are live."""
        return self._relay.count()

    def drop_allocations(self) -> None:
        """Forget all allocations: clients get 437 then, as from a restarted server."""
        self._relay.delete_all()

    def urls(self) -> list[str]:
        """The server's TURN URIs (RFC 7065), for UDP, TCP and, with ``tls``, TLS."""
        urls = [
            f"turn:{self.host}:{self.udp_port}?transport=udp",
            f"turn:{self.host}:{self.tcp_port}?transport=tcp",
        ]
        if self.tls_port is not None:
            urls.append(f"turns:{self.host}:{self.tls_port}?transport=tcp")
        return urls

    def _open(self) -> None:
        self._udp = UdpSocket(self.host, self.udp_port, self._datagram)
        self.udp_port = self._udp.address[1]
        self.tcp_port = self._listen(self.tcp_port, None)
        if self.tls_port is not None:
            self.tls_port = self._listen(self.tls_port, self._tls)

    def _listen(self, port: int, tls: ssl.SSLContext | None) -> int:
        listener = socket.create_server((self.host, port), backlog=_BACKLOG)
        listener.setblocking(False)
        self._listeners.append(listener)
        self._own(self._accept(listener, tls))
        return int(listener.getsockname()[1])

    async def _accept(self, listener: socket.socket, tls: ssl.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, _ = await loop.sock_accept(listener)
            except OSError:
                await asyncio.sleep(_PAUSE)
                continue
            # asyncio does so only for sockets that name their protocol; without it each
            # relayed packet waits for the acknowledgement of the one before.
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._accepted.add(accepted)
            self._own(self._accept_client(accepted, tls))

    async def _accept_client(self, accepted: socket.socket, tls: ssl.SSLContext | None) -> None:
        """Shake hands; from then on the socket belongs to the connection's transport."""
        stalled = tls is not None and self._knobs.tls_stall
        tls = None if stalled else tls
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                partial(Connection, self._connections) if stalled else self._stream_client,
                accepted,
                ssl=tls,
                ssl_shutdown_timeout=_SHUTDOWN_SECONDS if tls else None,
            )
        except OSError:
            # Clients that don't trust the certificate end here; they say why, not we.
            accepted.close()
        self._accepted.discard(accepted)

    def _own(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _end_connections(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # What is still in `_accepted` was cut off before its transport took over.
        for unowned in (*self._listeners, *self._accepted):
            unowned.close()
        self._listeners.clear()
        self._accepted.clear()
        connections = list(self._connections)
        for connection in connections:
            connection.transport.abort()
        await asyncio.gather(*(connection.lost for connection in connections))

    def _stream_client(self) -> StreamClient:
        return StreamClient(
            self._connections,
            made=self._hold_to_knobs,
            received=self._received,
            gone=self._relay.delete,
        )

    def _hold_to_knobs(self, client: StreamClient) -> None:
        if self._knobs.close_on_connect:
            client.transport.close()

    def _datagram(self, packet: bytes, source: Address) -> None:
        client = self._udp_clients.get(source)
        if client is None and self._udp is not None:
            client = self._udp_clients[source] = UdpClient(self._udp, source)
        if client is not None:
            self._received(client, packet)

    def _received(self, client: Client, packet: bytes) -> None:
        self._pacer.hold(client.inbound, self._knobs.delay, partial(self._handle, client, packet))

    def _handle(self, client: Client, packet: bytes) -> None:
        if self._knobs.silent or client.is_gone:
            return
        if is_channel_data(packet):
            self._relay.channel_data(client, packet)
        elif (answer := self._requests.answer(client, packet)) is not None:
            self._send(client, answer)

    def _send(self, client: Client, data: bytes) -> None:
        if not self._knobs.silent:
            self._pacer.hold(client.outbound, self._knobs.delay, partial(client.write, data))
