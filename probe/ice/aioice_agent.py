"""ICE with a peer that is elsewhere, from all addresses of this host, by aioice.

Host addresses, what a STUN server sees, and a relay of our own where one is given.
"""

from collections.abc import Callable
from typing import cast

from msgspec import Struct

from probe.ice.aioice_import import Connection, TransportPolicy
from probe.ice.candidate import IceParameters, places_of
from probe.ice.connectivity_check import IceCredentials
from probe.ice.relay_guard import RelayGuard
from probe.ice.relay_transport import RelayServer
from probe.ice.transport import HostIce, IceTransport


class IceServers(Struct, frozen=True):
    """What a side may use: a STUN server's address and port, and a relay."""

    stun: tuple[str, int] | None = None
    relay: RelayServer | None = None


class AioiceAgent(HostIce):
    """One side. Its round trip and timers are not available: aioice does not expose them."""

    def __init__(
        self, servers: IceServers, *, controlling: bool, clock: Callable[[], float]
    ) -> None:
        super().__init__(
            controlling=controlling, clock=clock, connection=_connection(servers, controlling)
        )
        relay = servers.relay
        is_stream = relay is not None and relay.url.transport == "tcp"
        self._guard = RelayGuard(relay) if relay is not None and is_stream else None

    async def gather(self) -> None:
        """Find this host's addresses, and the relay's where there is one."""
        if self._guard is not None:
            try:
                self._connection.turn_server = await self._guard.open()
            except OSError:
                self._connection.turn_server = None  # as a relay that refuses aioice itself
        await super().gather()

    async def until_failed(self) -> None:
        """Return once the relay has flooded; of anything else aioice says nothing."""
        if self._guard is None:
            await super().until_failed()
        else:
            await self._guard.failed.wait()
            self.failure = self._guard.failure

    async def close(self) -> None:
        """Close the sockets."""
        try:
            await super().close()
        finally:
            if self._guard is not None:
                await self._guard.close()

    @property
    def side(self) -> IceParameters:
        """What the other side has to learn, once this one has gathered."""
        login = IceCredentials(self._connection.local_username, self._connection.local_password)
        return IceParameters(login, places_of(self._connection.local_candidates))

    async def set_remote_parameters(self, side: IceParameters) -> None:
        """Take what signaling has brought of the other side."""
        self._connection.remote_username = side.login.fragment
        self._connection.remote_password = side.login.password
        for place in side.places:
            await self._connection.add_remote_candidate(place.as_candidate())
        # Without the end of candidates a failure is never reported.
        await self._connection.add_remote_candidate(None)

    async def set_remote(self, other: IceTransport) -> None:
        """Learn of a side in this process."""
        await self.set_remote_parameters(cast(AioiceAgent, other).side)

    async def connect(self) -> None:
        """Raises ConnectionError when no pair connects."""
        await super().connect()
        # The peer is remote: a long time says nothing about timers.
        self.retransmissions = 0


def _connection(servers: IceServers, controlling: bool) -> Connection:
    relay = servers.relay
    if relay is None:
        return Connection(
            controlling, stun_server=servers.stun, transport_policy=TransportPolicy.ALL
        )
    address = relay.addresses[0]
    return Connection(
        controlling,
        stun_server=servers.stun,
        # Of a stream the guard's, once there is one.
        turn_server=(address.ip, address.port),
        turn_username=relay.credentials.username,
        turn_password=relay.credentials.password.get_secret_value(),
        turn_transport=relay.url.transport,
        transport_policy=TransportPolicy.ALL,
    )
