"""The addresses of a TURN server, of one family where that is asked for."""

import socket
from typing import Literal

from probe.core.causes import Cause
from probe.core.model import CheckFailed, NotMeasured
from probe.net.resolver import Address, has_route, resolve
from probe.stun.browser_uri import is_looked_up_by_udp
from probe.stun.uri import TurnUri
from probe.untrusted.text import excerpt

Family = Literal["ipv4", "ipv6"]

_FAMILIES = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}


async def resolve_turn_server(url: TurnUri, family: Family | None) -> list[Address]:
    """The server's usable addresses, in the system's order.

    Raises what ``resolve`` raises, with the phase ``dns``, and CheckFailed(dns_failed) for a name
    that browsers do not resolve by UDP; NotMeasured(own_network) where this machine has no way
    to any address of the family that is asked for.
    """
    if url.kind == "udp" and not is_looked_up_by_udp(url.host):
        message = f"browsers do not resolve {excerpt(url.host)} by UDP, as it is written"
        raise CheckFailed(Cause.DNS_FAILED, message, phase="dns", hint=_hint(url.host))
    try:
        if family is None:
            return await resolve(url.host, url.port)
        found = await resolve(url.host, url.port, family=_FAMILIES[family])
    except CheckFailed as error:
        error.phase = "dns"
        raise
    if not any(map(has_route, found)):
        message = f"this machine has no way to {family.replace('ip', 'IP')} addresses"
        raise NotMeasured(Cause.OWN_NETWORK, message, phase="dns")
    return found


def _hint(host: str) -> str:
    try:
        written = host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        written = ""
    if not is_looked_up_by_udp(written):
        return "No name has these characters: correct the URL."
    return f"Write {excerpt(written)}: small letters of ASCII alone (IDNA: xn--)."
