"""What an address or a host name is, without asking anybody."""

import ipaddress
import re
from functools import lru_cache

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# Addresses that no server can have (RFC 6890). Private, loopback and benchmarking ranges are
# not among them: a server may be private itself, and a laboratory has servers too.
_UNREACHABLE = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/128",
        "100::/64",
        "2001:db8::/32",
        "3fff::/20",
        "ff00::/8",
    )
)

# What browsers look up at all: labels of 1 to 63 characters, 253 together.
_VALID_NAME = re.compile(r"(?=.{1,253}$)[\w-]{1,63}(?:\.[\w-]{1,63})*", re.ASCII)


@lru_cache(maxsize=4096)
def is_unreachable(address: str) -> bool:
    """Whether the address is one that no host can have: documentation, reserved, multicast."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    return any(ip in network for network in _UNREACHABLE if network.version == ip.version)


# Names that lead somewhere within a network alone (RFC 6761, 6762, 8375, ICANN's .internal).
_INSIDE = (
    *(".internal", ".local", ".localhost", ".home.arpa", ".flycast"),
    *(".lan", ".intranet", ".corp", ".home", ".private"),
)


@lru_cache(maxsize=4096)
def is_literal(host: str) -> bool:
    """Whether a host is an IP address, for which nothing is looked up."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def is_inside(host: str) -> bool:
    """Whether a host is known within a network alone: whoever asks there asks from within what
    users may reach by another name."""
    name = host.lower().removesuffix(".")
    if is_literal(name):
        return not ipaddress.ip_address(name.partition("%")[0]).is_global
    return "." not in name or name.endswith(_INSIDE)


def is_this_machine(host: str) -> bool:
    """Whether a name is below ``localhost``, or that with its dot: resolvers need not know them,
    and browsers never ask (RFC 6761, 6.3)."""
    name = host.lower().removesuffix(".")
    if name.endswith(".localhost"):
        return _VALID_NAME.fullmatch(name) is not None
    return name == "localhost" and host.endswith(".")
