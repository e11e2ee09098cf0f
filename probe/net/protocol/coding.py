"""Content codings (RFC 9110, 8.4.1) undone piece by piece, so that none can fill the memory.

gzip, deflate (zlib or raw, as browsers take both) and br; several in a row. A coding that is
not known stays as it is.
"""

import zlib
from collections.abc import Iterator
from typing import Protocol

import brotli

from probe.net.protocol.errors import ProtocolViolation

ACCEPTED = "gzip, deflate, br"
MOST_CODINGS = 4
_PIECE = 65_536
_ALIASES = {"x-gzip": "gzip"}


class Decoder(Protocol):
    """Undoes one coding."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What these bytes unpack to, in pieces. Raises ProtocolViolation."""

    def end(self) -> None:
        """Nothing follows. Raises ProtocolViolation where something is missing."""


class Deflated:
    """gzip or deflate; what follows the end of the data is ignored, as browsers do."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._packed = zlib.decompressobj(31 if name == "gzip" else zlib.MAX_WBITS)
        self._began = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data and not self._packed.eof:
            yield self._unpack(data)
            data = self._packed.unconsumed_tail

    def end(self) -> None:
        if self._began and not self._packed.eof:
            raise ProtocolViolation(f"sends a {self._name} body without its end")

    def _unpack(self, data: bytes) -> bytes:
        try:
            piece = self._packed.decompress(data, _PIECE)
        except zlib.error:
            if self._began or self._name == "gzip":
                raise ProtocolViolation(f"sends a body that is no {self._name}") from None
            self._packed, self._began = zlib.decompressobj(-zlib.MAX_WBITS), True
            return self._unpack(data)
        self._began = True
        return piece


class Brotli:
    """br (RFC 7932)."""

    def __init__(self) -> None:
        self._packed = brotli.Decompressor()
        self._began = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._began = self._began or bool(data)
        while not self._packed.is_finished():
            piece = self._unpack(data)
            data = b""
            if not piece:
                return
            yield piece

    def end(self) -> None:
        if self._began and not self._packed.is_finished():
            raise ProtocolViolation("sends a br body without its end")

    def _unpack(self, data: bytes) -> bytes:
        try:
            return bytes(self._packed.process(data, output_buffer_limit=_PIECE))
        except brotli.error:
            raise ProtocolViolation("sends a body that is no br") from None


def decoders_of(codings: list[str]) -> list[Decoder]:
    """One for each coding, the last one applied first. Raises ProtocolViolation."""
    names = [_ALIASES.get(each.lower(), each.lower()) for each in codings]
    if len(names) > MOST_CODINGS:
        raise ProtocolViolation(f"packs its body {len(names)} times")
    made: list[Decoder] = []
    for name in reversed(names):
        if name in ("gzip", "deflate"):
            made.append(Deflated(name))
        elif name == "br":
            made.append(Brotli())
    return made


def decode(data: bytes, decoders: list[Decoder]) -> Iterator[bytes]:
    """Undo all codings of a piece of body."""
    if not decoders:
        yield data
        return
    first, *others = decoders
    for piece in first.feed(data):
        yield from decode(piece, others)
