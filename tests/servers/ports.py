"""Ports for programs that have to be given one, and ports on which nothing listens.

They are below the kernel's ephemeral ports and below the relays' (tests/servers/coturn.py), so no
connection and no server on port 0 takes one between its choice and its use. Each worker of a
parallel run has a range of its own, and goes through it in turn.
"""

import itertools
import os
import random
import socket
from contextlib import ExitStack

HOST = "127.0.0.1"
# Above 10080, the highest port that browsers refuse to ask.
_FIRST, _EACH, _RANGES = 10_100, 490, 20
_turns = itertools.count(random.randrange(_EACH))


def free_port() -> int:
    """One on loopback that is free for TCP and UDP. Raises RuntimeError if none is."""
    for turn in itertools.islice(_turns, _EACH):
        port = _first() + turn % _EACH
        if _is_free(port):
            return port
    raise RuntimeError(f"no port is free from {_first()} to {_first() + _EACH - 1}")


def _first() -> int:
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return _FIRST + worker % _RANGES * _EACH


def _is_free(port: int) -> bool:
    with ExitStack() as held:
        try:
            held.enter_context(socket.create_server((HOST, port)))
            datagram = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            datagram.bind((HOST, port))
        except OSError:
            return False
    return True
