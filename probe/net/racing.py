"""Happy Eyeballs (RFC 8305): several addresses at once, the preferred one with a head start."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from probe.core.causes import Cause
from probe.core.model import CheckAborted
from probe.net.resolver import Address

ATTEMPT_DELAY = 0.25
"""RFC 8305 section 5: seconds until the next address is tried next to one that is silent."""
MAX_ADDRESSES = 8
MAX_PENDING = 2
"""So many addresses Chromium asks at a time: while two are silent, it tries no third."""
NOT_ASKED = "not asked"
"""The fact that names further addresses of a name over UDP."""

T = TypeVar("T")
U = TypeVar("U")


def first_of_each_family(addresses: Sequence[Address]) -> list[Address]:
    """What libwebrtc takes of a name over UDP: whatever follows is never asked."""
    found: dict[int, Address] = {}
    for each in addresses:
        found.setdefault(each.family, each)
    return list(found.values())


def not_asked(addresses: Sequence[Address]) -> str:
    """The addresses that no browser asks over UDP; empty where there are none."""
    asked = first_of_each_family(addresses)
    return ", ".join(each.ip for each in addresses if each not in asked)


def interleaved(addresses: Sequence[Address]) -> list[Address]:
    """The addresses with their families taking turns (RFC 8305 section 4)."""
    first = [each for each in addresses if each.family == addresses[0].family]
    other = [each for each in addresses if each.family != addresses[0].family]
    ordered: list[Address] = []
    while first or other:
        for queue in (first, other):
            if queue:
                ordered.append(queue.pop(0))
    return ordered


class Race:
    """One race. ``outcomes`` has the error of each address so far: empty for success;
    ``started`` are those that were tried.

    With ``both_families`` the first address of either family is tried at once, as a browser
    gathers; what answers later is still written down while the race is on.
    """

    def __init__(
        self,
        addresses: Sequence[Address],
        *,
        both_families: bool = False,
        delay: float = ATTEMPT_DELAY,
        prefer: float = ATTEMPT_DELAY,
    ) -> None:
        self.addresses = interleaved(addresses)[:MAX_ADDRESSES]
        self.outcomes: dict[Address, str] = {}
        self.started: set[Address] = set()
        self._both_families, self._delay, self._prefer = both_families, delay, prefer
        self._failures: list[CheckAborted] = []
        self._ended = 0
        self._next, self._changed = asyncio.Event(), asyncio.Event()

    async def run(
        self, attempt: Callable[[Address], Awaitable[T]], discard: Callable[[T], None]
    ) -> T:
        """The result of the address that wins: the preferred one, unless another has answered
        and the preferred one not within ``prefer`` seconds after it.

        Attempts that have not won are cancelled and have to clean up by themselves; what they
        had found already is given to ``discard``. Raises the CheckAborted that says most where all
        fail; waits for as long as the caller does.
        """
        tasks: list[asyncio.Task[T]] = []
        starting = self._announced(asyncio.create_task(self._start(attempt, tasks)))
        won: asyncio.Task[T] | None = None
        try:
            await self._until_one_answers(tasks, starting)
            won = await self._winner(tasks)
        finally:
            starting.cancel()
            for task in tasks:
                task.cancel()  # does nothing to the winner, which is done
            try:
                await asyncio.gather(starting, *tasks, return_exceptions=True)
            except asyncio.CancelledError:
                won = None  # the result is not used any more
                raise
            finally:
                for task in filter(_has_answered, tasks):
                    if task is not won:
                        discard(task.result())
        return won.result()

    async def _start(
        self, attempt: Callable[[Address], Awaitable[T]], tasks: list[asyncio.Task[T]]
    ) -> None:
        at_once = 2 if self._both_families and self._has_two_families() else 1
        for number, address in enumerate(self.addresses):
            if number >= at_once:
                is_full = number - self._ended >= MAX_PENDING
                with suppress(TimeoutError):
                    async with asyncio.timeout(None if is_full else self._delay):
                        await self._next.wait()
                self._next.clear()
            tasks.append(self._announced(asyncio.create_task(self._try(attempt, address))))
            await asyncio.sleep(0)

    async def _try(self, attempt: Callable[[Address], Awaitable[T]], address: Address) -> T:
        self.started.add(address)
        try:
            found = await attempt(address)
        except BaseException as error:
            if isinstance(error, CheckAborted):
                self.outcomes[address] = error.message
                self._failures.append(error)
            self._ended += 1
            self._next.set()
            raise
        self.outcomes[address] = ""
        return found

    async def _until_one_answers(
        self, tasks: Sequence[asyncio.Task[T]], starting: asyncio.Task[None]
    ) -> None:
        while not any(_has_answered(task) for task in tasks):
            if starting.done() and all(task.done() for task in tasks):
                raise _unexpected(tasks) or self._says_most()
            self._changed.clear()
            await self._changed.wait()

    def _announced(self, task: asyncio.Task[U]) -> asyncio.Task[U]:
        """Have the end of a task, also of one that begins later, be news."""
        task.add_done_callback(lambda _: self._changed.set())
        return task

    async def _winner(self, tasks: Sequence[asyncio.Task[T]]) -> asyncio.Task[T]:
        if not tasks[0].done():
            await asyncio.wait({tasks[0]}, timeout=self._prefer)
        return next(task for task in tasks if _has_answered(task))

    def _has_two_families(self) -> bool:
        return len({address.family for address in self.addresses}) == 2

    def _says_most(self) -> CheckAborted:
        """That this machine has no route for a family says less than the other's error."""
        specific = (error for error in self._failures if error.cause is not Cause.CONNECT_FAILED)
        return next(specific, self._failures[0])


def _has_answered(task: asyncio.Task[T]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


def _unexpected(tasks: Sequence[asyncio.Task[T]]) -> BaseException | None:
    """What is no finding of ours, but a defect."""
    errors = (task.exception() for task in tasks if not task.cancelled())
    return next((error for error in errors if not isinstance(error, CheckAborted)), None)


def family_name(address: Address) -> str:
    """``ipv4`` or ``ipv6``."""
    return "ipv6" if address.family == socket.AF_INET6 else "ipv4"
