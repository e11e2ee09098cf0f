"""http.client's connections under the deadline of their thread
(:class:`probe.net.flow.blocking_deadline.BlockingDeadline`): lookup, every address, a proxy's
tunnel, TLS, sending and each answer. Imports little, for a command that runs often."""

import http.client
import re
import socket
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from probe.net.flow.blocking_connect import connect
from probe.net.flow.blocking_deadline import BlockingDeadline, current_deadline

_MAX_HEAD = 1 << 14
_STATUS = re.compile(rb"HTTP/1\.[01] +(\d{3})\b")


class DeadlineHttp(http.client.HTTPConnection):
    """``timeout``, in seconds, is for each read alone."""

    sock: socket.socket | None
    port: int

    def __init__(self, host: str, port: int | None = None, *, timeout: float, **_: Any) -> None:
        super().__init__(host, port, timeout=timeout)
        self._seconds = timeout
        self.tunnel_target: tuple[str, int, Mapping[str, str]] | None = None

    def set_tunnel(self, host: str, port: int | None = None, headers: Any = None) -> None:
        """Ask the proxy for this host, which may end in its port; see http.client."""
        parts = urlsplit(f"//{host}" if port is None else f"//{host}:{port}")
        found = parts.hostname or host, parts.port or http.client.HTTPS_PORT
        self.tunnel_target = (*found, dict(headers or {}))

    def connect(self) -> None:
        """Connect. Raises OSError, TimeoutError after the deadline."""
        deadline = current_deadline(self._seconds)
        sock = connect(self.host.strip("[]"), self.port, deadline.until)
        try:
            # Of each read; the deadline ends them all.
            sock.settimeout(min(self._seconds, deadline.left))
            deadline.add(sock)
            if self.tunnel_target is not None:
                _open_tunnel(sock, *self.tunnel_target)
            self.sock = self.secured(sock, deadline)
        except BaseException:
            sock.close()
            raise

    def secured(self, sock: socket.socket, deadline: BlockingDeadline) -> socket.socket:
        """What is sent through."""
        return sock


class DeadlineHttps(DeadlineHttp):
    """The same over TLS."""

    default_port = http.client.HTTPS_PORT

    def __init__(
        self, host: str, port: int | None = None, *, timeout: float, context: ssl.SSLContext
    ) -> None:
        super().__init__(host, port, timeout=timeout)
        self._tls = context

    def secured(self, sock: socket.socket, deadline: BlockingDeadline) -> socket.socket:
        """After the handshake, of which OpenSSL bounds the whole."""
        name = self.host.strip("[]") if self.tunnel_target is None else self.tunnel_target[0]
        sock.settimeout(deadline.left)
        wrapped = self._tls.wrap_socket(sock, server_hostname=name)
        try:
            deadline.add(wrapped)
            wrapped.settimeout(min(self._seconds, deadline.left))
        except BaseException:
            wrapped.close()
            raise
        return wrapped


def _open_tunnel(sock: socket.socket, host: str, port: int, headers: Mapping[str, str]) -> None:
    """RFC 9110, section 9.3.6. Raises OSError."""
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
    head = b""
    # Byte by byte: what follows is not for us.
    while not head.endswith((b"\r\n\r\n", b"\n\n")):
        piece = sock.recv(1)
        head += piece
        if not piece or len(head) > _MAX_HEAD:
            raise OSError("the proxy does not answer in HTTP")
    status = _STATUS.match(head)
    if status is None or not status[1].startswith(b"2"):
        said = status[1].decode() if status else "no HTTP"
        raise OSError(f"the proxy opens no tunnel: it answers {said}")
