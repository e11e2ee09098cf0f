"""Entries of ``PROBE_PEERS``: what they are called, where they lead, who helps to get there."""

import re
from collections.abc import Container, Iterator
from itertools import count

from probe.core.context import Context
from probe.net.address.peer_address import DEFAULT_PORT, parse_peer
from probe.net.resolver import resolve
from probe.net.urls import show_host
from probe.stun.uri import format_hostport, parse_url_list
from probe.turn_targets.environment import TurnEnvironment


def base_url(entry: str) -> str:
    """An address as it is; for a name without scheme that of the probe's port at it."""
    return parse_peer(entry).base_url


def check_name(entry: str, provider: str, taken: Container[str]) -> str:
    """A check's name, unlike those that are taken."""
    host = re.sub(r"[^a-z0-9.]+", "-", show_host(base_url(entry)).lower()).strip("-.")
    host = host.removesuffix(f"-{DEFAULT_PORT}")[:36].rstrip("-.")
    name = "-".join(filter(None, ("peer", host, provider)))
    if name not in taken:
        return name
    return next(f"{name}-{number}" for number in count(2) if f"{name}-{number}" not in taken)


async def rotated_addresses(entry: str, context: Context) -> list[str]:
    """Where to call: a name without scheme resolves to all its addresses, rotated
    by one each time.

    Raises CheckFailed or NotMeasured where there are none.
    """
    peer = parse_peer(entry)
    if not peer.is_name:
        return [peer.base_url]
    found = sorted({address.ip for address in await resolve(peer.host, peer.port)})
    turns: Iterator[int] = context.get_or_create(("turns of peers", entry), count)
    first = next(turns) % len(found)
    return [f"http://{format_hostport(ip, peer.port)}" for ip in found[first:] + found[:first]]


def stun_server_of(environment: TurnEnvironment) -> str | None:
    """The server for our reflexive address: the first ``stun:`` URL, or the first TURN
    server by UDP, which answers the same."""
    lists = (environment.turn_urls, environment.turn_backup_urls)
    for listed in map(parse_url_list, lists):
        for url in listed.ignored:
            if url.lower().startswith("stun:"):
                return url
    by_udp = [url for each in lists for url in parse_url_list(each).urls if url.kind == "udp"]
    if environment.turn_host is not None:
        return f"stun:{format_hostport(environment.turn_host, environment.turn_port)}"
    return f"stun:{format_hostport(by_udp[0].host, by_udp[0].port)}" if by_udp else None
