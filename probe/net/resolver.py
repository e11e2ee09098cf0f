"""From a name to addresses that can be used, without ever blocking the process's end."""

import asyncio
import errno
import logging
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from msgspec import Struct

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed, NotMeasured
from probe.core.resources import shortage_of
from probe.net.address.ranges import is_literal, is_this_machine, is_unreachable
from probe.net.lookups import lookups
from probe.net.protocol.own_resolver import resolver_answers
from probe.untrusted.daemon_thread import in_daemon_thread

logger = logging.getLogger(__name__)

# How long a lookup may take before the resolver itself is asked, in seconds.
RESOLVER_TIMEOUT = 1.0

NO_ROUTE_HINT = (
    "Give the probe's machine an address of that family, or give the target's name one of the "
    "other: users without IPv6 can't reach an IPv6-only target either."
)

SERVFAIL_HINT = (
    "The resolver answers, and has no answer for this name (SERVFAIL or none): its name servers "
    "are down or misconfigured, or DNSSEC does not validate."
)

# Of a name with more addresses, the first ones are used: each is compared with every range.
MAX_ADDRESSES = 16


class Address(Struct, frozen=True, gc=False):
    """One resolved address: ``ip`` as text, ``port``, ``family`` (AF_INET or AF_INET6)."""

    ip: str
    port: int
    family: int


AddressFilter = Callable[[str, Sequence[Address]], list[Address]]
"""Takes a host and its addresses, and gives those that may be contacted, in the order in which
they are tried. Raises CheckAborted where none may be."""

_FILTER: ContextVar[AddressFilter | None] = ContextVar("address filter", default=None)


@contextmanager
def filtering(allowed: AddressFilter) -> Iterator[None]:
    """Contact nothing but what ``allowed`` lets pass, in this task and in those that it starts:
    whatever is resolved, literal addresses and redirects too. No proxy is used meanwhile."""
    token = _FILTER.set(allowed)
    try:
        yield
    finally:
        _FILTER.reset(token)


def is_filtered() -> bool:
    """Whether this task may contact selected addresses alone."""
    return _FILTER.get() is not None


def filtered(host: str, addresses: Sequence[Address]) -> list[Address]:
    """The addresses that this task may contact. Raises CheckAborted where there are none."""
    allowed = _FILTER.get()
    return list(addresses) if allowed is None else allowed(host, addresses)


def has_route(address: Address) -> bool:
    """Whether the kernel knows a way there; a UDP socket connects without sending."""
    try:
        with socket.socket(address.family, socket.SOCK_DGRAM) as asking:
            asking.connect((address.ip, address.port))
    except OSError:
        return False
    return True


def has_network() -> bool:
    """Whether this machine knows a way to anywhere, by IPv4 or IPv6."""
    anywhere = (Address("192.0.2.1", 9, socket.AF_INET), Address("2001:db8::1", 9, socket.AF_INET6))
    return any(has_route(address) for address in anywhere)


def own_network(message: str, phase: str | None = None) -> NotMeasured:
    """The failure where this machine has no network, which is no fault of the target."""
    return NotMeasured(Cause.OWN_NETWORK, f"{message}; this machine has no network", phase=phase)


def own_resources(kind: str, message: str) -> NotMeasured:
    """What went wrong because this machine is short of something."""
    return NotMeasured(Cause.OWN_RESOURCES, f"{message}; this machine is short of {kind}")


def routed(host: str, addresses: Sequence[Address]) -> list[Address]:
    """The addresses to which this machine knows a way: without a route over IPv6 its addresses
    would only blur why the others failed. Raises NotMeasured(own_network) where there is none."""
    if found := [each for each in addresses if has_route(each)]:
        return found
    raise _no_route(host, addresses)


def _no_route(host: str, addresses: Sequence[Address]) -> NotMeasured:
    versions = sorted({"IPv6" if each.family == socket.AF_INET6 else "IPv4" for each in addresses})
    if not has_network():
        return own_network(f"no connection to {host}", phase="resolve")
    named = " and ".join(versions)
    message = f"{host} has {named} addresses only, and this machine has no route over {named}"
    return NotMeasured(Cause.OWN_NETWORK, message, phase="resolve", hint=NO_ROUTE_HINT)


def connection_error(error: OSError, message: str) -> CheckAborted:
    """A connection that the system could not make: the target's fault, or our own network's,
    or because this machine is short of a resource."""
    if kind := shortage_of(error):
        return own_resources(kind, message)
    if error.errno == errno.ENETUNREACH and not has_network():
        return own_network(message)
    return CheckFailed(Cause.CONNECT_FAILED, message)


