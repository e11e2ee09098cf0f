"""What this machine may be short of: descriptors, memory, threads, ports, buffers, IPv6.

A local shortage is not the target's fault. It shows as an errno somewhere in the chain of
exceptions of a failed check.
"""

import errno
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from probe.core.context import Context

# Reserved for notifications and the web server.
RESERVE = 32
MAX_DESCRIPTORS = 1 << 20
RECENT_SECONDS = 60.0
SWITCH_SECONDS = 0.001
# While most are free, so many seconds can't use them up.
PLENTY_SECONDS = 0.02

_KINDS = {
    errno.EMFILE: "file descriptors",
    errno.ENFILE: "file descriptors of the system",
    errno.ENOBUFS: "network buffers",
    errno.ENOMEM: "memory",
    errno.EADDRNOTAVAIL: "local addresses or ports",
    errno.EAFNOSUPPORT: "address families (no IPv6)",
}
_OF_ADDRESSES = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
_NO_THREAD = "can't start new thread"


def shortage_of(error: BaseException) -> str:
    """What this machine was short of, by an exception or what led to it; empty: nothing."""
    code = None
    for each in _chain(error):
        kind = _kind_of(each)
        if isinstance(each, OSError) and each.errno is not None:
            # With several addresses only the last error counts.
            first, code = code is None, each.errno
            kind = kind if first or code not in _OF_ADDRESSES else ""
        if kind:
            return kind
    return ""


def raise_descriptor_limit() -> None:
    """Allow this process as many descriptors as it may have."""
    with suppress(OSError, ValueError):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else hard
        wanted = min(wanted, MAX_DESCRIPTORS)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def hand_on_interpreter_soon() -> None:
    """Have a thread that computes hand the interpreter on after a millisecond, not five: the event
    loop waits that long at each of its system calls while a page is rendered or rows are stored."""
    sys.setswitchinterval(SWITCH_SECONDS)


def descriptor_limit() -> int:
    """How many descriptors this process may have."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_DESCRIPTORS if soft == resource.RLIM_INFINITY else min(soft, MAX_DESCRIPTORS)


def reserve() -> int:
    """How many descriptors are reserved."""
    return min(RESERVE, descriptor_limit() // 8)


def lacks_descriptors(kept: int) -> bool:
    """Whether fewer descriptors are left than are reserved.

    The system gives the lowest number that is free, so a high one means that most are used.
    """
    try:
        number = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        return error.errno in (errno.EMFILE, errno.ENFILE)
    os.close(number)
    return number >= descriptor_limit() - kept


# The module's file, its folder, and a library that it is linked with.
_FOR_AN_IMPORT = 4


class SpareDescriptors:
    """Descriptors that are kept for what is imported late; none before ``keep``.

    An import opens one file after the other, and by then all descriptors may be used.
    """

    def __init__(self) -> None:
        self._kept: list[int] = []

    def keep(self, count: int = _FOR_AN_IMPORT) -> None:
        """Open as many, as far as there are any."""
        with suppress(OSError):
            while len(self._kept) < count:
                self._kept.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Import within this; they are kept again at its end. Raises what the import raises."""
        count = len(self._kept)
        while self._kept:
            os.close(self._kept.pop())
        try:
            yield
        finally:
            self.keep(count)


SPARE = SpareDescriptors()
"""This process's."""


class FreeDescriptors:
    """Whether the reserve of descriptors is untouched, asked before each run. While less than
    half of them are used, the answer holds for ``PLENTY_SECONDS``; ``clock`` is monotonic."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._plenty_until = clock, float("-inf")

    def are_short(self) -> bool:
        """Whether fewer are left than are reserved."""
        now = self._clock()
        if now < self._plenty_until:
            return False
        if lacks_descriptors(reserve()):
            return True
        if not lacks_descriptors(descriptor_limit() // 2):
            self._plenty_until = now + PLENTY_SECONDS
        return False


class Shortages:
    """What this machine was short of lately; ``counts`` since the start, by kind."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._seen: dict[str, float] = {}

    def note(self, kind: str, now: float) -> None:
        """It was short of something at a time of the monotonic clock."""
        self.counts[kind] += 1
        self._seen[kind] = now

    def recent(self, now: float) -> list[str]:
        """What it was short of within the last minute."""
        return [kind for kind, at in self._seen.items() if now - at < RECENT_SECONDS]


def _kind_of(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return _KINDS[errno.ENOMEM]
    if isinstance(error, RuntimeError) and _NO_THREAD in str(error):
        return "threads"
    if isinstance(error, OSError):
        return _KINDS.get(error.errno or 0, "")
    return ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An exception, what it was made from, and what it is made of."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting and len(seen) < 50:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [each.__cause__, each.__context__, getattr(each, "os_error", None)]
        if isinstance(each, BaseExceptionGroup):
            waiting += each.exceptions


def shortages(context: Context) -> Shortages:
    """What this machine was short of."""
    return context.get_or_create(Shortages, Shortages)
