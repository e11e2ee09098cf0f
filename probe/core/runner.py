"""Runs checks: enforces the deadline, measures the duration, and turns every outcome into a result.

A kind only measures. Whatever it does (return, raise, hang) becomes one Result, so that
one-shot runs and the daemon see the same thing.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from functools import partial

from probe.core.causes import HINTS, Cause
from probe.core.context import Context
from probe.core.deadlines import Deadlines
from probe.core.kind import Check, CheckConfig
from probe.core.model import (
    DURATION,
    SUCCESS,
    Failure,
    Result,
    Sample,
    Status,
)
from probe.core.outcome.attribution import EndedRun, attributed
from probe.core.outcome.safe_result import safe_result
from probe.core.outcome.stall import StallWatch
from probe.core.recorder import Recorder
from probe.core.resources import FreeDescriptors, shortages
from probe.untrusted.text import redacting

# How long a cancelled check may take to clean up before it continues in the background.
GRACE_SECONDS = 0.5
MAX_QUEUED = 120.0
"""Seconds that a run may take including the wait for a slot."""


def preload(checks: Sequence[Check]) -> None:
    """Import what the checks need, before any clock runs.

    Some imports take half a second, in which the event loop is blocked: within a run that would
    count as latency of the target.
    """
    for kind in {check.kind.name: check.kind for check in checks}.values():
        kind.load()


async def run_check(
    check: Check, context: Context, *, deadline: float | None = None, most: float | None = None
) -> Result:
    """Run one check under the shorter of its own deadline and the given one, in seconds.

    ``most`` seconds it may take with the wait for other checks of ours (by default the deadline).
    Never raises for what the check does; a cancellation from outside passes through.
    """
    if context.get_or_create(FreeDescriptors, FreeDescriptors).are_short():
        return _without_descriptors(check, context)
    limit = min(check.table.deadline, deadline or check.table.deadline)
    table = _limited(check, limit, context)
    stalls = context.get_or_create("stall-watch", StallWatch)
    watch, record = stalls.begin(), Recorder(context.clock, stalls.disturbs)
    started, started_at = context.clock(), _utc(context.now())
    with redacting(context.redact):
        task = asyncio.create_task(check.kind.run(table, record, context), name=check.name)
    try:
        deadlines = context.get_or_create(Deadlines, Deadlines)
        await _until_done(task, record, (limit, _longest(deadline, most)), deadlines)
        cut_off = not task.done()
        duration = context.clock() - started - record.queued
    finally:
        if not task.done():
            await _cancel(task, context)
        disturbance = watch.end()
    ended = EndedRun(check, record, limit, duration, None if cut_off else task)
    failure, status = attributed(ended, disturbance, context)
    result = Result(
        check.name,
        status,
        started_at,
        duration,
        phases=dict(record.phases),
        samples=_common(status, duration) + record.samples,
        failure=failure,
        facts=dict(record.facts),
    )
    return safe_result(result, context.redact)


def _longest(deadline: float | None, most: float | None) -> float:
    return MAX_QUEUED if deadline is None else min(most or deadline, max(deadline, MAX_QUEUED))


def _limited(check: Check, limit: float, context: Context) -> CheckConfig:
    """The check's settings with the deadline that is in force: kinds divide it among their
    phases."""
    if limit == check.table.deadline:
        return check.table
    tables: dict[str, tuple[Check, CheckConfig]] = context.get_or_create("limited-tables", dict)
    known, table = tables.get(check.name, (None, check.table))
    if known is not check or table.deadline != limit:
        table = check.table.model_copy(update={"deadline": limit})
        tables[check.name] = (check, table)
    return table


async def _until_done(
    task: "asyncio.Task[None]",
    record: Recorder,
    limits: tuple[float, float],
    deadlines: Deadlines,
) -> None:
    """Wait until the check is done or its deadline, the first of the limits, is exceeded. Time
    spent waiting for a slot doesn't count, but the whole run takes no longer than the larger one.
    """
    (limit, most), started, loop = limits, record.clock(), asyncio.get_running_loop()
    while not task.done():
        spent = record.clock() - started
        left = min(limit + record.queued - spent, max(limit, most) - spent)
        if left <= 0:
            return
        future = loop.create_future()
        deadlines.wake(future, left)
        set_future = partial(_set, future)
        task.add_done_callback(set_future)
        try:
            await future
        finally:
            task.remove_done_callback(set_future)


def _set(future: "asyncio.Future[None]", _: object) -> None:
    if not future.done():
        future.set_result(None)


async def run_checks(
    checks: Sequence[Check],
    context: Context,
    *,
    deadline: float | None = None,
    gap: float = 0.0,
) -> AsyncIterator[Result]:
    """Run checks at the same time; yields each result as it comes.

    With a ``gap`` in seconds they start one after the other, those that may take long first, so
    that none measures while all others resolve, connect and shake hands; ``deadline`` counts
    from the first start.
    """
    order = sorted(checks, key=lambda check: -check.table.deadline) if gap else checks
    tasks = [
        asyncio.create_task(_run_after(number * gap, check, context, deadline))
        for number, check in enumerate(order)
    ]
    try:
        for finished in asyncio.as_completed(tasks):
            yield await finished
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _run_after(
    seconds: float, check: Check, context: Context, deadline: float | None
) -> Result:
    if seconds:
        await asyncio.sleep(seconds)
    left = None if deadline is None else max(deadline - seconds, deadline / 2)
    return await run_check(check, context, deadline=left)


def _without_descriptors(check: Check, context: Context) -> Result:
    """A check that isn't started, so that notifications and the web server have what is left."""
    shortages(context).note("file descriptors", context.clock())
    message = "not run: this machine is short of file descriptors"
    hint = HINTS[Cause.OWN_RESOURCES]
    return Result(
        check=check.name,
        status=Status.UNKNOWN,
        started_at=_utc(context.now()),
        duration=0.0,
        failure=Failure("start", Cause.OWN_RESOURCES, message, hint),
    )


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


async def _cancel(task: asyncio.Task[None], context: Context) -> None:
    task.cancel()
    # The clean-up task is owned by the context, and delays the result only briefly.
    await context.closing.close(_finish(task), timeout=GRACE_SECONDS)


async def _finish(task: asyncio.Task[None]) -> None:
    try:
        await asyncio.wait({task})
    finally:
        task.cancel()
        await asyncio.wait({task})
    if not task.cancelled():
        # Retrieved, or asyncio complains about it when the task is collected.
        task.exception()


def _common(status: Status, duration: float) -> tuple[Sample, ...]:
    if status is Status.UNKNOWN:
        return ()
    return (Sample(SUCCESS, float(status is Status.OK)), Sample(DURATION, duration))
