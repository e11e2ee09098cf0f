"""A call with a peer that is elsewhere: one end here, offer and answer by whatever carries them."""

import hashlib
import math
import os
import secrets
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from ipaddress import ip_address
from pathlib import Path as FilePath
from platform import node

from msgspec import Struct

from probe.call.aiortc_import import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters
from probe.call.echo import ChannelEcho
from probe.call.endpoint import CallEndpoint
from probe.call.setup import CLOSE_TIMEOUT, CallSetup, EndpointTimes, OnMessage
from probe.core.boot import current_boot_id
from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckAborted, CheckFailed, NotMeasured
from probe.ice.aioice_agent import AioiceAgent
from probe.ice.candidate import OfferedIceCredentials, Path, SessionDescription
from probe.ice.relay_agent import RelayAgent
from probe.stun.browser_timing import PhaseTimeouts

_NETWORK = FilePath("/proc/self/ns/net")
_ALGORITHM = "sha-256"

Phases = Callable[[str], AbstractContextManager[None]]
Signaling = Callable[[SessionDescription], Awaitable[SessionDescription]]


class ProbeInstance(Struct, frozen=True):
    """Who this probe is towards others: version, process, network stack and region."""

    version: str
    instance: str
    machine: str
    region: str


def identity_of(context: Context, version: str, region: str) -> ProbeInstance:
    """The same for as long as the process runs."""
    instance = context.get_or_create("instance of this process", lambda: secrets.token_hex(8))
    return ProbeInstance(version, instance, network_namespace_id(), _plain(region))


def _plain(text: str) -> str:
    """In the letters that a description may have; a region may have any."""
    return "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in text)


def network_namespace_id() -> str:
    """A word for the network stack of this process; two that share it are no two places.

    The kernel's boot and the network namespace, hashed, so that it does not identify the machine.
    """
    try:
        found = f"{current_boot_id()} {os.readlink(_NETWORK)}"
    except OSError:  # not Linux
        found = node()
    return hashlib.sha256(found.encode()).hexdigest()[:16]


class RemoteCallEndpoint:
    """One end of a call with a remote peer. ``close`` whatever happens."""

    def __init__(
        self, ice: AioiceAgent | RelayAgent, *, offering: bool, most_bytes: float = math.inf
    ) -> None:
        self.ice = ice
        self.certificate = RTCCertificate.generateCertificate()
        self.peer = CallEndpoint(
            offering=offering, ice=ice, certificate=self.certificate, most_bytes=most_bytes
        )
        self._theirs: RTCDtlsParameters | None = None

    def describe(self, identity: ProbeInstance, path: Path, provider: str) -> SessionDescription:
        """What the other side has to know, once this one has gathered."""
        side = self.ice.side
        prints = {each.algorithm: each.value for each in self.certificate.getFingerprints()}
        return SessionDescription(
            version=identity.version[:64],
            instance=identity.instance,
            machine=identity.machine,
            region=identity.region[:64],
            path=path,
            provider=provider,
            ice=OfferedIceCredentials(fragment=side.login.fragment, password=side.login.password),
            fingerprint=prints[_ALGORITHM].upper(),
            candidates=side.places,
        )

    async def set_remote_parameters(self, theirs: SessionDescription) -> None:
        """Take the remote parameters."""
        self._theirs = RTCDtlsParameters([RTCDtlsFingerprint(_ALGORITHM, theirs.fingerprint)])
        await self.ice.set_remote_parameters(theirs.side)

    async def connect(self, setup: CallSetup, on_message: OnMessage) -> None:
        """ICE, DTLS and the data channel. Raises CheckFailed."""
        if self._theirs is None:
            raise RuntimeError("the other side is not known yet")
        await setup.connect(self.peer, self._theirs, on_message)

    async def close(self) -> None:
        """Close everything, the allocation included."""
        await self.peer.close()


class OutgoingCall:
    """A call from here. ``signaling`` takes the offer to the other side and brings the answer.

    ``async with``, so that it is closed whatever happens. Times are seconds from the start of
    gathering; unlike two peers of one process these do carry an offer and an answer. Unless
    ``private``, addresses of private networks are neither offered nor called.
    """

    def __init__(
        self,
        ice: AioiceAgent | RelayAgent,
        phases: Phases,
        context: Context,
        *,
        private: bool = True,
    ) -> None:
        self._private = private
        self.times = EndpointTimes()
        self._echoes = ChannelEcho(context.clock)
        self.ledger = self._echoes.log
        self.far: SessionDescription | None = None
        self.connected = self.is_to_itself = False
        self._phases, self._context, self._ice = phases, context, ice
        self._end = RemoteCallEndpoint(ice, offering=True)
        self._started = 0.0

    async def __aenter__(self) -> "OutgoingCall":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._context.closing.close(self._end.close(), timeout=CLOSE_TIMEOUT)

    async def make(
        self,
        identity: ProbeInstance,
        path: Path,
        provider: str,
        signaling: Signaling,
        bounds: PhaseTimeouts,
    ) -> None:
        """Gather, offer, connect. Raises CheckFailed, and what ``signaling`` raises.

        A call to this very process ends with its answer: there is nothing between.
        """
        with self._phases("gathering"):
            self._started = self._context.clock()
            setup = CallSetup(bounds, self._phases, self._reached)
            await setup.gather(self._end.peer)
        offer = self._seen(self._end.describe(identity, path, provider))
        if not offer.candidates:
            raise self._no_candidates()
        with self._phases("offer"):
            self.far = await signaling(offer)
        self.is_to_itself = self.far.instance == identity.instance
        if self.is_to_itself:
            return
        far = self._seen(self.far)
        if not far.candidates:
            raise self._unreachable()
        await self._end.set_remote_parameters(far)
        await self._end.connect(setup, self._echoes.received)

    async def echo(self, count: int) -> None:
        """Send ``count`` messages and wait for their echoes. Raises CheckFailed."""
        with self._phases("echo"):
            await self._echoes.measure(self._end.peer, count)

    def _no_candidates(self) -> CheckAborted:
        """Why no other host could reach us."""
        if not isinstance(self._ice, RelayAgent):
            message = "this probe has no address that a remote peer could reach"
            return CheckFailed(Cause.NO_CANDIDATE, message, phase="gathering")
        server = self._ice.client.server
        if server is not None and ip_address(server.ip).is_global:
            message = "the relay's address can't be reached from other hosts"
            return CheckFailed(Cause.RELAY_ADDRESS_UNUSABLE, message, phase="gathering")
        message = "the relay has an address of this machine or of a private network"
        hint = "A peer elsewhere needs a relay with an address that it can reach."
        return NotMeasured(Cause.NO_CANDIDATE, message, phase="gathering", hint=hint)

    def _unreachable(self) -> CheckAborted:
        """Why we can't reach the other side, which has offered private addresses alone."""
        message = "the peer has no address that a remote peer could reach"
        hint = "Give the peer a STUN or TURN server, or a network with an address of its own."
        kind = NotMeasured if isinstance(self._ice, RelayAgent) else CheckFailed
        return kind(Cause.NO_CANDIDATE, message, phase="offer", hint=hint)

    def _seen(self, described: SessionDescription) -> SessionDescription:
        return described if self._private else described.in_public

    def _reached(self, moment: str) -> None:
        self.connected = self.connected or moment == "ice"
        setattr(self.times, moment, self._context.clock() - self._started)
