"""Who issues credentials, what identifies us there, and the request that an issuer takes."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field
from pydantic import SecretStr

from probe.stun.uri import TRANSPORTS, TransportProtocol
from probe.turn_targets.issuers.ice_servers import IssuedList

TTL_SECONDS = 3600
"""Lifetime that credentials are asked for with: beyond any run, and short if they leak."""


class IssuerAccount(Struct, frozen=True):
    """What identifies us at an issuer; the address without a slash at its end."""

    url: SecretStr
    account: str = ""
    channel: str = ""
    key: SecretStr = field(default_factory=lambda: SecretStr(""))

    @property
    def base(self) -> str:
        """The address as it is."""
        return self.url.get_secret_value()


@dataclasses.dataclass(frozen=True, slots=True)
class IssuerRequest:
    """One request; ``query`` and ``headers`` may hold the key, so neither is shown."""

    method: str
    path: str
    query: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    body: bytes = b""
    json: Any = None


class Issuer(Struct, frozen=True):
    """One API that issues TURN servers and credentials.

    ``needs`` are the keys of a check's table besides ``issuer``; ``remedy`` says which setting to
    check where the API refuses us. ``ways`` are the transports that it names, None where that is
    the operator's affair: such a list is checked as a browser uses it. ``read`` raises CheckFailed
    for an answer that no browser could use, NotMeasured for a refusal.
    """

    title: str
    request: Callable[[IssuerAccount], IssuerRequest]
    read: Callable[[object, str], IssuedList]
    needs: tuple[str, ...]
    remedy: str
    default_url: str = ""
    ways: tuple[TransportProtocol, ...] | None = TRANSPORTS
