"""Connections of which a bounded number of bytes is read, whoever reads them.

A client library bounds a line of a header, and neither how many there are nor, where a whole body
is asked for, how long it is: a receiver of alerts that sends without end would fill the memory
until its deadline. Below the library, and below TLS, each byte is counted.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from probe.net.flow.pace import FIRST_SLICE
from probe.net.flow.sliced_socket import SlicedSocket
from probe.net.tls.contexts import service_context

if TYPE_CHECKING:
    import aiohttp
    from typing_extensions import Buffer

BESIDE_BODY = 256 << 10
"""Bytes of headers, certificates and framing."""


class AnswerTooLong(ConnectionAbortedError):
    """More bytes came than any answer has."""


class CappedSocket(SlicedSocket):
    """Reads at most ``most`` bytes in all, a slice at a time. Raises AnswerTooLong then."""

    def __init__(self, family: int, most: int) -> None:
        super().__init__(family)
        self._bytes_left = most

    def _size(self) -> int:
        # What the library makes of it isn't measured here: chunks of a byte take it 6 ms of CPU for
        # each 8 KiB.
        return min(super()._size(), FIRST_SLICE)

    def _count(self, data: "Buffer", size: int) -> None:
        super()._count(data, size)
        self._bytes_left -= len(memoryview(data))
        if self._bytes_left < 0:
            raise AnswerTooLong


def capped_connector(most: int) -> "aiohttp.TCPConnector":
    """Connections for aiohttp's client, each of which brings at most ``most`` bytes of body."""
    from probe.net.flow.aiohttp_import import aiohttp

    def open_socket(info: Sequence[Any]) -> CappedSocket:
        return CappedSocket(info[0], most + BESIDE_BODY)

    return aiohttp.TCPConnector(socket_factory=open_socket, ssl=service_context())