async def resolve(host: str, port: int, *, family: int = socket.AF_UNSPEC) -> list[Address]:
    """The usable addresses of a host name or IP literal, in the system's order, of the first
    MAX_ADDRESSES that it has: each once, and both families where there are more.

    Raises CheckFailed(dns_failed) where there are none, CheckFailed(address_reserved)
    where all of them are addresses that no host can have, NotMeasured(own_network) where we
    have no network to ask.
    """
    host = host.removeprefix("[").removesuffix("]")
    try:
        known = await _known(host, port, family)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "not a valid name"
        message = f"{host} does not resolve: {reason}"
        if kind := shortage_of(error):
            raise own_resources(kind, message) from None
        if getattr(error, "errno", None) == socket.EAI_AGAIN:
            await _raise_if_resolver_is_gone(message)
            raise CheckFailed(Cause.DNS_FAILED, message, hint=SERVFAIL_HINT) from None
        raise CheckFailed(Cause.DNS_FAILED, message) from None
    if len(known) > MAX_ADDRESSES:
        logger.info("%s has %d addresses: the first %d are used", host, len(known), MAX_ADDRESSES)
    addresses = _bounded(known)
    usable = [address for address in addresses if not is_unreachable(address.ip)]
    if not usable:
        listed = ", ".join(sorted({address.ip for address in addresses}))
        raise CheckFailed(
            Cause.ADDRESS_RESERVED, f"{host} resolves to {listed}, a reserved address"
        )
    return filtered(host, usable)


async def _known(host: str, port: int, family: int) -> list[Address]:
    """Each address once. Raises as ``_look_up`` does."""
    if is_literal(host) and "%" not in host:
        return list(_of_plain_literal(host, port, family))
    found = _distinct(await _look_up(host, port, family), port)
    if host.lower() == "localhost" and family == socket.AF_UNSPEC:
        # Browsers have both without asking, whatever the hosts file lists (RFC 6761, 6.3), and
        # IPv6 first (net::ResolveLocalHostname).
        found = list(dict.fromkeys((Address("::1", port, socket.AF_INET6), *found)))
    return found


def _distinct(found: Iterable[tuple[Any, ...]], port: int) -> list[Address]:
    return list(dict.fromkeys(Address(str(info[4][0]), port, info[0]) for info in found))


def _bounded(addresses: list[Address]) -> list[Address]:
    """MAX_ADDRESSES of them in their order: half of them for a family that comes later."""
    if len(addresses) <= MAX_ADDRESSES:
        return addresses
    first = [each for each in addresses if each.family == addresses[0].family]
    others = [each for each in addresses if each.family != addresses[0].family]
    room = max(MAX_ADDRESSES // 2, MAX_ADDRESSES - len(others))
    kept = {*first[:room], *others[: MAX_ADDRESSES - min(len(first), room)]}
    return [each for each in addresses if each in kept]


async def _look_up(host: str, port: int, family: int) -> list[tuple[Any, ...]]:
    """getaddrinfo; while it waits for long, the resolver itself is asked whether it is there.

    Raises what getaddrinfo raises, NotMeasured(own_network) for a silent resolver, and
    NotMeasured(own_resources) while too many other lookups hang.
    """
    if is_literal(host):
        # No resolver is asked, so no thread has to wait for it.
        return _of_literal(host, port, family)
    if is_this_machine(host):
        own = {socket.AF_INET6: "::1", socket.AF_INET: "127.0.0.1"}
        return [
            each
            for version, ip in own.items()
            if family in (socket.AF_UNSPEC, version)
            for each in _of_literal(ip, port, version)
        ]
    looking = asyncio.ensure_future(lookups().look_up(host, port, family))
    try:
        await asyncio.wait({looking}, timeout=RESOLVER_TIMEOUT)
        if not looking.done():
            message = f"{host} does not resolve: no answer for {RESOLVER_TIMEOUT:g} s"
            await _raise_if_resolver_is_gone(message, unless=looking)
            if family == socket.AF_UNSPEC and (found := await _by_ipv4(host, port, looking)):
                return found
        return list(await looking)
    finally:
        looking.cancel()


async def _by_ipv4(
    host: str, port: int, looking: "asyncio.Future[list[tuple[Any, ...]]]"
) -> list[tuple[Any, ...]]:
    """The IPv4 addresses alone, if they come before those of both families: some name servers
    leave a query for AAAA unanswered, and browsers don't wait for it (RFC 8305, 3)."""
    alone = asyncio.ensure_future(lookups().look_up(host, port, socket.AF_INET))
    try:
        await asyncio.wait({looking, alone}, return_when=asyncio.FIRST_COMPLETED)
        if looking.done() or alone.exception() is not None:
            return []
        return list(alone.result())
    finally:
        if not alone.done():
            alone.cancel()
        elif not alone.cancelled():
            alone.exception()


def _of_literal(host: str, port: int, family: int) -> list[tuple[Any, ...]]:
    return socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)


@lru_cache(maxsize=1024)
def _of_plain_literal(host: str, port: int, family: int) -> tuple[Address, ...]:
    """What getaddrinfo says of a literal address, which stays the same but for a zone, whose
    interface may come and go."""
    return tuple(_distinct(_of_literal(host, port, family), port))


async def _raise_if_resolver_is_gone(
    message: str, *, unless: "asyncio.Future[Any] | None" = None
) -> None:
    """Raise NotMeasured(own_network) if no resolver answers; give up when ``unless`` is done."""
    if not has_network():
        raise own_network(message)
    asking = asyncio.ensure_future(in_daemon_thread(resolver_answers, name="resolver check"))
    try:
        await asyncio.wait(
            {asking, unless} if unless else {asking}, return_when=asyncio.FIRST_COMPLETED
        )
        if (unless is None or not unless.done()) and not await asking:
            raise NotMeasured(
                Cause.OWN_NETWORK, f"{message}; this machine's resolver does not answer"
            )
    finally:
        asking.cancel()
