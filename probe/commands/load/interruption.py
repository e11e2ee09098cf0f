"""Signals that end a load, or the command."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import click


@asynccontextmanager
async def until_signal(stop: Callable[[], object]) -> AsyncIterator[None]:
    """The first Ctrl-C or SIGTERM ends the load, the second one the command."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    seen: list[int] = []

    def received(number: int) -> None:
        seen.append(number)
        if len(seen) == 1:
            click.echo("\nprobe: ending, once more to end without a report", err=True)
            stop()
        elif task is not None:
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, received, number)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
