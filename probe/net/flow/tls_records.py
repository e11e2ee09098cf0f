"""How many bytes and records of TLS may come without content.

OpenSSL takes warnings, HelloRequests, certificates, KeyUpdates and session tickets for as long as
they come, and computes for each: whoever sends nothing else keeps it busy until the deadline.

TlsFlood (an OSError, so that asyncio hands it to whoever waits)
├── HandshakeFlood  more than MAX_HANDSHAKE bytes until a handshake is over
└── RecordFlood     more than a RecordBudget of records without content after it
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer

MAX_HANDSHAKE = 256 << 10
"""Bytes that a server may send until a TLS handshake is over: OpenSSL takes 100 KiB of
certificates."""
MAX_WITHOUT_CONTENT, FOR_ONE = 64 << 10, 64
"""Bytes that may come without content (a record has up to 16 KiB), and for each byte of content: a
record of one byte has 29, two KeyUpdates (RFC 8446, 4.6.3) 54."""
MAX_RECORDS = 64
"""Records that may come one after the other without content. BoringSSL, and so Chromium, ends a
connection after 32 KeyUpdates, or 32 empty records; servers send a handful of session tickets."""
RECORD_COST = 30e-6
"""Seconds of CPU that OpenSSL takes for a KeyUpdate, which is the dearest."""
_RECORD_HEADER = 5


class TlsFlood(ConnectionAbortedError):
    """``detail`` completes "host …", in the present tense."""

    detail = ""


class HandshakeFlood(TlsFlood):
    """The server sends more than MAX_HANDSHAKE bytes of a handshake."""

    detail = f"sends more than {MAX_HANDSHAKE >> 10} KiB and no end of the TLS handshake"


class RecordFlood(TlsFlood):
    """The server sends TLS records, and nothing is in them."""

    detail = "sends TLS records without end that hold no content"


class RecordBudget:
    """Bytes of TLS, and records, that may still come without content; content earns more of them.

    It follows the records from the handshake on, and counts from its end (``begin``) on.
    """

    def __init__(self) -> None:
        self._header, self._payload = b"", 0
        self.begin()

    def begin(self) -> None:
        """The handshake is over."""
        self._left, self._records = MAX_WITHOUT_CONTENT, 0

    def consume(self, data: "Buffer") -> int:
        """These bytes of TLS came; how many records begin in them."""
        view = memoryview(data)
        self._left -= len(view)
        begun = self._begun(view)
        self._records += begun
        return begun

    def credit(self, length: int) -> None:
        """So many bytes of content were in them."""
        self._left = min(MAX_WITHOUT_CONTENT, self._left + FOR_ONE * length)
        self._records = 0

    def check(self) -> None:
        """Before more is read, once there is no more content in what came. Raises RecordFlood."""
        if self._left < 0 or self._records > MAX_RECORDS:
            raise RecordFlood

    def _begun(self, view: memoryview) -> int:
        at, begun, size = 0, 0, len(view)
        while at < size:
            if self._payload:
                passed = min(self._payload, size - at)
                self._payload -= passed
            elif not self._header and at + _RECORD_HEADER <= size:
                passed = _RECORD_HEADER
                self._payload = view[at + 3] << 8 | view[at + 4]
                begun += 1
            else:
                part = bytes(view[at : at + _RECORD_HEADER - len(self._header)])
                passed = len(part)
                self._header += part
                if len(self._header) == _RECORD_HEADER:
                    self._payload = int.from_bytes(self._header[3:])
                    self._header = b""
                    begun += 1
            at += passed
        return begun
