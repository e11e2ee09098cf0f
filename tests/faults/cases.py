"""Which system calls fail how, and from which call on."""

from msgspec import Struct

# What each call may fail with; "slow" takes 3 s and succeeds.
FAILURES = {
    "openat": ("EMFILE", "EIO"),
    "read": ("EIO", "EINTR"),
    "write": ("ENOSPC", "EIO"),
    "pwrite64": ("ENOSPC", "EIO"),
    "fdatasync": ("EIO", "slow"),
    "fsync": ("EIO", "slow"),
    "ftruncate": ("ENOSPC",),
    "unlink": ("EIO",),
    "socket": ("EMFILE", "ENOBUFS"),
    "connect": ("EADDRNOTAVAIL", "ENETUNREACH"),
    "bind": ("EADDRINUSE",),
    "accept4": ("EMFILE", "ENOMEM"),
    "sendto": ("ENOBUFS", "ECONNRESET"),
    "recvfrom": ("ECONNRESET", "EINTR"),
    "epoll_wait": ("EINTR",),
    "mmap": ("ENOMEM",),
    "clone3": ("EAGAIN", "ENOMEM"),
}
ONCE = (1, 2, 3, 5, 8, 13, 21, 34)
FROM_THEN_ON = (1, 5, 21)


class Case(Struct, frozen=True):
    """The ``nth`` call of ``call`` fails, and with ``lasts`` every one after it too, until the
    fault is taken away."""

    call: str
    failure: str
    nth: int
    lasts: bool = False

    def __str__(self) -> str:
        return f"{self.call} {self.failure} {self.nth}{' and on' if self.lasts else ''}"

    @property
    def loses_answers(self) -> bool:
        """Whether a receiver may have accepted what it is sent again."""
        return self.call == "recvfrom" and self.failure == "ECONNRESET"

    @property
    def injection(self) -> str:
        """It as an argument of strace."""
        how = "delay_enter=3000000" if self.failure == "slow" else f"error={self.failure}"
        return f"inject={self.call}:{how}:when={self.nth}{'+' if self.lasts else ''}"


def all_cases() -> list[Case]:
    """Every case, the same call's one after the other."""
    found = []
    for call, failures in FAILURES.items():
        for failure in failures:
            found += [Case(call, failure, nth) for nth in ONCE]
            found += [Case(call, failure, nth, lasts=True) for nth in FROM_THEN_ON]
    return found
