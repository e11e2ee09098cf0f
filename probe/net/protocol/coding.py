"""Content codings (RFC 9110, 8.4.1) undone piece by piece, so that none can fill the memory.

gzip, deflate (zlib or raw, as browsers take both), br and zstd; several in a row. With a coding
that is not known among them the body stays as it is, as browsers have it.
"""

import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import brotli

from probe.net.protocol.errors import ProtocolViolation, Unfinished

ACCEPTED = "gzip, deflate, br"
MAX_CODINGS = 4
_PIECE = 65_536
_ALIASES = {"x-gzip": "gzip"}
# RFC 9110, 8.4.1: "identity" is reserved for no coding at all.
_NOTHING = ("", "identity")
_MAX_WINDOW = 23  # RFC 9659: decoders of a browser take a window of 8 MiB


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
            raise Unfinished(f"sends a {self._name} body without its end")

    def _unpack(self, data: bytes) -> bytes:
        try:
            piece = self._packed.decompress(data, _PIECE)
        except zlib.error:
            if self._began or self._name == "gzip":
                raise ProtocolViolation(f"sends a body that is not {self._name}") from None
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
            raise Unfinished("sends a br body without its end")

    def _unpack(self, data: bytes) -> bytes:
        try:
            return bytes(self._packed.process(data, output_buffer_limit=_PIECE))
        except brotli.error:
            raise ProtocolViolation("sends a body that is not br") from None


class Zstandard:
    """zstd (RFC 8878), frame after frame. Not asked for, and some caches send it all the same."""

    def __init__(self) -> None:
        zstd = _zstd()
        self._error: type[Exception] = zstd.ZstdError
        self._new: Callable[..., Any] = zstd.ZstdDecompressor
        self._limit = {zstd.DecompressionParameter.window_log_max: _MAX_WINDOW}
        self._packed = self._new(options=self._limit)
        self._began = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data or not (self._packed.needs_input or self._packed.eof):
            if self._packed.eof:
                self._packed = self._new(options=self._limit)
            self._began = True
            try:
                piece = self._packed.decompress(data, _PIECE)
            except self._error:
                raise ProtocolViolation("sends a body that is not zstd") from None
            data = self._packed.unused_data if self._packed.eof else b""
            yield bytes(piece)

    def end(self) -> None:
        if self._began and not self._packed.eof:
            raise Unfinished("sends a zstd body without its end")


def _zstd() -> Any:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd


def decoders_of(codings: list[str]) -> list[Decoder]:
    """One for each coding, the last one applied first. Raises ProtocolViolation."""
    names = [_ALIASES.get(each.lower(), each.lower()) for each in codings]
    names = [each for each in names if each not in _NOTHING]
    if len(names) > MAX_CODINGS:
        raise ProtocolViolation(f"packs its body {len(names)} times")
    if not all(each in ("gzip", "deflate", "br", "zstd") for each in names):
        return []
    return [_decoder(each) for each in reversed(names)]


def _decoder(name: str) -> Decoder:
    match name:
        case "br":
            return Brotli()
        case "zstd":
            return Zstandard()
    return Deflated(name)


def decode(data: bytes, decoders: list[Decoder]) -> Iterator[bytes]:
    """Undo all codings of a piece of body."""
    if not decoders:
        yield data
        return
    first, *others = decoders
    for piece in first.feed(data):
        yield from decode(piece, others)
