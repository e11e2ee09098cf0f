"""Addresses that a network's own prefix of NAT64 makes of another one (RFC 6052, RFC 7050)."""

from ipaddress import IPv4Address, IPv6Address

import pytest

from probe.net.address.policy import is_allowed_target

METADATA = ("169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192")


def translated(prefix: str, length: int, ip: str) -> str:
    """As RFC 6052 writes it, 2.2: behind the prefix, around the octet 8."""
    octets = list(IPv6Address(prefix).packed[: length // 8])
    for octet in IPv4Address(ip).packed:
        if len(octets) == 8 and length < 96:
            octets.append(0)
        octets.append(octet)
    return str(IPv6Address(bytes(octets).ljust(16, b"\0")))


def test_the_addresses_are_those_of_the_rfc() -> None:
    """RFC 6052, 2.4."""
    expected = {
        32: "2001:db8:c000:221::",
        40: "2001:db8:1c0:2:21::",
        48: "2001:db8:122:c000:2:2100::",
        56: "2001:db8:122:3c0:0:221::",
        64: "2001:db8:122:344:c0:2:2100:0",
        96: "2001:db8:122:344::c000:221",
    }
    for length, text in expected.items():
        assert translated(
            "2001:db8:122:344::" if length > 40 else "2001:db8:100::", length, "192.0.2.33"
        ) == str(IPv6Address(text))


@pytest.mark.parametrize("length", [32, 40, 48, 56, 64, 96])
@pytest.mark.parametrize("ip", METADATA)
@pytest.mark.parametrize("prefix", ["2a01:4f8:122:344::", "fd12:3456:789a:1::"])
def test_a_metadata_service_is_refused_behind_any_prefix(prefix: str, length: int, ip: str) -> None:
    assert not is_allowed_target(translated(prefix, length, ip))


@pytest.mark.parametrize("prefix", ["2a01:4f8:122:344::", "fd12:3456:789a:1::"])
def test_this_machine_is_refused_behind_the_usual_prefix(prefix: str) -> None:
    assert not is_allowed_target(translated(prefix, 96, "127.0.0.1"))


@pytest.mark.parametrize("length", [32, 40, 48, 56, 64, 96])
@pytest.mark.parametrize("ip", ["10.0.0.1", "8.8.8.8", "169.254.1.1", "127.9.9.9"])
def test_other_addresses_are_allowed_as_they_may_come_about_by_chance(length: int, ip: str) -> None:
    assert is_allowed_target(translated("2a01:4f8:122:344::", length, ip))
