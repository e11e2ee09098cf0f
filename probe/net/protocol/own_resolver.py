"""Whether this machine's own resolver answers at all, whatever it says.

glibc reports EAI_AGAIN both for a resolver that is gone and for one that answers SERVFAIL
because the target's name servers are broken. The first is this machine's problem, the second
is the target's outage, so the resolver itself is asked for the root's name servers.
"""

import ipaddress
import os
import select
import socket
import time
from pathlib import Path

RESOLV_CONF = Path("/etc/resolv.conf")
TIMEOUT = 1.5
# RFC 1035: recursion desired, one question: ". NS IN".
_QUERY = b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01"
_RESPONSE_BIT = 0x80
_DEFAULT = ("127.0.0.1",)  # resolv.conf(5): without an entry


def name_servers(path: Path = RESOLV_CONF) -> list[str]:
    """The addresses that resolv.conf names, at most three, as glibc reads it."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    fields = [line.split() for line in lines]
    found = [parts[1] for parts in fields if len(parts) > 1 and parts[0] == "nameserver"]
    return [address for address in found if _is_ip(address)][:3] or list(_DEFAULT)


def resolver_answers(
    servers: list[str] | None = None, *, timeout: float = TIMEOUT, port: int = 53
) -> bool:
    """Whether any name server sends any DNS response within ``timeout``. Blocks: for threads."""
    sockets = [
        each
        for each in (_query(one, port) for one in servers or name_servers())
        if each is not None
    ]
    try:
        return _any_response(sockets, time.monotonic() + timeout)
    finally:
        for each, _ in sockets:
            each.close()


def _query(server: str, port: int) -> tuple[socket.socket, bytes] | None:
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    identifier = os.urandom(2)
    sock: socket.socket | None = None
    try:
        sock = socket.socket(family, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.connect(socket.getaddrinfo(server, port, family, socket.SOCK_DGRAM)[0][4])
        sock.send(identifier + _QUERY)
    except OSError:
        if sock is not None:
            sock.close()
        return None
    return sock, identifier


def _any_response(sockets: list[tuple[socket.socket, bytes]], until: float) -> bool:
    waiting = dict(sockets)
    while waiting and (left := until - time.monotonic()) > 0:
        ready, _, _ = select.select(list(waiting), [], [], left)
        for each in ready:
            try:
                answer = each.recv(512)
            except OSError:  # refused: nothing listens there
                del waiting[each]
                continue
            if len(answer) >= 12 and answer[:2] == waiting[each] and answer[2] & _RESPONSE_BIT:
                return True
    return False


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True
