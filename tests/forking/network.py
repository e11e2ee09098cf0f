"""Being in a network namespace without a program that enters it."""

import ctypes
import os
import socket
import threading
from collections.abc import Sequence

_CLONE_NEWNET = 0x40000000  # sched.h; Python names it from 3.12 on


def enter(file: str) -> None:
    """This thread is in the network namespace of a file from now on. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(descriptor, _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(descriptor)


def file_of(prefix: Sequence[str]) -> str:
    """The file of the namespace that a command line begins with; empty if it is none."""
    is_one = len(prefix) == 4 and tuple(prefix[1:3]) == ("netns", "exec")
    return f"/run/netns/{prefix[3]}" if is_one else ""


def tcp_socket_in(name: str) -> socket.socket:
    """A socket that stays in a namespace, wherever this thread is."""
    own = f"/proc/self/task/{threading.get_native_id()}/ns/net"
    # The way back is held open: the file leads elsewhere once the thread is inside.
    with open(own, "rb") as back:
        enter(f"/run/netns/{name}")
        try:
            return socket.socket()
        finally:
            enter(f"/proc/self/fd/{back.fileno()}")
