"""Where the members are: the entries of ``PROBE_PEERS``, and the addresses of their names.

An address (``http://…``) is one probe; a name without scheme (``paircam-probe.internal``) stands
for every address that it has.
"""

import asyncio
import ipaddress
from collections.abc import Callable, Sequence

from alerts.cluster.membership.member import NOT_QUERIED, Member
from alerts.cluster.protocol.messages import MAX_MEMBERS
from probe.core.model import CheckAborted
from probe.net.address.peer_address import parse_peer
from probe.net.resolver import resolve
from probe.net.urls import show_host
from probe.report.text.sanitize import clean

RESOLVE_SECONDS = 1.0
# Addresses change when machines are replaced.
RESOLVE_AGAIN_SECONDS = 30.0
NO_ADDRESS = "its name has no address"


class Directory:
    """The members by base URL. ``now`` gives seconds; only differences count."""

    def __init__(self, entries: Sequence[str], now: Callable[[], float]) -> None:
        self._entries, self._now = entries, now
        self.members: dict[str, Member] = {}
        # A name not resolved yet counts as a member.
        self._unresolved = dict.fromkeys(entries, NOT_QUERIED)
        self._resolved_at: dict[int, float] = {}

    @property
    def in_order(self) -> list[Member]:
        """The members in the configured order, each address once."""
        members = self.members.values()
        families = {member.place[:2] for member in members if member.answer}
        entries = {index for index, _ in families}
        # Where a name has IPv4 and IPv6 addresses and one family has no route, these are no
        # further members.
        known = [
            each for each in members if each.place[:2] in families or each.place[0] not in entries
        ]
        return sorted(known, key=lambda member: member.place)

    @property
    def unresolved(self) -> dict[str, str]:
        """Entries that have no address, or were not resolved yet, for people; and why."""
        return {_shown(entry): problem for entry, problem in self._unresolved.items()}

    async def resolve(self) -> None:
        """Resolve each entry whose addresses may have changed."""
        due = [
            self._resolve(index, entry)
            for index, entry in enumerate(self._entries)
            if self._now() - self._resolved_at.get(index, float("-inf")) >= RESOLVE_AGAIN_SECONDS
        ]
        await asyncio.gather(*due)

    async def _resolve(self, index: int, entry: str) -> None:
        """A name that can't be resolved keeps its addresses."""
        self._resolved_at[index] = self._now()
        if "://" in entry:
            self._unresolved.pop(entry, None)
            url = entry.rstrip("/")
            self.members.setdefault(url, Member(url, (index, 0, b"")))
            return
        peer = parse_peer(entry)
        try:
            async with asyncio.timeout(RESOLVE_SECONDS):
                found = await resolve(peer.host, peer.port)
        except (CheckAborted, TimeoutError, OSError):
            self._unresolved[entry] = NO_ADDRESS
            return
        self._unresolved.pop(entry, None)
        ips = {ipaddress.ip_address(each.ip.partition("%")[0]) for each in found}
        places = {url_of(ip, peer.port): (index, ip.version, ip.packed) for ip in ips}
        urls = sorted(places, key=places.__getitem__)[:MAX_MEMBERS]
        known = {url: each for url, each in self.members.items() if each.place[0] != index}
        for url in urls:
            known[url] = self.members.get(url) or Member(url, places[url])
        self.members = known


def _shown(entry: str) -> str:
    """An entry for people."""
    return show_host(entry) if "://" in entry else clean(entry)


def url_of(ip: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> str:
    """An address' base URL."""
    host = f"[{ip}]" if ip.version == 6 else str(ip)
    return f"http://{host}:{port}"
