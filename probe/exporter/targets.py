"""Which targets ``/probe`` may contact: none but those of an allow-list.

A probe on request makes this machine connect where somebody else says, so names are resolved
first and each address is checked, of redirects and alternate servers too (SSRF).
"""

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase

from msgspec import Struct

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.net.address.policy import is_allowed_target, is_contactable
from probe.net.resolver import Address

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_ALLOWED_IN_NAMES = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-_*?")


class AllowEntry(Struct, frozen=True):
    """A host pattern or a network, and the port that is meant; None: any."""

    pattern: str = ""
    network: Network | None = None
    port: int | None = None

    def fits_host(self, host: str) -> bool:
        """Whether a name or a literal address matches the pattern."""
        return bool(self.pattern) and fnmatchcase(host.lower().rstrip("."), self.pattern)

    def holds(self, address: Address) -> bool:
        """Whether an address is in the network, and its port is the one."""
        if self.network is None or not self.fits_port(address.port):
            return False
        return ipaddress.ip_address(address.ip.partition("%")[0]) in self.network

    def fits_port(self, port: int) -> bool:
        """Whether this port is meant."""
        return self.port in (None, port)


def parse_entry(text: str) -> AllowEntry:
    """``*.example.org``, ``relay.example.org:3478``, ``10.0.0.0/8``, ``[2001:db8::1]:443``.

    Raises ValueError that says what would be right.
    """
    host, port = _without_port(text.strip())
    bare = host.removeprefix("[").removesuffix("]")
    try:
        return AllowEntry(network=ipaddress.ip_network(bare), port=port)
    except ValueError:
        if "/" in host:
            raise ValueError(
                f"'{text}' is not a network: write it like 10.0.0.0/8, without host bits"
            ) from None
    name = host.lower().rstrip(".")
    if not name or not set(name) <= _ALLOWED_IN_NAMES:
        raise ValueError(f"'{text}' is not a host: write a name such as *.example.org or a network")
    return AllowEntry(pattern=name, port=port)


def _without_port(text: str) -> tuple[str, int | None]:
    if text.count(":") > 1 and not text.startswith("["):
        return text, None
    head, colon, tail = text.rpartition(":")
    if not colon or tail.endswith("]"):
        return text, None
    if not (tail.isascii() and tail.isdigit() and 1 <= int(tail) <= 65535):
        raise ValueError(f"'{text}' has an impossible port: write one from 1 to 65535")
    return head, int(tail)


class AllowList(Struct, frozen=True):
    """Hosts and networks that may be probed; without entries nothing may."""

    entries: tuple[AllowEntry, ...] = ()

    @classmethod
    def of(cls, texts: Iterable[str]) -> "AllowList":
        """From texts as ``parse_entry`` reads them. Raises ValueError."""
        return cls(tuple(parse_entry(each) for each in texts))

    def may_resolve(self, host: str) -> bool:
        """Whether a host is worth a lookup: it matches a pattern, or its addresses may be in a
        network."""
        return any(each.network is not None or each.fits_host(host) for each in self.entries)

    def permits(self, host: str, address: Address) -> bool:
        """Whether an address may be contacted under this name.

        A pattern permits public addresses alone; private ones and this machine's own have to be
        in a network of the list. Links and metadata services are never permitted.
        """
        if _is_never_permitted(address.ip):
            return False
        if any(each.holds(address) for each in self.entries):
            return True
        named = any(each.fits_host(host) and each.fits_port(address.port) for each in self.entries)
        return named and _is_public(address.ip)


def _is_public(text: str) -> bool:
    return is_allowed_target(text) and ipaddress.ip_address(text).is_global


def _is_never_permitted(text: str) -> bool:
    """Link-local addresses (clouds' metadata services among them), and what stands for another
    address. Loopback and private addresses may be in a network of the list."""
    ip = ipaddress.ip_address(text.partition("%")[0])
    if ip.is_link_local:
        return True
    return not ip.is_loopback and not is_contactable(text)


class Permitted:
    """The addresses that one run may contact; ``any_found`` once there was one.

    Use as ``probe.net.resolver.filtering(Permitted(...))``.
    """

    def __init__(self, allowed: AllowList) -> None:
        self._allowed = allowed
        self.any_found = False

    def __call__(self, host: str, addresses: Sequence[Address]) -> list[Address]:
        found = [each for each in addresses if self._allowed.permits(host, each)]
        if not found:
            raise CheckFailed(Cause.TARGET_FORBIDDEN, f"{host} is not among the allowed targets")
        self.any_found = True
        return found


def entries_in(text: str | None) -> Iterator[str]:
    """The entries of a list that is separated by commas or white space."""
    yield from (text or "").replace(",", " ").split()
