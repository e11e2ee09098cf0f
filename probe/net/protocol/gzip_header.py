"""The header of gzip data, skipped as browsers do: without a look at its checksum and its flags.

RFC 1952, 2.3; net::GZipHeader.
"""

from probe.net.protocol.errors import ProtocolViolation

MAX_HEADER = 256 << 10
_MAGIC = b"\x1f\x8b\x08"
_FLAGS, _FIXED = 3, 10
_CHECKSUM, _EXTRA, _NAME, _COMMENT = 2, 4, 8, 16


class GzipHeader:
    """Takes bytes until the header is over."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._is_over = False

    def feed(self, data: bytes) -> bytes:
        """What of these bytes is behind the header. Raises ProtocolViolation for other data."""
        if self._is_over:
            return data
        self._buffer += data
        if not self._buffer.startswith(_MAGIC[: len(self._buffer)]):
            raise ProtocolViolation("sends a body that is not gzip")
        end = self._end()
        if end is None:
            if len(self._buffer) > MAX_HEADER:
                raise ProtocolViolation("sends a gzip header without end")
            return b""
        self._is_over = True
        rest = bytes(self._buffer[end:])
        self._buffer.clear()
        return rest

    def _end(self) -> int | None:
        """Where the data begins; None as long as something of the header is missing."""
        if len(self._buffer) < _FIXED:
            return None
        flags, end = self._buffer[_FLAGS], _FIXED
        if flags & _EXTRA:
            end += 2 + int.from_bytes(self._buffer[end : end + 2], "little")
        for text in (_NAME, _COMMENT):
            if flags & text:
                at = self._buffer.find(b"\0", end)
                if at < 0:
                    return None
                end = at + 1
        if flags & _CHECKSUM:
            end += 2
        return end if end <= len(self._buffer) else None
