"""Work that can't be interrupted, beside the event loop and never in the way of its end.

The loop's executor is joined when the process ends, and a handful of hanging calls in it hold
up every other one. A daemon thread for each piece of work does neither.
"""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def in_daemon_thread(work: Callable[[], T], *, name: str) -> T:
    """The result of ``work``, which runs in a daemon thread of its own, with the context
    variables of the caller.

    Whoever is cancelled while waiting leaves the thread to itself.
    """
    loop = asyncio.get_running_loop()
    context = contextvars.copy_context()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: Exception | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)  # type: ignore[arg-type]  # there is one without an error
        else:
            future.set_exception(error)

    def run() -> None:
        result: T | None = None
        failed: Exception | None = None
        try:
            result = context.run(work)
        except Exception as error:  # handed over to the waiting task
            failed = error
        try:
            loop.call_soon_threadsafe(settle, result, failed)
        except RuntimeError:
            return  # the loop has ended meanwhile: no task waits any more

    threading.Thread(target=run, name=name, daemon=True).start()
    return await future
