"""Mutated STUN messages for the codec and the framer: `python -m tests.stun.fuzz 600`.

It starts from messages of every method and class with every attribute, and keeps a mutation
that is answered in a new way (another error, other attributes), so that it goes deeper. It
prints how many inputs there were, in how many ways they ended, and each crash.
"""

import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from probe.stun.attributes import ATTRIBUTES
from probe.stun.codec import DecodeError, MessageClass, Method, StunMessage, decode
from probe.stun.message import Framer, channel_data

KEY = b"k" * 16
_MAX_BYTES, _MAX_KEPT = 2048, 4000
# Two that are made over the bytes themselves, and one that is read with any number, as libwebrtc
# does (RFC 8489 section 14.8 has 0 to 99 in its last byte).
_NOT_WRITTEN = ("MESSAGE-INTEGRITY", "FINGERPRINT", "ERROR-CODE")
_BOUNDARIES = (0, 1, 2, 3, 4, 7, 8, 0x7F, 0x80, 0xFF)


def seeds() -> list[bytes]:
    """Messages of every method and class, each attribute with values of many lengths."""
    found = [
        StunMessage(method, kind, {"SOFTWARE": b"x", "USERNAME": b"user"}).encode(key)
        for method in Method
        for kind in MessageClass
        for key in (None, KEY)
    ]
    for each in ATTRIBUTES:
        for length in (0, 1, 4, 8, 20, 21, 40):
            value = each.number.to_bytes(2, "big") + length.to_bytes(2, "big")
            value += bytes(length + -length % 4)
            head = bytes.fromhex("0103") + len(value).to_bytes(2, "big")
            found.append(head + bytes.fromhex("2112a442") + b"t" * 12 + value)
    return [*found, channel_data(0x4000, b"12345"), channel_data(0x7FFF, b"")]


@dataclass
class Fuzzer:
    """``outcomes`` counts in which ways inputs ended, ``crashes`` holds those that raised
    anything but the error that is documented."""

    source: random.Random
    outcomes: Counter[str] = field(default_factory=Counter)
    crashes: list[tuple[bytes, BaseException]] = field(default_factory=list)
    corpus: list[bytes] = field(default_factory=seeds)

    def once(self) -> None:
        """One mutation of one message of the corpus."""
        data = self._mutate(self.source.choice(self.corpus))
        try:
            outcome = f"{_decoded(data)}, {self._framed(data)}"
        except Exception as error:
            self.crashes.append((data, error))
            return
        self.outcomes[outcome] += 1
        if self.outcomes[outcome] == 1 and len(self.corpus) < _MAX_KEPT:
            self.corpus.append(data)

    def _framed(self, data: bytes) -> str:
        """The same bytes as a stream, in pieces."""
        framer, frames = Framer(lambda number: number == 0x4000), 0
        try:
            for piece in self._pieces(data):
                for frame in framer.feed(piece):
                    assert frame in data
                    frames += 1
        except ValueError:
            return "no stream"
        return f"{min(frames, 3)} frames"

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        start = 0
        while start < len(data):
            end = start + self.source.randint(1, 64)
            yield data[start:end]
            start = end

    def _mutate(self, data: bytes) -> bytes:
        changed = bytearray(data)
        for _ in range(self.source.randint(1, 4)):
            self._change(changed)
        if self.source.random() < 0.7 and len(changed) >= 20:
            # With a length that is right, what lies behind the head is read.
            del changed[20 + (len(changed) - 20) // 4 * 4 :]
            changed[2:4] = (len(changed) - 20).to_bytes(2, "big")
        return bytes(changed[:_MAX_BYTES])

    def _change(self, data: bytearray) -> None:
        source = self.source
        at = source.randrange(len(data) + 1)
        match source.randrange(6):
            case 0 if data:
                data[at % len(data)] ^= 1 << source.randrange(8)
            case 1 if data:
                data[at % len(data)] = source.choice(_BOUNDARIES)
            case 2:
                data[at:at] = source.randbytes(source.choice((1, 2, 4, 8, 33)))
            case 3:
                del data[at : at + source.choice((1, 2, 4, 8, 33))]
            case 4:
                other = source.choice(self.corpus)
                data[at:] = other[source.randrange(len(other) + 1) :]
            case _:
                number = source.choice(ATTRIBUTES).number
                length = source.choice((0, 1, 3, 4, 5, 8, 16, 20, 0xFFFF))
                data += number.to_bytes(2, "big") + length.to_bytes(2, "big")
                data += source.randbytes(min(length, 24) + -length % 4)


def _decoded(data: bytes) -> str:
    try:
        message = decode(data)
    except DecodeError as error:
        return re.sub(r"\d+", "N", str(error))
    assert message.is_signed_with(KEY) in (True, False)
    assert message.error_code is None or 0 <= message.error_code < 1000
    # What was read is read again as the same.
    again = {name: each for name, each in message.attributes.items() if name not in _NOT_WRITTEN}
    kind = message.message_class
    written = StunMessage(message.method, kind, again, message.transaction_id).encode()
    assert decode(written).attributes == again
    return " ".join(sorted(message.attributes)) or "no attributes"


def fuzz(seed: int, *, count: float = float("inf"), seconds: float = float("inf")) -> Fuzzer:
    """Until so many inputs, or so long."""
    fuzzer, end, done = Fuzzer(random.Random(seed)), time.monotonic() + seconds, 0
    while done < count and time.monotonic() < end:
        fuzzer.once()
        done += 1
    return fuzzer


def main() -> None:
    """Print what there was."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 600.0
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns() % 10**9
    fuzzer = fuzz(seed, seconds=seconds)
    total = fuzzer.outcomes.total() + len(fuzzer.crashes)
    print(
        f"seed {seed}: {total} inputs in {seconds:g} s, {len(fuzzer.outcomes)} kinds of "
        f"endings, {len(fuzzer.crashes)} crashes"
    )
    for data, error in fuzzer.crashes[:10]:
        print(f"{data.hex()}: {error!r}")
    sys.exit(bool(fuzzer.crashes))


if __name__ == "__main__":
    main()
