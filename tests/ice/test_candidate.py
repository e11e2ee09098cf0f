"""Offers and answers: what is taken, and that nothing else is."""

import json
from typing import Any

import pytest

from probe.ice.candidate import (
    MAX_CANDIDATES,
    InvalidOffer,
    SchemaMismatch,
    SessionDescription,
    read,
    write,
)
from probe.net.address.policy import is_allowed_target

PLACE = {"type": "host", "address": "10.0.0.1", "port": 50000, "priority": 1}
WORDS: dict[str, Any] = {
    "schema": 1,
    "version": "0.1.0",
    "instance": "a",
    "machine": "b",
    "region": "lax",
    "path": "direct",
    "ice": {"fragment": "abcd", "password": "p" * 22},
    "fingerprint": ":".join(["AB"] * 32),
    "candidates": [PLACE],
}


def with_(**changes: Any) -> bytes:
    return json.dumps({**WORDS, **changes}).encode()


def test_what_is_written_is_read_again() -> None:
    found = read(with_())
    assert isinstance(found, SessionDescription)
    assert read(write(found)) == found


def test_a_newer_version_of_the_same_schema_may_say_more() -> None:
    assert read(with_(later={"more": 1})) == read(with_())


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "::1",
        "169.254.169.254",
        "fe80::1",
        "224.0.0.251",
        "0.0.0.0",
        "::",
        "::ffff:127.0.0.1",
        "2002:7f00:1::",
        "192.0.2.1",
        "::127.0.0.1",
        "::10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::7f00:1",
        "::ffff:0:7f00:1",
        "::ffff:7f00:1",
        "2001:0:7f00:1::",
        "2a00::5efe:127.0.0.1",
        "2a00::200:5efe:7f00:1",
        "fec0::1",
        "100.100.100.200",
        "168.63.129.16",
        "fd00:ec2::254",
        "fd20:ce::254",
        "192.0.0.1",
        "192.0.0.192",
        "192.88.99.1",
        "240.0.0.1",
        "255.255.255.255",
        "ff02::1",
        "169.254.170.2",
        "64:ff9b:1:a::a9fe:a9fe",
        "64:ff9b:2::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:1::1",
        "2001:2::1",
        "2001:20::1",
        "2002:a9fe:a9fe::1",
        "fe80::5efe:10.0.0.1",
        "5f00::1",
        "::ffff:127.0.0.1%lo",
        "fe80::1%25eth0",
        "0177.0.0.1",
        "017700000001",
        "0x7f000001",
        "0x7f.0.0.1",
        "0",
        "\u2460\u2461\u2466.0.0.1",
        "127\u30020\u30020\u30021",
        "127.1",
        "2130706433",
        "[::1]",
        "127.0.0.1.",
        "fd00::1%eth0",
        "localhost",
        "metadata.internal",
        "a0b1c2d3.local",
        "",
    ],
)
def test_checks_go_to_no_address_of_this_machine_and_to_no_name(address: str) -> None:
    assert not is_allowed_target(address)
    with pytest.raises(InvalidOffer, match="candidates"):
        read(with_(candidates=[{**PLACE, "address": address}]))


@pytest.mark.parametrize("address", ["10.0.0.1", "8.8.8.8", "fd00::1", "2a00::1"])
def test_neighbours_and_the_world_may_be_called(address: str) -> None:
    assert is_allowed_target(address)
    [place] = read(with_(candidates=[{**PLACE, "address": address}])).candidates
    assert (place.as_candidate().host, place.as_candidate().transport) == (address, "udp")


def test_addresses_of_private_networks_may_be_left_out() -> None:
    places = [{**PLACE, "address": each} for each in ("10.0.0.1", "fdaa::1", "8.8.8.8", "2a00::1")]
    found = read(with_(candidates=places)).in_public
    assert [place.address for place in found.candidates] == ["8.8.8.8", "2a00::1"]


@pytest.mark.parametrize(
    "changes",
    [
        {"candidates": [{**PLACE, "port": 53}]},
        {"candidates": [{**PLACE, "port": 65536}]},
        {"candidates": [{**PLACE, "type": "prflx"}]},
        {"candidates": [{**PLACE, "priority": 0}]},
        {"candidates": [PLACE] * (MAX_CANDIDATES + 1)},
        {"candidates": "10.0.0.1"},
        {"path": "sideways"},
        {"region": "a\n\x1b[31m"},
        {"region": "x" * 65},
        {"fingerprint": "AB"},
        {"ice": {"fragment": "a", "password": "b"}},
        {"ice": {"fragment": "ab:d", "password": "p" * 22}},
        {"ice": None},
    ],
)
def test_other_fields_are_refused_and_not_quoted(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidOffer) as caught:
        read(with_(**changes))
    [name] = changes
    assert str(caught.value) == f"invalid fields: {name}"


@pytest.mark.parametrize("schema", [2, 0, "1", None, True, [1]])
def test_another_schema_is_distinguished_from_nonsense(schema: Any) -> None:
    with pytest.raises(SchemaMismatch) as caught:
        read(with_(schema=schema))
    assert caught.value.version == "0.1.0"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"1", b"\xff", b"[" * 9999])
def test_nonsense_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidOffer):
        read(body)
