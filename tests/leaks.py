"""What a test leaves behind: asyncio tasks and file descriptors."""

import asyncio
import os
from typing import Any, Self

from msgspec import Struct

from tests.forking.process import is_of_the_server

_DESCRIPTORS = "/proc/self/fd"


class Footprint(Struct, frozen=True):
    """The tasks of the running loop and the descriptors of the process, at one moment."""

    tasks: frozenset[asyncio.Task[Any]]
    descriptors: frozenset[tuple[str, str]]

    @classmethod
    def now(cls) -> Self:
        """Taken inside the loop; the task that asks doesn't count."""
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        return cls(frozenset(tasks), frozenset(_open_descriptors()))

    def grown_to(self, later: "Footprint") -> list[str]:
        """One line for each thing that is in `later` and wasn't here."""
        tasks = (f"task {task.get_name()}: {task!r}" for task in later.tasks - self.tasks)
        descriptors = (f"descriptor {fd}: {to}" for fd, to in later.descriptors - self.descriptors)
        return sorted([*tasks, *descriptors])


def _open_descriptors() -> list[tuple[str, str]]:
    found = []
    for fd in os.listdir(_DESCRIPTORS):
        if is_of_the_server(fd):
            continue
        try:
            found.append((fd, os.readlink(f"{_DESCRIPTORS}/{fd}")))
        except FileNotFoundError:
            continue  # the descriptor that listed the directory
    return found


async def left_behind(before: Footprint, *, grace: float = 10.0) -> list[str]:
    """What is there beyond `before`, after closing things had `grace` seconds to finish."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + grace
    while (grown := before.grown_to(Footprint.now())) and loop.time() < deadline:  # noqa: ASYNC110
        # Transports close in later turns of the loop; no event says that all are closed.
        await asyncio.sleep(0.01)
    return grown
