"""Which addresses may be contacted on request of others: an offer of another probe, say.

Never this machine, its link, a metadata service of a cloud, or an address that maps to
another one: IPv6 has eight ways to write an IPv4 address, and each is a way around a list.
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from probe.net.address.ranges import is_unreachable

# Where clouds hand out a machine's credentials; those at link-local addresses are refused anyway.
_METADATA = frozenset(
    map(
        ip_address,
        (
            "100.100.100.200",  # Alibaba Cloud
            "168.63.129.16",  # Azure
            "192.0.0.192",  # Oracle Cloud
            "fd00:ec2::254",  # AWS
            "fd20:ce::254",  # Google Cloud
        ),
    )
)
_TRANSLATED = tuple(
    IPv6Network(network)
    for network in (
        "::/96",  # IPv4-compatible (RFC 4291, 2.5.5.1), loopback and unspecified among them
        "::ffff:0:0/96",  # IPv4-mapped (RFC 4291, 2.5.5.2)
        "::ffff:0:0:0/96",  # IPv4-translated (RFC 2765)
        "64:ff9b::/96",  # NAT64 (RFC 6052)
        "64:ff9b:1::/48",  # NAT64, local use (RFC 8215)
        "2001::/32",  # Teredo (RFC 4380)
        "2002::/16",  # 6to4 (RFC 3056)
    )
)
# ISATAP (RFC 5214): the last 64 bits are 0:5efe or 200:5efe and the IPv4 address.
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})
_SITE_LOCAL = ip_network("fec0::/10")
# RFC 6052, 2.2: where a network's own prefix of NAT64 (RFC 7050) leaves the IPv4 address, as bits
# from the front; an octet of zeros (64 to 71) is passed over.
_EMBEDDED_AT = (32, 40, 48, 56, 64)
_RESERVED_OCTET = 0xFF << 56
_METADATA_IPV4 = frozenset(
    {int(ip) for ip in _METADATA if isinstance(ip, IPv4Address)}
    | {int(IPv4Address("169.254.169.254"))}
)
_LOOPBACK_IPV4 = int(IPv4Address("127.0.0.1"))
# For purposes of their own (IANA's registries of special-purpose addresses, RFC 6890): no peer is
# there. 198.18.0.0/15 (RFC 2544) is what laboratories use, as private as 10.0.0.0/8.
_SPECIAL = tuple(
    ip_network(network)
    for network in (
        "192.88.99.0/24",  # 6to4 relays (RFC 7526)
        "64:ff9b::/32",  # around both prefixes of NAT64
        "2001:1::/32",  # anycast of protocols (RFC 7723, RFC 8155)
        "2001:2::/48",  # benchmarks (RFC 5180)
        "2001:10::/28",  # ORCHID (RFC 4843)
        "2001:20::/28",  # ORCHIDv2 (RFC 7343)
        "5f00::/16",  # segment identifiers (RFC 9602)
    )
)


def is_allowed_target(text: str) -> bool:
    """Whether an address may be asked: a literal in its usual form, of another machine.

    Octal, hexadecimal and short forms (``0177.0.0.1``, ``127.1``) are no literals here.
    """
    return is_contactable(text) and not any(ip_address(text) in network for network in _SPECIAL)


def is_contactable(text: str) -> bool:
    """The same for an address that a list of this machine's operator names: of a special purpose
    it may be."""
    if "%" in text:
        return False
    try:
        ip = ip_address(text)
    except ValueError:
        return False
    if ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_unspecified:
        return False
    return ip not in _METADATA and not _stands_for_another(ip) and not is_unreachable(text)


def _stands_for_another(ip: IPv4Address | IPv6Address) -> bool:
    if isinstance(ip, IPv4Address):
        return False
    if ip in _SITE_LOCAL or any(ip in network for network in _TRANSLATED):
        return True
    return (int(ip) >> 32) & 0xFFFFFFFF in _ISATAP or _is_translated(int(ip))


def _is_translated(ip: int) -> bool:
    """Whether any prefix of NAT64 makes it a metadata service, or the usual one this machine: these
    addresses come about by chance once in 2^32."""
    last = ip & 0xFFFFFFFF
    if last in _METADATA_IPV4 or last == _LOOPBACK_IPV4:
        return True
    if ip & _RESERVED_OCTET:
        return False
    passed_over = (ip >> 64) << 56 | (ip & (1 << 56) - 1)
    return any(
        (passed_over >> (120 - 32 - at)) & 0xFFFFFFFF in _METADATA_IPV4 for at in _EMBEDDED_AT
    )
