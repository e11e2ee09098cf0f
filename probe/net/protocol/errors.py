"""What a peer does that no protocol allows, as exceptions of this package.

PeerError (an OSError would be the network's, these are the peer's)
├── NotHttp           the first bytes are no HTTP
├── ProtocolViolation what follows breaks the protocol
│   └── Unfinished    a content coding without its end, which browsers show all the same
├── Truncated         the connection ended in the middle
│   ├── Unanswered    it ended without a byte of an answer
│   └── Unprocessed   HTTP/2 says that the request may be sent again
└── Flood             far more messages or bytes than any honest peer sends
"""


class PeerError(Exception):
    """``detail`` completes "host …", in the present tense."""

    def __init__(self, detail: str, hint: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint


class NotHttp(PeerError):
    """Something else than HTTP answers."""


class ProtocolViolation(PeerError):
    """The protocol is broken in the middle."""


class Unfinished(ProtocolViolation):
    """The body is complete as HTTP has it, and its content coding isn't."""


class Truncated(PeerError):
    """The connection ended before the message did; ``unmet_length`` says that only its length,
    or its last chunk, is missing."""

    def __init__(self, detail: str, hint: str | None = None, *, unmet_length: bool = False) -> None:
        super().__init__(detail, hint)
        self.unmet_length = unmet_length


class Unanswered(Truncated):
    """Nothing was sent in answer to the request."""


class Unprocessed(Truncated):
    """The request was not processed (RFC 9113, 8.7); ``by_http1``: HTTP/1.1 is wanted for it."""

    def __init__(self, detail: str, *, by_http1: bool) -> None:
        super().__init__(detail)
        self.by_http1 = by_http1


class Flood(PeerError):
    """A budget of messages or bytes is used up."""
