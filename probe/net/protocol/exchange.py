"""One HTTP request and its response, whichever version of HTTP carries it."""

import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from multidict import CIMultiDict
from yarl import URL

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.net.cookies.sites import is_trustworthy
from probe.net.protocol.coding import accept_encoding, check_accepted, decode, decoders_of
from probe.net.protocol.errors import Truncated, Unfinished
from probe.net.protocol.head import Head
from probe.net.protocol.stream import ByteStream, Stream

USER_AGENT = "paircam-probe"


@dataclass(frozen=True, slots=True)
class Request:
    """``target`` is path and query, ``authority`` the Host header's value."""

    method: str
    scheme: str
    authority: str
    target: str
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = field(default=b"", repr=False)


def request_for(
    method: str, address: URL, headers: Mapping[str, str], body: bytes, cookies: str
) -> Request:
    """A request as our client sends it; ``headers`` replace its own of the same name, ``Host``
    included."""
    accepted = accept_encoding(trustworthy=is_trustworthy(address))
    plain = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": accepted}
    if address.user is not None:
        pair = f"{address.user}:{address.password or ''}"
        plain["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    if cookies:
        plain["Cookie"] = cookies
    given = {name.lower(): value for name, value in headers.items()}
    kept = [(name, value) for name, value in plain.items() if name.lower() not in given]
    return Request(
        method,
        address.scheme,
        given.get("host", address.host_port_subcomponent or ""),
        address.raw_path_qs or "/",
        [*kept, *(pair for pair in headers.items() if pair[0].lower() != "host")],
        body,
    )


class HttpResponse:
    """A response whose head is there; its body is read once, as far as it is wanted.

    ``rest`` is what came with the head: the body's beginning, or an upgraded protocol's.
    ``informational`` counts the responses (1xx) before it. ``opening`` is the status by which a
    WebSocket opens.
    """

    rest, informational = b"", 0
    opening = 101

    def __init__(self, stream: Stream, head: Head) -> None:
        self.stream = stream
        self.head = head

    @property
    def takes_tunnels(self) -> bool:
        """Whether its server has announced WebSockets by HTTP/2 (RFC 8441)."""
        return False

    @property
    def upgraded(self) -> ByteStream:
        """What carries the protocol that was asked for."""
        return self.stream

    async def release(self) -> bool:
        """Give up what is left of it: whether its connection may carry another request."""
        raise NotImplementedError

    async def is_ready(self) -> bool:
        """Whether the connection of a released one is still open, with nothing against it."""
        raise NotImplementedError

    async def next(self, request: Request) -> "HttpResponse":
        """The response to another request on its connection. Raises PeerError, OSError; Unanswered
        where the request has to be sent once more on another one."""
        raise NotImplementedError

    @property
    def status(self) -> int:
        """The status code."""
        return self.head.status

    @property
    def version(self) -> tuple[int, int]:
        """The HTTP version."""
        return self.head.version

    @property
    def headers(self) -> CIMultiDict[str]:
        """All headers, those that repeat too."""
        return self.head.headers

    async def body(self) -> AsyncIterator[bytes]:
        """The body without its content codings, in pieces. Raises PeerError, OSError."""
        decoders, length = decoders_of(self.head.each("Content-Encoding")), 0
        try:
            async for raw in self.raw_body():
                for piece in decode(raw, decoders):
                    length += len(piece)
                    yield piece
                    if decoders:  # a few bytes may unpack to a megabyte
                        await self.stream.yield_if_busy()
        except Truncated as error:
            # net::URLRequestHttpJob::ShouldFixMismatchedContentLength: complete all the same.
            if not error.unmet_length or length != self.head.length:
                raise
        for decoder in decoders:
            decoder.end()

    def raw_body(self) -> AsyncIterator[bytes]:
        """The body as it is sent. Raises PeerError, OSError."""
        raise NotImplementedError


def check_codings(head: Head, request: Request) -> None:
    """Raise ProtocolViolation for a content coding that was not asked for, as browsers do."""
    requested = {name.lower(): value for name, value in request.headers}
    accepted = requested.get("accept-encoding", "*")
    check_accepted(",".join(head.headers.getall("Content-Encoding", [])), accepted)


async def skim_bounded(
    response: HttpResponse, limit: int, kept: bytearray | None = None
) -> int | None:
    """Read a body that is not judged, up to ``limit`` bytes, into ``kept`` where that is given; its
    length, if it ended."""
    length = 0
    try:
        async for piece in response.body():
            length += len(piece)
            if kept is not None:
                kept += piece
            if length > limit:
                return None
    except Unfinished:
        return length
    return length


async def read_bounded(response: HttpResponse, limit: int) -> bytes:
    """The body, at most ``limit`` bytes (after decompression). Of one whose coding lacks its end it
    is what came, as browsers hand it to the page.

    Raises CheckFailed(body_too_large) beyond them, whatever the headers promised.
    """
    body = bytearray()
    with suppress(Unfinished):
        async for piece in response.body():
            body += piece
            if len(body) > limit:
                raise CheckFailed(
                    Cause.BODY_TOO_LARGE,
                    f"more than {limit} bytes of body",
                    phase="transfer",
                )
    return bytes(body)
