"""Messages are read and written as RFC 8489 says, and what libwebrtc lets pass is let pass."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.stun.attributes import ATTRIBUTES, COOKIE
from probe.stun.codec import (
    DecodeError,
    MessageClass,
    Method,
    StunMessage,
    decode,
    long_term_key,
)

SHORT_TERM = b"VOkJxbRl1RmTxUk/WvJxBt"
# RFC 5769 section 2.1: a connectivity check.
REQUEST = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae"
    "802200105354554e207465737420636c69656e74"
    "002400046e0001ff80290008932ff9b151263b36"
    "000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5"
    "b2d3f249c1b571a280280004e57a3bcf"
)
# Section 2.2 and 2.3: answers with an IPv4 and an IPv6 address.
IPV4 = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96"
)
IPV6 = bytes.fromhex(
    "010100482112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220002000140002a1470113a9faa5d3f179"
    "bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed41"
    "80280004c8fb0b4c"
)
# Section 2.4: long-term credentials, with a user name in Japanese.
LONG_TERM = bytes.fromhex(
    "000100602112a44278ad3433c6ad72c029da412e"
    "00060012e3839ee38388e383aae38383e382afe382b90000"
    "0015001c662f2f3439396b39353464364f4c33346f4c394653547679363473410014000b"
    "6578616d706c652e6f72670000080014f67024656dd64a3e02b8e0712e85c9a28ca89666"
)
KEY = b"k" * 16


@pytest.mark.parametrize(
    ("vector", "attributes"),
    [
        (
            REQUEST,
            {"USERNAME": b"evtj:h6vY", "PRIORITY": 0x6E0001FF, "SOFTWARE": b"STUN test client"},
        ),
        (IPV4, {"XOR-MAPPED-ADDRESS": ("192.0.2.1", 32853), "SOFTWARE": b"test vector"}),
        (IPV6, {"XOR-MAPPED-ADDRESS": ("2001:db8:1234:5678:11:2233:4455:6677", 32853)}),
    ],
    ids=["request", "ipv4", "ipv6"],
)
def test_the_vectors_of_rfc_5769_are_read_and_verified(
    vector: bytes, attributes: dict[str, object]
) -> None:
    message = decode(vector)
    assert {name: message.attributes[name] for name in attributes} == attributes
    assert message.is_signed_with(SHORT_TERM)
    assert not message.is_signed_with(SHORT_TERM + b"x")


def test_the_long_term_vector_of_rfc_5769_is_verified() -> None:
    message = decode(LONG_TERM)
    username = "\u30de\u30c8\u30ea\u30c3\u30af\u30b9"
    assert message.attributes["USERNAME"].decode() == username
    assert message.is_signed_with(long_term_key(username, b"example.org", "TheMatrIX"))


@pytest.mark.parametrize("peer", [("192.0.2.9", 4000), ("2001:db8::9", 65535)])
def test_what_is_written_is_read_again(peer: tuple[str, int]) -> None:
    attributes = {
        "USERNAME": "me",
        "REALM": b"caf\xe9",
        "NONCE": b"n",
        "XOR-PEER-ADDRESS": peer,
        "CHANNEL-NUMBER": 0x4001,
        "LIFETIME": 600,
        "REQUESTED-TRANSPORT": 17,
        "REQUESTED-ADDRESS-FAMILY": 2,
        "ERROR-CODE": (438, "Stale"),
        "USE-CANDIDATE": None,
        "ICE-CONTROLLING": 2**63,
        "ALTERNATE-SERVER": peer,
        "UNKNOWN-ATTRIBUTES": (1, 2),
    }
    sent = StunMessage(Method.ALLOCATE, MessageClass.ERROR, attributes)
    message = decode(sent.encode(KEY))
    expected = {**attributes, "USERNAME": b"me", "ERROR-CODE": (438, b"Stale")}
    assert {name: message.attributes[name] for name in expected} == expected
    assert message.error_code == 438
    assert message.is_signed_with(KEY)


def raw(*attributes: tuple[int, bytes], length: int | None = None, kind: int = 0x0103) -> bytes:
    body = b"".join(
        struct.pack("!HH", number, len(value)) + value + bytes(-len(value) % 4)
        for number, value in attributes
    )
    return (
        struct.pack("!HHI12s", kind, len(body) if length is None else length, COOKIE, b"t" * 12)
        + body
    )


def test_the_first_of_two_attributes_counts() -> None:
    message = decode(raw((0x000D, b"\0\0\0\x05"), (0x000D, b"\0\0\0\x09")))
    assert message.attributes["LIFETIME"] == 5


@pytest.mark.parametrize("text", [b"caf\xe9", b"\xff\xfe", b"\0", b""])
def test_text_in_any_encoding_is_kept_as_it_is(text: bytes) -> None:
    message = decode(raw((0x0014, text), (0x8022, text), (0x0009, b"\0\0\x04\x01" + text)))
    assert message.attributes["REALM"] == message.attributes["SOFTWARE"] == text
    assert message.error_code == 401


def test_a_wrong_fingerprint_is_let_pass() -> None:
    assert decode(raw((0x8028, b"\0\0\0\0"))).attributes["FINGERPRINT"] == 0


@pytest.mark.parametrize("size", [1, 2, 3, 4, 8, 12])
def test_a_number_has_its_own_length_whatever_is_said(size: int) -> None:
    said = (b"\2" * 4 + bytes(8))[:size]
    value = decode(raw((0x000D, said), (0x8022, b"x"))).attributes
    assert value["LIFETIME"] == int.from_bytes((said + bytes(4))[:4], "big")
    assert value["SOFTWARE"] == b"x"


@pytest.mark.parametrize(
    ("method", "number"), [(0x0101, 0x000D), (0x0101, 0x0016), (0x0103, 0x0024), (0x0103, 0x0017)]
)
def test_what_libwebrtc_does_not_know_there_is_let_pass(method: int, number: int) -> None:
    message = decode(struct.pack("!H", method) + raw((number, b""), (0x8022, b"x"))[2:])
    assert message.attributes == {"SOFTWARE": b"x"}


def test_a_signature_of_another_length_is_none() -> None:
    message = decode(raw((0x0008, bytes(19)), (0x0008, bytes(24))))
    assert message.signed_part is None


def test_unknown_attributes_are_named_where_they_must_be_understood() -> None:
    message = decode(raw((0x7ABC, b"abc"), (0x8ABC, b"abc"), (0x4000, b""), (0x3FFF, b"")))
    assert message.unknown_required == (0x7ABC, 0x4000)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "shorter than a header"),
        (raw()[:-1], "shorter than a header"),
        (raw(length=4), "the length in the header"),
        (raw((0x8022, b"x"), length=4), "the length in the header"),
        (b"\x80" + raw()[1:], "magic cookie"),
        (raw()[:4] + b"\0\0\0\0" + raw()[8:], "magic cookie"),
        (raw() + b"\0", "the length in the header"),
        (raw((0x0016, b"\0\x03\0\0\0\0\0\0")), "address family 3"),
        (raw((0x0016, b"\0\x01\0\0\0\0\0")), "does not fit its family"),
        (raw((0x0016, b"\0\x02\0\0\0\0\0\0")), "does not fit its family"),
        (raw((0x0016, b"\0")), "less than four bytes"),
        (raw((0x000D, b"")), "longer than the message"),
        (
            raw()[:2] + struct.pack("!H", 8) + raw()[4:] + struct.pack("!HHI", 0x0D, 64, 1),
            "longer than the message",
        ),
        (raw((0x000A, b"\0")), "a list of 1 bytes"),
        (raw((0x0020, b"\0\1" + bytes(6)), (0x0020, b"")), "less than four bytes"),
        (raw((0x0009, b"\0")), "less than four bytes"),
        (
            struct.pack("!HHI12sHH", 0x0103, 4, COOKIE, b"t" * 12, 0x0016, 8),
            "longer than the message",
        ),
    ],
)
def test_what_is_no_message_is_refused_with_a_reason(data: bytes, why: str) -> None:
    with pytest.raises(DecodeError, match=why):
        decode(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        decode(data)
    except DecodeError:
        return


NUMBERS = st.one_of(st.sampled_from([each.number for each in ATTRIBUTES]), st.integers(0, 0xFFFF))


@given(
    st.lists(st.tuples(NUMBERS, st.binary(max_size=40)), max_size=6),
    st.integers(0, 0x3FFF),
)
def test_any_attributes_are_read_or_refused(attributes: list[tuple[int, bytes]], kind: int) -> None:
    try:
        message = decode(raw(*attributes, kind=kind))
    except DecodeError:
        return
    message.is_signed_with(KEY)
    assert message.transaction_id == b"t" * 12


@given(st.binary(max_size=60), st.integers(0, 79), st.integers(1, 255))
def test_a_signed_message_that_was_changed_is_no_longer_signed(
    text: bytes, place: int, change: int
) -> None:
    data = bytearray(StunMessage(Method.REFRESH, MessageClass.RESPONSE, {"DATA": text}).encode(KEY))
    covered = len(data) - 8  # all but the FINGERPRINT
    # The length alone may change: it is taken from where the signature stands.
    at = place % covered
    data[at] ^= change
    try:
        message = decode(bytes(data))
    except DecodeError:
        return
    assert not message.is_signed_with(KEY)
