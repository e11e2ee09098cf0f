"""Peers that a relay has to refuse, because through them it leads into its own network.

Holes of the field that these find: coturn's CVE-2020-26262 (0.0.0.0, ::1 and :: pass) and
CVE-2026-27624 (IPv4-mapped addresses pass denied-peer-ip before 4.9.0).
"""

import asyncio
from collections.abc import Sequence

from probe.core.causes import Cause
from probe.core.model import CheckAborted
from probe.turn.client import TurnClient

FORBIDDEN_PEERS: tuple[tuple[str, str], ...] = (
    ("127.0.0.1", "loopback"),
    ("0.0.0.0", "this host"),
    ("10.0.0.1", "private (RFC 1918)"),
    ("172.16.0.1", "private (RFC 1918)"),
    ("192.168.0.1", "private (RFC 1918)"),
    ("100.64.0.1", "carrier NAT (RFC 6598)"),
    ("169.254.169.254", "link-local, where clouds keep their metadata"),
    ("100.100.100.200", "metadata of a cloud"),
    ("224.0.0.1", "multicast"),
)
FORBIDDEN_PEERS_IPV6: tuple[tuple[str, str], ...] = (
    ("::1", "loopback"),
    ("::", "this host"),
    ("fe80::1", "link-local"),
    ("fd00::1", "unique local"),
    ("fd00:ec2::254", "metadata of a cloud"),
    ("::ffff:127.0.0.1", "IPv4-mapped loopback"),
    ("::ffff:10.0.0.1", "IPv4-mapped private"),
    ("::ffff:169.254.169.254", "IPv4-mapped metadata"),
    ("::127.0.0.1", "IPv4-compatible loopback"),
    ("64:ff9b::7f00:1", "NAT64 of loopback"),
    ("64:ff9b::a00:1", "NAT64 of a private address"),
    ("2002:7f00:1::1", "6to4 of loopback"),
)
_REQUEST_SECONDS = 2.0
_PORT = 9


async def accepted_peers(client: TurnClient, peers: Sequence[tuple[str, str]]) -> list[str]:
    """Those of the peers that the server gives a permission for. Nothing is sent to them."""
    accepted = []
    for peer, kind in peers:
        try:
            async with asyncio.timeout(_REQUEST_SECONDS):
                await client.create_permission((peer, _PORT))
        except CheckAborted as error:
            if error.cause is Cause.CONNECTION_CLOSED:
                raise
        except TimeoutError:
            continue  # refused in silence
        else:
            accepted.append(f"{peer} ({kind})")
    return accepted
