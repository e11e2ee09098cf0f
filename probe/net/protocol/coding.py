"""Content codings (RFC 9110, 8.4.1) undone piece by piece, so that none can fill the memory.

gzip, deflate (zlib or raw, as browsers take both), br and zstd; several in a row. With a coding
that is not known among them the body stays as it is, as browsers have it.
"""

import re
import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import brotli

from probe.net.protocol.errors import ProtocolViolation, Unfinished
from probe.net.protocol.gzip_header import GzipHeader

MAX_CODINGS = 10
"""As in Chromium; a body that is packed more often stays as it is."""
_PIECE = 65_536
_KNOWN = ("gzip", "deflate", "br", "zstd")
# net::URLRequestHttpJob::AddExtraHeaders.
_ANYWHERE, _IN_PRIVATE = ("gzip", "deflate"), ("br", "zstd")
# net::HttpUtil::ParseContentEncoding: no list of codings.
_NO_LIST = re.compile(r'["=;*]|[^ \t,][ \t]+[^ \t,]')
# So much of a body is unpacked a second time where something follows its end.
_MAX_REPEATED = 1 << 17
_ZLIB_HEADER = b"\x78\x01"
_MAX_WINDOW = 23  # RFC 9659: decoders of a browser take a window of 8 MiB


class Decoder(Protocol):
    """Undoes one coding."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What these bytes unpack to, in pieces. Raises ProtocolViolation."""

    def end(self) -> None:
        """Nothing follows. Raises ProtocolViolation where something is missing."""


class Deflated:
    """zlib's format, or raw data; what follows zlib's end is ignored, as browsers do."""

    name = "deflate"

    def __init__(self) -> None:
        self._packed = zlib.decompressobj()
        self._began = self._is_raw = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data and not self._packed.eof:
            yield self._unpack(data)
            data = self._packed.unconsumed_tail

    def end(self) -> None:
        if self._began and not self._packed.eof and not self._is_raw:
            raise Unfinished(f"sends a {self.name} body without its end")

    def _unpack(self, data: bytes) -> bytes:
        try:
            piece = self._packed.decompress(data, _PIECE)
        except zlib.error:
            if self._began:
                raise ProtocolViolation(f"sends a body that is not {self.name}") from None
            # As net::GzipSourceStream, which goes on to expect zlib's checksum.
            self._packed, self._began, self._is_raw = zlib.decompressobj(), True, True
            self._packed.decompress(_ZLIB_HEADER)
            return self._unpack(data)
        self._began = True
        return piece


class Gzip(Deflated):
    """gzip (RFC 1952); its checksum and length are not looked at, as browsers do."""

    name = "gzip"

    def __init__(self) -> None:
        super().__init__()
        self._packed, self._header = zlib.decompressobj(-zlib.MAX_WBITS), GzipHeader()

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._began = self._began or bool(data)
        yield from super().feed(self._header.feed(data))


class Brotli:
    """br (RFC 7932); what follows its end is ignored, as browsers do."""

    def __init__(self) -> None:
        self._packed = brotli.Decompressor()
        self._fed = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        before = bytes(self._fed)
        self._fed += data[: _MAX_REPEATED + 1 - len(before)]
        try:
            yield from self._unpacked(data)
        except brotli.error:
            if len(before) + len(data) > _MAX_REPEATED:
                raise ProtocolViolation("sends a body that is not br") from None
            yield from self._until_its_end(before, data)

    def end(self) -> None:
        if self._fed and not self._packed.is_finished():
            raise Unfinished("sends a br body without its end")

    def _unpacked(self, data: bytes) -> Iterator[bytes]:
        while not self._packed.is_finished():
            piece = bytes(self._packed.process(data, output_buffer_limit=_PIECE))
            data = b""
            if not piece:
                return
            yield piece

    def _until_its_end(self, before: bytes, data: bytes) -> Iterator[bytes]:
        """The decoder refuses data with something behind it as a whole: once more, by bytes."""
        self._packed = brotli.Decompressor()
        try:
            for _ in self._unpacked(before):
                pass
            for at in range(len(data)):
                yield from self._unpacked(data[at : at + 1])
                if self._packed.is_finished():
                    return
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


def accept_encoding(*, trustworthy: bool) -> str:
    """What browsers ask for: br and zstd over TLS alone, and from this machine."""
    return ", ".join((*_ANYWHERE, *_IN_PRIVATE) if trustworthy else _ANYWHERE)


def check_accepted(codings: str, accepted: str) -> None:
    """Raise ProtocolViolation for a Content-Encoding that is no list, or holds a coding that is
    known and was not asked for (net::HttpNetworkTransaction::ContentEncodingsValid)."""
    if _NO_LIST.search(codings.strip(" \t")):
        raise ProtocolViolation("sends a Content-Encoding that is no list of codings")
    requested = {each.strip().lower() for each in accepted.split(",")}
    for coding in (_named(each) for each in codings.split(",")):
        if "*" not in requested and coding in _KNOWN and coding not in requested:
            raise ProtocolViolation(f"packs its body by {coding}, which was not asked for")


def decoders_of(codings: list[str]) -> list[Decoder]:
    """One for each coding, the last one applied first; none where one is not known."""
    names = [_named(each) for each in codings]
    if len(names) > MAX_CODINGS or not all(each in _KNOWN for each in names):
        return []
    return [_decoder(each) for each in reversed(names)]


def _named(coding: str) -> str:
    name = coding.strip(" \t").lower()
    return "gzip" if name == "x-gzip" else name


def _decoder(name: str) -> Decoder:
    match name:
        case "br":
            return Brotli()
        case "zstd":
            return Zstandard()
        case "gzip":
            return Gzip()
    return Deflated()


def decode(data: bytes, decoders: list[Decoder]) -> Iterator[bytes]:
    """Undo all codings of a piece of body."""
    if not decoders:
        yield data
        return
    first, *others = decoders
    for piece in first.feed(data):
        yield from decode(piece, others)
