"""Runs checks: enforces the deadline, measures the duration, and turns every outcome into a result.

A kind only measures. Whatever it does (return, raise, hang) becomes one Result, so that
one-shot runs and the daemon see the same thing.
"""

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from functools import partial

from probe.core.causes import CLOCK_PRONE, HINTS, STALL_PRONE, Cause
from probe.core.context import Context
from probe.core.kind import Check, CheckConfig
from probe.core.model import (
    DURATION,
    SUCCESS,
    CheckAborted,
    CheckFailed,
    Failure,
    Result,
    Sample,
    Status,
)
from probe.core.recorder import Recorder
from probe.core.resources import FreeDescriptors, lacks_descriptors, shortage_of, shortages
from probe.core.safe_result import safe_result
from probe.core.stall import Disturbance, StallWatch
from probe.untrusted.text import redacting

logger = logging.getLogger(__name__)

# How long a cancelled check may take to clean up before it continues in the background.
GRACE_SECONDS = 0.5
MAX_QUEUED = 120.0
"""Seconds that a run may take including the wait for a slot."""
QUEUED_SHARE = 0.95
"""What had less than this share of its deadline to itself says nothing of the target."""


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
        await _until_done(task, record, limit, _longest(deadline, most))
        cut_off = not task.done()
        duration = context.clock() - started - record.queued
    finally:
        if not task.done():
            await _cancel(task, context)
        disturbance = watch.end()
    found = _cut_off(record, limit, duration, check) if cut_off else _ending(task, record, check)
    failure, status = _blame_own_process(*found, disturbance, _whole(record, duration))
    failure, status = _blame_shortage(failure, status, None if cut_off else task, context)
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
    task: "asyncio.Task[None]", record: Recorder, limit: float, most: float
) -> None:
    """Wait until the check is done or its deadline is exceeded. Time spent waiting for a slot
    doesn't count, but the whole run takes no longer than the larger of ``most`` and its limit."""
    started, loop = record.clock(), asyncio.get_running_loop()
    while not task.done():
        spent = record.clock() - started
        left = min(limit + record.queued - spent, max(limit, most) - spent)
        if left <= 0:
            return
        future = loop.create_future()
        timer = loop.call_later(left, _set, future)
        set_future = partial(_set, future)
        task.add_done_callback(set_future)
        try:
            await future
        finally:
            timer.cancel()
            task.remove_done_callback(set_future)


def _set(future: "asyncio.Future[None]", _: object = None) -> None:
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


def _blame_shortage(
    failure: Failure | None, status: Status, task: "asyncio.Task[None] | None", context: Context
) -> tuple[Failure | None, Status]:
    """A failure for which this machine lacked something is not attributed to the target; ``task``
    is None where the check was cut off."""
    if failure is None or not (kind := _shortage(task, status)):
        return failure, status
    shortages(context).note(kind, context.clock())
    return _own_shortage(failure, kind), Status.UNKNOWN


def _shortage(task: "asyncio.Task[None] | None", status: Status) -> str:
    """What this machine was short of when a check failed; empty: nothing."""
    error = None if task is None or task.cancelled() else task.exception()
    kind = shortage_of(error) if error is not None else ""
    if not kind and status is Status.FAILED and lacks_descriptors(0):
        return "file descriptors"
    return kind


def _own_shortage(failure: Failure, kind: str) -> Failure:
    message = failure.message
    if failure.cause is not Cause.OWN_RESOURCES:
        message = f"this machine is short of {kind} ({message})"
    return Failure(failure.phase, Cause.OWN_RESOURCES, message, HINTS[Cause.OWN_RESOURCES])


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


async def _cancel(task: asyncio.Task[None], context: Context) -> None:
    task.cancel()
    # The clean-up task is owned by the context, and delays the result only briefly.
    await context.closing.close(_finish(task), timeout=GRACE_SECONDS)


async def _finish(task: asyncio.Task[None]) -> None:
    await asyncio.wait({task})
    if not task.cancelled():
        # Retrieved, or asyncio complains about it when the task is collected.
        task.exception()


def _whole(record: Recorder, duration: float) -> float:
    """The seconds of a run, with its wait where it had nothing else."""
    return duration + record.queued if record.ended_in_queue else duration


def _cut_off(
    record: Recorder, limit: float, duration: float, check: Check
) -> tuple[Failure | None, Status]:
    if record.queued > 0 and duration < QUEUED_SHARE * limit:
        return _queued_too_long(record, limit, duration), Status.UNKNOWN
    message = f"no answer within {limit:g} s"
    hint = record.hint or HINTS[Cause.DEADLINE]
    status = Status.UNKNOWN if check.kind.third_party else Status.FAILED
    return Failure(record.current, Cause.DEADLINE, message, hint), status


def _queued_too_long(record: Recorder, limit: float, duration: float) -> Failure:
    """The end of a run that had less than its own deadline for the target."""
    cause, phase = Cause.OWN_RESOURCES, "queue" if record.ended_in_queue else record.current
    left = f"{duration:.1f} s of its {limit:g} s" if duration >= 0.05 else "no time"
    message = f"waited {record.queued:.0f} s for checks with the same credentials: {left} left"
    return Failure(phase, cause, message, record.queue_hint or HINTS[cause])


def _ending(
    task: asyncio.Task[None], record: Recorder, check: Check
) -> tuple[Failure | None, Status]:
    if task.cancelled():
        error: BaseException | None = RuntimeError("the check cancelled itself")
    else:
        error = task.exception()
    if error is None:
        return None, Status.OK
    if isinstance(error, CheckAborted):
        status = Status.FAILED if isinstance(error, CheckFailed) else Status.UNKNOWN
        phase = error.phase or record.current
        return Failure(phase, error.cause, error.message, error.hint), status
    # The text of a library's exception may contain a secret: only its type and traceback.
    frames = "".join(traceback.format_tb(error.__traceback__))
    level = logging.DEBUG if shortage_of(error) else logging.ERROR
    logger.log(level, "check %s: unexpected %s\n%s", check.name, type(error).__name__, frames)
    message = f"unexpected {type(error).__name__}"
    cause = Cause.INTERNAL_ERROR
    return Failure(record.current, cause, message, HINTS[cause]), Status.UNKNOWN


def _blame_own_process(
    failure: Failure | None, status: Status, disturbance: Disturbance, duration: float
) -> tuple[Failure | None, Status]:
    """A failure that this process may have caused itself is not attributed to the target."""
    if failure is None or status is not Status.FAILED:
        return failure, status
    if failure.cause in STALL_PRONE and disturbance.stalled(duration):
        stalled_for = max(disturbance.longest, disturbance.suspended, disturbance.total)
        reason = f"the probe's process was stalled for {stalled_for:.1f} s of the run"
    elif failure.cause in CLOCK_PRONE and disturbance.stepped:
        reason = f"the clock was set by {disturbance.clock_step:+.0f} s during the run"
    else:
        return failure, status
    cause = Cause.OWN_STALL
    message = f"{failure.message}; {reason}"
    return Failure(failure.phase, cause, message, HINTS[cause]), Status.UNKNOWN


def _common(status: Status, duration: float) -> tuple[Sample, ...]:
    if status is Status.UNKNOWN:
        return ()
    return (Sample(SUCCESS, float(status is Status.OK)), Sample(DURATION, duration))
