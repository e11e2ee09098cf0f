"""What two probes exchange to set up a call: offer and answer, as JSON.

``{"schema": 1, "version": "0.1.0", "instance": "…", "machine": "…", "region": "lax",
"path": "direct"|"relayed", "provider": "primary", "ice": {"fragment": "…", "password": "…"},
"fingerprint": "AB:…", "candidates": [{"type": "host", "address": "…", "port": 1, "priority": 1}]}``

The receiver sends ICE checks to the addresses in it. So they are few, literal (no name is
ever looked up), of UDP ports that are no well-known service's, and never loopback, link-local
or reserved: a token that leaks opens no way to what only this machine reaches.
"""

import json
from ipaddress import ip_address
from typing import Annotated, Literal

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from probe.ice.aioice_import import Candidate
from probe.ice.connectivity_check import IceCredentials
from probe.net.address.policy import is_allowed_target
from probe.untrusted.json_document import InvalidDocument, parse_json

SCHEMA = 1
MAX_CANDIDATES = 16
MAX_BODY = 16384
"""Bytes of an offer or an answer."""
MIN_PORT = 1024

Path = Literal["direct", "relayed"]
# It comes to be shown to people.
Text = Annotated[str, Field(max_length=64, pattern=r"^[\x20-\x7e]*$")]


class InvalidOffer(ValueError):
    """What is no offer or answer; the text says why, and quotes nothing of it."""


class SchemaMismatch(InvalidOffer):
    """An offer or answer of another schema; ``version`` is the other probe's, if known."""

    def __init__(self, schema: object, version: str) -> None:
        self.version = version
        shown = schema if isinstance(schema, int) else "another"
        super().__init__(f"it uses schema {shown}, this probe {SCHEMA}")


class OfferCandidate(BaseModel):
    """One candidate (RFC 8445 section 5.1): an address to send checks to."""

    model_config = ConfigDict(frozen=True)

    type: Literal["host", "srflx", "relay"]
    address: str = Field(max_length=45)
    port: int = Field(ge=MIN_PORT, le=65535)
    priority: int = Field(ge=1, le=2**31 - 1)

    @field_validator("address")
    @classmethod
    def _may_be_sent_to(cls, text: str) -> str:
        if not is_allowed_target(text):
            raise ValueError("is not an address that checks may be sent to")
        return text

    def as_candidate(self) -> Candidate:
        """As aioice takes it."""
        return Candidate(
            foundation=f"{self.type}{ip_address(self.address).version}",
            component=1,
            transport="udp",
            priority=self.priority,
            host=self.address,
            port=self.port,
            type=self.type,
        )


class OfferedIceCredentials(BaseModel):
    """RFC 8445 section 5.3: at least 24 and 128 bits."""

    fragment: str = Field(pattern=r"^[A-Za-z0-9+/]{4,256}$")
    password: str = Field(pattern=r"^[A-Za-z0-9+/]{22,256}$")


class SessionDescription(BaseModel):
    """One end of a call. ``instance`` is the process, ``machine`` its network stack; the
    fingerprint is the certificate's SHA-256 (RFC 8122)."""

    model_config = ConfigDict(frozen=True)

    version: Text
    instance: Text
    machine: Text
    region: Text
    path: Path
    provider: Text = ""
    ice: OfferedIceCredentials
    fingerprint: str = Field(pattern=r"^([0-9A-F]{2}:){31}[0-9A-F]{2}$")
    candidates: tuple[OfferCandidate, ...] = Field(max_length=MAX_CANDIDATES)

    @property
    def in_public(self) -> "SessionDescription":
        """Without the addresses of private networks."""
        places = tuple(each for each in self.candidates if ip_address(each.address).is_global)
        return self.model_copy(update={"candidates": places})

    @property
    def side(self) -> "IceParameters":
        """What ICE needs of it."""
        return IceParameters(IceCredentials(self.ice.fragment, self.ice.password), self.candidates)


class IceParameters(Struct, frozen=True):
    """One side of ICE as the other one learns of it."""

    login: IceCredentials
    places: tuple[OfferCandidate, ...]


def places_of(candidates: list[Candidate]) -> tuple[OfferCandidate, ...]:
    """What may be offered of aioice's candidates, the best first."""
    found = sorted(candidates, key=lambda each: -each.priority)
    offered = [
        OfferCandidate(type=each.type, address=each.host, port=each.port, priority=each.priority)
        for each in found
        if each.component == 1
        and each.transport == "udp"
        and each.type in ("host", "srflx", "relay")
        and each.port >= MIN_PORT
        and is_allowed_target(each.host)
    ]
    return tuple(offered[:MAX_CANDIDATES])


def write(description: SessionDescription) -> bytes:
    """The JSON of an offer or an answer."""
    return json.dumps({"schema": SCHEMA, **description.model_dump(mode="json")}).encode()


def read(body: bytes) -> SessionDescription:
    """Read an offer or an answer. Raises InvalidOffer, and SchemaMismatch for
    another schema's."""
    try:
        found = parse_json(body, max_bytes=MAX_BODY)
    except InvalidDocument:
        raise InvalidOffer("it is not JSON") from None
    if not isinstance(found, dict) or "schema" not in found:
        raise InvalidOffer("it has no schema")
    if found["schema"] != SCHEMA or isinstance(found["schema"], bool):
        raise SchemaMismatch(found["schema"], str(found.get("version", ""))[:64])
    try:
        return SessionDescription.model_validate(found)
    except ValidationError as error:
        places = sorted({".".join(map(str, each["loc"][:1])) for each in error.errors()})
        named = ", ".join(place for place in places if place in SessionDescription.model_fields)
        raise InvalidOffer(f"invalid fields: {named or 'fields'}") from None
