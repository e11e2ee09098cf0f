"""Compression of a WebSocket's messages (permessage-deflate, RFC 7692), with a bound.

wsproto's own inflates a frame in one go, so that a few bytes may take any amount of memory; this
one keeps the beginning of a message and counts the rest.
"""

import re
import zlib
from collections.abc import Iterator, Sequence

from wsproto.extensions import Extension
from wsproto.frame_protocol import CloseReason, FrameDecoder, FrameProtocol, Opcode, RsvBits

from probe.net.protocol.errors import Flood, ProtocolViolation

OFFER = "permessage-deflate; client_max_window_bits"
# As much as may come without compression. It is a second of zlib's work at most.
MAX_INFLATED = 32 << 20
MAX_RETAINED = 1 << 20
"""Bytes kept of one message. Browsers take any length, so a longer one is no fault."""
_PIECE = 1 << 16
_TAIL = b"\x00\x00\xff\xff"
_MAX_WINDOW = 15
# zlib makes no smaller one.
_MIN_WINDOW = 9
_BITS = re.compile(r"[89]|1[0-5]")
_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_BLANKS = r"[ \t]*"
_PARAMETER = re.compile(
    rf"{_BLANKS};{_BLANKS}({_TOKEN}){_BLANKS}(?:={_BLANKS}({_QUOTED}|{_TOKEN}){_BLANKS})?"
)
_NAME = re.compile(rf"{_BLANKS}({_TOKEN}){_BLANKS}")


class PerMessageDeflate(Extension):
    """As a client: what the server sends is inflated, what is sent is deflated.

    ``client_bits`` is the window in which is deflated, as a power of two; ``resets`` begins each
    message of ours with an empty one. What the server promises of its own need not be known.
    """

    name = "permessage-deflate"

    def __init__(self, client_bits: int, *, resets: bool) -> None:
        self._bits, self._resets = client_bits, resets
        self._inflater = zlib.decompressobj(-_MAX_WINDOW)
        self._deflater: zlib._Compress | None = None
        self._total = self._kept = 0
        self._packed = self._in_message = self._is_data = False

    def enabled(self) -> bool:
        """It was agreed on."""
        return True

    def offer(self) -> bool | str:
        """The handshake is not wsproto's."""
        return False

    def frame_inbound_header(
        self, proto: FrameDecoder | FrameProtocol, opcode: Opcode, rsv: RsvBits, payload_length: int
    ) -> CloseReason | RsvBits:
        """The first bit belongs to the first frame of a message (RFC 7692, 6)."""
        self._is_data = not opcode.iscontrol()
        if rsv.rsv1 and (not self._is_data or opcode is Opcode.CONTINUATION):
            return CloseReason.PROTOCOL_ERROR
        if self._is_data and not self._in_message:
            self._packed, self._in_message, self._kept = rsv.rsv1, True, 0
        return RsvBits(True, False, False)

    def frame_inbound_payload_data(
        self, proto: FrameDecoder | FrameProtocol, data: bytes
    ) -> bytes | CloseReason:
        """The beginning of what it inflates to."""
        if not self._packed or not self._is_data:
            return data
        try:
            return b"".join(self._inflated(data))
        except zlib.error:
            return CloseReason.INVALID_FRAME_PAYLOAD_DATA

    def frame_inbound_complete(
        self, proto: FrameDecoder | FrameProtocol, fin: bool
    ) -> bytes | CloseReason | None:
        """What the message's end brings."""
        if not fin or not self._is_data:
            return None
        self._in_message = False
        if not self._packed:
            return None
        try:
            return b"".join(self._inflated(_TAIL))
        except zlib.error:
            return CloseReason.INVALID_FRAME_PAYLOAD_DATA

    def frame_outbound(
        self,
        proto: FrameDecoder | FrameProtocol,
        opcode: Opcode,
        rsv: RsvBits,
        data: bytes,
        fin: bool,
    ) -> tuple[RsvBits, bytes]:
        """A whole message in one frame, which is how we send."""
        if opcode.iscontrol() or self._bits < _MIN_WINDOW:
            return rsv, data
        if self._deflater is None or self._resets:
            self._deflater = zlib.compressobj(wbits=-self._bits)
        packed = self._deflater.compress(data) + self._deflater.flush(zlib.Z_SYNC_FLUSH)
        return RsvBits(True, rsv.rsv2, rsv.rsv3), packed.removesuffix(_TAIL)

    def _inflated(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._inflater.eof:  # a last block; another stream follows (RFC 7692, 7.2.3.4)
                self._inflater = zlib.decompressobj(-_MAX_WINDOW)
            piece = self._inflater.decompress(data, _PIECE)
            data = self._inflater.unconsumed_tail or self._inflater.unused_data
            self._total += len(piece)
            if self._total > MAX_INFLATED:
                raise Flood(f"sends more than {MAX_INFLATED >> 20} MiB over the WebSocket")
            if self._kept <= MAX_RETAINED:
                self._kept += len(piece)
                yield piece


def negotiated(values: Sequence[str]) -> PerMessageDeflate | None:
    """The extension that a server's Sec-WebSocket-Extensions accepts; None without the header.

    Raises ProtocolViolation for what Chromium refuses.
    """
    if not values:
        return None
    text = ",".join(values)
    name = _NAME.match(text)
    if name is None:
        raise ProtocolViolation("answers 101 with Sec-WebSocket-Extensions that can't be read")
    if name[1] != PerMessageDeflate.name:
        raise ProtocolViolation("answers 101 with an extension that was not offered")
    parameters = _parameters(text, name.end())
    ours = _bits(parameters, "client_max_window_bits")
    _bits(parameters, "server_max_window_bits")
    resets = "client_no_context_takeover" in parameters
    for each in ("client_no_context_takeover", "server_no_context_takeover"):
        if parameters.pop(each, None) is not None:
            raise ProtocolViolation(f"answers 101 with a value for {each}")
    if parameters:
        raise ProtocolViolation("answers 101 with invalid parameters of permessage-deflate")
    return PerMessageDeflate(ours, resets=resets)


def _parameters(text: str, at: int) -> dict[str, str | None]:
    """Name and value. Raises ProtocolViolation for two of a name, and for a second extension."""
    found: dict[str, str | None] = {}
    while at < len(text):
        match = _PARAMETER.match(text, at)
        if match is None or match[1] in found:
            raise ProtocolViolation("answers 101 with Sec-WebSocket-Extensions that can't be read")
        found[match[1]] = None if match[2] is None else _unquoted(match[2])
        at = match.end()
    return found


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text


def _bits(parameters: dict[str, str | None], name: str) -> int:
    if name not in parameters:
        return _MAX_WINDOW
    value = parameters.pop(name) or ""
    if not _BITS.fullmatch(value):
        raise ProtocolViolation(f"answers 101 with {name} that is not a window size")
    return int(value)
