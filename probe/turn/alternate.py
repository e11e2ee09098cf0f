"""300 Try Alternate (RFC 8489 section 10): how coturn and others spread their load."""

import ipaddress
import socket

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.net.address.ranges import is_unreachable
from probe.net.resolver import Address, filtered
from probe.stun.codec import StunMessage
from probe.stun.uri import format_hostport

MAX_REDIRECTS = 16
"""Browsers have no such limit; the time for gathering is one."""


class Redirects:
    """The redirections of one attempt: never twice to the same server, nor to loopback, nor to
    the other address family, as in browsers."""

    def __init__(self) -> None:
        self._tried: set[tuple[str, int]] = set()

    def follow(self, answer: StunMessage, server: Address) -> Address:
        """The server to ask instead. Raises CheckFailed(allocation_refused, target_forbidden)."""
        self._tried.add((server.ip, server.port))
        found = answer.attributes.get("ALTERNATE-SERVER")
        if found is None:
            raise _refused("without naming one")
        ip, port = found
        shown = format_hostport(ip, port)
        parsed = ipaddress.ip_address(ip)
        mapped = getattr(parsed, "ipv4_mapped", None) or parsed
        if mapped.is_loopback or mapped.is_link_local or is_unreachable(str(mapped)):
            raise _refused(f"to {shown}, which no browser follows")
        family = socket.AF_INET if parsed.version == 4 else socket.AF_INET6
        if family != server.family:
            raise _refused(f"to {shown}, an address of the other family")
        if (ip, port) in self._tried:
            raise _refused(f"to {shown}, which was asked already")
        if len(self._tried) > MAX_REDIRECTS:
            raise _refused(f"more than {MAX_REDIRECTS} times")
        return filtered(ip, [Address(ip, port, family)])[0]


def _refused(where: str) -> CheckFailed:
    return CheckFailed(
        Cause.ALLOCATION_REFUSED,
        f"the server redirects (300 Try Alternate) {where}",
        hint="Correct the alternate servers that the TURN server names (coturn: alternate-server).",
    )
