"""What a hostile name server answers (RFC 1035, 4.1), by the first label of the name."""

import struct
from collections.abc import Callable
from itertools import pairwise

from msgspec import Struct

A, CNAME, AAAA = 1, 5, 28
_RESPONSE, _TRUNCATED = 0x8180, 0x0200
_POINTER = b"\xc0\x0c"  # to the name of the question


class Query(Struct, frozen=True):
    """One question; ``raw`` is the whole message."""

    raw: bytes
    label: str
    kind: int
    question: bytes

    @classmethod
    def of(cls, raw: bytes) -> "Query":
        """Read one, as a resolver of ours sends it."""
        end = raw.index(b"\0", 12) + 1
        label = raw[13 : 13 + raw[12]].decode("latin-1").lower()
        return cls(raw, label, struct.unpack_from(">H", raw, end)[0], raw[12 : end + 4])


Answer = Callable[[Query], bytes]


def message(query: Query, records: bytes, count: int, flags: int = _RESPONSE) -> bytes:
    """A response with these records."""
    return query.raw[:2] + struct.pack(">HHHHH", flags, 1, count, 0, 0) + query.question + records


def record(name: bytes, kind: int, data: bytes, length: int | None = None) -> bytes:
    """A resource record; ``length`` is what it says of its data."""
    size = len(data) if length is None else length
    return name + struct.pack(">HHIH", kind, 1, 60, size) + data


def name_of(*labels: str) -> bytes:
    """Without compression."""
    return b"".join(bytes([len(each)]) + each.encode("latin-1") for each in labels) + b"\0"


def addresses(query: Query, count: int = 1) -> bytes:
    """So many of loopback's."""
    loopback = b"\x7f\0\0\1" if query.kind == A else bytes(15) + b"\1"
    return record(_POINTER, query.kind, loopback) * count


def good(query: Query) -> bytes:
    """127.0.0.1 alone."""
    return message(query, addresses(query), 1) if query.kind == A else message(query, b"", 0)


def _chain(query: Query, length: int = 200) -> bytes:
    names = [name_of(f"c{number}", "test") for number in range(length)]
    links = record(_POINTER, CNAME, names[0])
    for before, after in pairwise(names):
        links += record(before, CNAME, after)
    return message(query, links + record(names[-1], A, b"\x7f\0\0\1"), length + 1)


def _loop(query: Query) -> bytes:
    one, two = name_of("one", "test"), name_of("two", "test")
    links = record(_POINTER, CNAME, one) + record(one, CNAME, two) + record(two, CNAME, one)
    return message(query, links, 3)


def _code(number: int) -> Answer:
    return lambda query: message(query, b"", 0, _RESPONSE | number)


ANSWERS: dict[str, Answer] = {
    "chain": _chain,
    "long-chain": lambda query: _chain(query, 2000),
    "loop": _loop,
    "itself": lambda query: message(query, record(_POINTER, CNAME, query.question[:-4]), 1),
    "nowhere": lambda query: message(query, record(_POINTER, CNAME, name_of("x" * 63)), 1),
    "many": lambda query: message(query, addresses(query, 2000), 2000),
    "count": lambda query: message(query, addresses(query), 65535),
    "short": lambda query: message(query, record(_POINTER, query.kind, b"\x7f\0", 4), 1),
    "long": lambda query: message(query, record(_POINTER, query.kind, bytes(2000)), 1),
    "other": lambda query: message(query, record(name_of("x", "y"), A, b"\x7f\0\0\1"), 1),
    "pointer": lambda query: message(query, record(b"\xc0\xff", A, b"\x7f\0\0\1"), 1),
    "circle": lambda query: (
        query.raw[:2] + struct.pack(">HHHHH", _RESPONSE, 1, 1, 0, 0) + _POINTER + bytes([0, 1] * 2)
    ),
    "escape": lambda query: message(query, record(_POINTER, CNAME, name_of("\x1b[31m", "\n")), 1),
    "question": lambda query: query.raw,
    "zeros": lambda query: bytes(512),
    "stranger": lambda query: b"\xff\xff" + good(query)[2:],
    "reserved": lambda query: message(query, record(_POINTER, A, bytes(4)), 1),
    "servfail": _code(2),
    "nxdomain": _code(3),
    "refused": _code(5),
    "format": _code(1),
    "unknown": _code(15),
    "silence": lambda query: b"",
    "truncated": lambda query: message(query, b"", 0, _RESPONSE | _TRUNCATED),
}
OVER_TCP = ("chain", "long-chain", "many", "long")
"""What has no room in a datagram is cut there, and whole over TCP."""


def over_udp(query: Query) -> list[bytes]:
    """The datagrams of an answer."""
    answer = ANSWERS.get(query.label, good)(query)
    if query.label in OVER_TCP:
        return [message(query, b"", 0, _RESPONSE | _TRUNCATED)]
    if query.label == "stranger":
        return [bytes([number % 256, number // 256]) + answer[2:] for number in range(3000)]
    return [answer] if answer else []
