"""The asking half of the TURN server: what a request is answered (RFC 8656, RFC 8489)."""

import os
from collections.abc import Callable
from ipaddress import AddressValueError, IPv4Address
from typing import Any

from aioice.stun import Class, Message, Method
from msgspec import Struct

from probe.lab.knobs import TurnKnobs
from probe.lab.turn import message as turn_message
from probe.lab.turn.allocation import Allocation, granted_lifetime
from probe.lab.turn.auth import LabCredentials
from probe.lab.turn.message import Address, Refusal
from probe.lab.turn.relay import LabRelay
from probe.lab.turn.sockets import Client

_UDP = 17
_GARBAGE_BYTES = 64
_AT_PERMISSION, _AT_EVERY_REQUEST = 403, 438


class _Request(Struct, frozen=True):
    """A request that is proven to come from ``username``; "" for Binding, which needs none."""

    client: Client
    message: Message
    packet: bytes
    username: str

    def get(self, name: str) -> Any:
        return self.message.attributes.get(name)


class RequestHandler:
    """Answers STUN and TURN requests and follows indications."""

    def __init__(self, relay: LabRelay, credentials: LabCredentials, knobs: TurnKnobs) -> None:
        self._relay, self._credentials, self._knobs = relay, credentials, knobs
        self._handlers: dict[Method, Callable[[_Request], dict[str, Any]]] = {
            Method.BINDING: self._binding,
            Method.ALLOCATE: self._allocate,
            Method.REFRESH: self._refresh,
            Method.CREATE_PERMISSION: self._create_permission,
            Method.CHANNEL_BIND: self._channel_bind,
        }

    def answer(self, client: Client, packet: bytes) -> bytes | None:
        """The response to a packet; None if it calls for none, or is no STUN at all."""
        message = turn_message.parse(packet)
        if message is None:
            return None
        if message.message_class == Class.REQUEST:
            if self._knobs.garbage:
                return os.urandom(_GARBAGE_BYTES)
            return self._respond(client, message, packet)
        if (message.message_method, message.message_class) == (Method.SEND, Class.INDICATION):
            self._send_indication(client, message, packet)
        return None

    def _respond(self, client: Client, message: Message, packet: bytes) -> bytes:
        key, username = None, ""
        try:
            if message.message_method != Method.BINDING:
                login = self._credentials.check(message, packet)
                key, username = login.key, login.username
            attributes = self._handle(_Request(client, message, packet, username))
        except Refusal as refusal:
            # A challenge is for clients whose key may be wrong: it is not signed.
            is_challenge = "NONCE" in refusal.attributes
            return turn_message.failure(message, refusal, None if is_challenge else key)
        return turn_message.success(message, attributes, key)

    def _handle(self, request: _Request) -> dict[str, Any]:
        handler = self._handlers.get(request.message.message_method)
        if handler is None:
            raise Refusal(400)
        if self._knobs.error == _AT_EVERY_REQUEST and request.username:
            raise self._credentials.challenge(_AT_EVERY_REQUEST)
        if unknown := turn_message.unknown_attributes(request.packet):
            raise Refusal(420, unknown=unknown)
        return handler(request)

    def _binding(self, request: _Request) -> dict[str, Any]:
        return {"XOR-MAPPED-ADDRESS": request.client.address}

    def _allocate(self, request: _Request) -> dict[str, Any]:
        """RFC 8656 section 7.2."""
        existing = self._relay.find(request.client)
        if existing is not None:
            return self._repeated(existing, request)
        self._refuse_by_knob()
        _check_transport(request)
        quota = self._knobs.quota
        if quota is not None and self._relay.count(request.username) >= quota:
            raise Refusal(486)
        return self._create(request).answer

    def _create(self, request: _Request) -> Allocation:
        even = turn_message.even_port(request.packet)
        if even:
            # Its only flag asks to reserve the next port too, which WebRTC never does.
            raise Refusal(508)
        try:
            return self._relay.create(
                request.client,
                request.username,
                request.message.transaction_id,
                granted_lifetime(request.get("LIFETIME")),
                even=even is not None,
            )
        except OSError as error:
            raise Refusal(508) from error

    def _repeated(self, existing: Allocation, request: _Request) -> dict[str, Any]:
        if existing.transaction_id != request.message.transaction_id:
            raise Refusal(437)
        return existing.answer

    def _refuse_by_knob(self) -> None:
        code = self._knobs.error
        if code == 401:
            raise self._credentials.challenge(401)
        if code is not None and code != _AT_PERMISSION:
            raise Refusal(code)

    def _refresh(self, request: _Request) -> dict[str, Any]:
        """RFC 8656 section 8.2."""
        allocation = self._allocation(request)
        if turn_message.requests_other_family(request.packet):
            raise Refusal(443)
        requested = request.get("LIFETIME")
        if requested == 0:
            self._relay.delete(request.client)
            return {"LIFETIME": 0}
        lifetime = granted_lifetime(requested)
        allocation.expires_at = allocation.clock() + lifetime
        return {"LIFETIME": lifetime}

    def _create_permission(self, request: _Request) -> dict[str, Any]:
        """RFC 8656 section 10.2: all of its addresses, or none."""
        allocation = self._allocation(request)
        for host, _ in self._peers(request):
            allocation.permit(host)
        return {}

    def _channel_bind(self, request: _Request) -> dict[str, Any]:
        """RFC 8656 section 12.2."""
        allocation = self._allocation(request)
        number = request.get("CHANNEL-NUMBER")
        if number is None:
            raise Refusal(400)
        allocation.bind(number, self._peers(request)[0])
        return {}

    def _allocation(self, request: _Request) -> Allocation:
        """The allocation that a request is about (RFC 8656 section 5)."""
        allocation = self._relay.find(request.client)
        if allocation is None:
            raise Refusal(437)
        if allocation.username != request.username:
            raise Refusal(441)
        return allocation

    def _peers(self, request: _Request) -> list[Address]:
        """The peers that a request names; at least one."""
        peers = turn_message.peers(request.packet)
        if not peers:
            raise Refusal(400)
        if not all(_is_ipv4(host) for host, _ in peers):
            raise Refusal(443)
        if self._knobs.error == _AT_PERMISSION:
            raise Refusal(403)
        return peers

    def _send_indication(self, client: Client, message: Message, packet: bytes) -> None:
        """RFC 8656 section 11.2: whatever is wrong with it, it is dropped in silence."""
        allocation = self._relay.find(client)
        peer, data = (message.attributes.get(name) for name in ("XOR-PEER-ADDRESS", "DATA"))
        if allocation is None or peer is None or data is None or not _is_ipv4(peer[0]):
            return
        if not turn_message.unknown_attributes(packet):
            self._relay.to_peer(allocation, data, peer)


def _check_transport(request: _Request) -> None:
    """Only UDP over IPv4 is relayed; raises `Refusal` (400, 440, 442)."""
    transport = request.get("REQUESTED-TRANSPORT")
    if transport is None:
        raise Refusal(400)
    # The protocol is the first of four bytes (RFC 8656 section 18.8).
    if transport >> 24 != _UDP:
        raise Refusal(442)
    if turn_message.requests_other_family(request.packet):
        raise Refusal(440)


def _is_ipv4(host: str) -> bool:
    try:
        IPv4Address(host)
    except AddressValueError:
        return False
    return True
