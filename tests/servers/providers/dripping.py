"""A server on port 0 that never ends its answer: one piece again and again, in a thread."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

PIECES = {
    "head": (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
    "head lines": (b"HTTP/1.1 200 OK\r\n", b"\r\n "),
    "continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "status line": (b"HTTP/1.1 ", b"2"),
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n[", b" "),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "chunk size": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
}
"""What comes first, and then without end."""


class Dripping:
    """``connections`` counts how many came; the pieces are 20 ms apart."""

    def __init__(self, first: bytes, piece: bytes, tls: ssl.SSLContext | None) -> None:
        self._first, self._piece, self._tls = first, piece, tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._end = threading.Event()
        self.connections = 0
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        """End every connection."""
        self._end.set()
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port)).close()
        for each in self._threads:
            each.join()
        self._listener.close()

    def _accept(self) -> None:
        while not self._end.is_set():
            connection, _ = self._listener.accept()
            self.connections += 1
            thread = threading.Thread(target=self._drip, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _drip(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            if self._end.is_set():
                return
            tls = self._tls
            wrapped = tls.wrap_socket(connection, server_side=True) if tls else connection
            with wrapped:
                wrapped.recv(65536)
                wrapped.sendall(self._first)
                while not self._end.wait(0.02):
                    wrapped.sendall(self._piece)


@contextmanager
def dripping(kind: str, tls: ssl.SSLContext | None = None) -> Iterator[Dripping]:
    """Such a server, for as long as it lasts."""
    server = Dripping(*PIECES[kind], tls)
    try:
        yield server
    finally:
        server.close()
