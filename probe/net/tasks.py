"""Waiting with an end: phases that may take so long, and work that something else may end."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from probe.core.causes import Cause
from probe.core.model import CheckFailed

_CANCEL_AGAIN_SECONDS = 0.05

T = TypeVar("T")


@asynccontextmanager
async def phase_timeout(
    bound: float, phase: str, cause: Cause, message: str
) -> AsyncIterator[None]:
    """A phase that takes longer, or loses its connection, has failed for this cause.

    Raises CheckFailed; one from inside keeps its cause, and its phase if it has one.
    """
    try:
        async with asyncio.timeout(bound):
            yield
    except TimeoutError:
        raise CheckFailed(cause, f"{message} within {bound:.3g} s", phase=phase) from None
    except ConnectionError:
        raise CheckFailed(cause, message, phase=phase) from None
    except CheckFailed as error:
        error.phase = error.phase or phase
        raise


@asynccontextmanager
async def phase_timeout_as(
    seconds: float, phase: str, cause: Cause, message: str
) -> AsyncIterator[None]:
    """As ``phase_timeout``; whatever fails inside is reported as this phase."""
    try:
        async with phase_timeout(seconds, phase, cause, message):
            yield
    except CheckFailed as error:
        raise CheckFailed(error.cause, error.message, phase=phase, hint=error.hint) from None


async def run_cancellable(work: Coroutine[Any, Any, None]) -> None:
    """Work that may miss a cancellation: it is cancelled until it ends.

    ``asyncio.wait_for`` loses a cancellation, before Python 3.12, where what it waits for comes
    in the same moment; aiortc's handshake waits by it.
    """
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({task})
    finally:
        await _cancel_until_done(task)
    task.result()


async def _cancel_until_done(task: "asyncio.Task[None]") -> None:
    """Also where this is cancelled itself, a second time: whoever does that waits a moment more."""
    was_cancelled = False
    while not task.done():
        task.cancel()
        try:
            await asyncio.wait({task}, timeout=_CANCEL_AGAIN_SECONDS)
        except asyncio.CancelledError:
            was_cancelled = True
    if was_cancelled:
        raise asyncio.CancelledError


async def finish_all(*cleanups: Coroutine[Any, Any, object]) -> None:
    """Run clean-ups side by side to their ends; what they raise is dropped.

    Cancelled, it cancels them, but none before it has begun, as ``asyncio.gather`` does: what
    never began would close nothing.
    """
    tasks = [asyncio.create_task(cleanup) for cleanup in cleanups]
    try:
        if tasks:
            await asyncio.wait(tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def finish(cleanup: Coroutine[Any, Any, object], *, within: float) -> None:
    """Run a clean-up that must not be cut off in the middle: cancelled, it has so many seconds."""
    task = asyncio.create_task(cleanup)
    try:
        await asyncio.wait({task})
    finally:
        await asyncio.wait({task}, timeout=within)
        task.cancel()
    task.result()


def is_cancelled() -> bool:
    """Whether the current task is to end: an exception that it meets then may stem from that."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def race(work: Coroutine[Any, Any, object], other: Coroutine[Any, Any, object]) -> bool:
    """Whether ``work`` ends before ``other``, which is cancelled then, or the other way round.

    Raises what the first one raises, the other's before the work's.
    """
    tasks = [asyncio.create_task(coroutine) for coroutine in (other, work)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done():
                task.result()
        return tasks[1].done()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def first_ended(*coroutines: Coroutine[Any, Any, object]) -> None:
    """Wait until one of them has ended, and cancel the others. What they return or raise is
    dropped."""
    waiting = [asyncio.create_task(each) for each in coroutines]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def gather_first_error(*coroutines: Coroutine[Any, Any, T]) -> list[T]:
    """Run side by side; the first failure ends the others and is raised as it is.

    Of several failures in the same moment the first in order is raised. None goes on after
    this has returned or raised, unlike with ``asyncio.gather``.
    """
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        if tasks:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        return [task.result() for task in tasks if task.done()]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
