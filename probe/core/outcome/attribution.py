"""Whose fault the end of a run is: the target's, this process's or this machine's.

A run that waited too long for its turn, was disturbed by a stall or a set clock, or lacked what
this machine should have had says nothing of its target. What is left is the target's.
"""

import asyncio
import logging
import traceback

from msgspec import Struct

from probe.core.causes import CLOCK_PRONE, HINTS, OF_THIS_MACHINE, STALL_PRONE, Cause
from probe.core.context import Context
from probe.core.kind import Check
from probe.core.model import CheckAborted, CheckFailed, Failure, Status
from probe.core.outcome.stall import Disturbance
from probe.core.recorder import Recorder
from probe.core.resources import lacks_descriptors, shortage_of, shortages
from probe.core.tables.run_time import lacks_time

logger = logging.getLogger(__name__)

QUEUED_SHARE = 0.95
"""What had less than this share of its deadline to itself says nothing of the target."""

Outcome = tuple[Failure | None, Status]


class EndedRun(Struct, frozen=True, gc=False):
    """One run that is over: ``limit`` is the deadline that was in force and ``duration`` what it
    took, in seconds without the wait for a slot; ``task`` is None where it was cut off."""

    check: Check
    record: Recorder
    limit: float
    duration: float
    task: "asyncio.Task[None] | None"


def attributed(run: EndedRun, disturbance: Disturbance, context: Context) -> Outcome:
    """How a run ended: its failure, which is None where it passed, and its status."""
    failure, status = _cut_off(run) if run.task is None else _ending(run.task, run)
    if failure is None:
        return failure, status
    failure, status = _unless_disturbed(failure, status, run, disturbance)
    kind = _shortage(run.task, status)
    if not kind:
        return failure, status
    shortages(context).note(kind, context.clock())
    return _own_shortage(failure, kind), Status.UNKNOWN


def _cut_off(run: EndedRun) -> tuple[Failure, Status]:
    record = run.record
    if record.queued > 0 and run.duration < QUEUED_SHARE * run.limit:
        return _queued_too_long(run), Status.UNKNOWN
    if run.limit < (needed := run.check.table.needed_seconds):
        return lacks_time(needed, run.limit, record.current), Status.UNKNOWN
    message, hint = record.cut_off(run.limit)
    status = Status.UNKNOWN if run.check.kind.third_party else Status.FAILED
    return Failure(record.current, Cause.DEADLINE, message, hint), status


def _queued_too_long(run: EndedRun) -> Failure:
    """The end of a run that had less than its own deadline for the target."""
    record, cause = run.record, Cause.OWN_RESOURCES
    phase = "queue" if record.ended_in_queue else record.current
    left = f"{run.duration:.1f} s of its {run.limit:g} s" if run.duration >= 0.05 else "no time"
    message = f"waited {record.queued:.0f} s for checks with the same credentials: {left} left"
    return Failure(phase, cause, message, record.queue_hint or HINTS[cause])


def _ending(task: "asyncio.Task[None]", run: EndedRun) -> Outcome:
    if task.cancelled():
        error: BaseException | None = RuntimeError("the check cancelled itself")
    else:
        error = task.exception()
    if error is None:
        return None, Status.OK
    if isinstance(error, CheckAborted):
        is_its = isinstance(error, CheckFailed) and error.cause not in OF_THIS_MACHINE
        status = Status.FAILED if is_its else Status.UNKNOWN
        phase = error.phase or run.record.current
        return Failure(phase, error.cause, error.message, error.hint), status
    # The text of a library's exception may contain a secret: only its type and traceback.
    frames = "".join(traceback.format_tb(error.__traceback__))
    level = logging.DEBUG if shortage_of(error) else logging.ERROR
    logger.log(level, "check %s: unexpected %s\n%s", run.check.name, type(error).__name__, frames)
    message = f"unexpected {type(error).__name__}"
    cause = Cause.INTERNAL_ERROR
    return Failure(run.record.current, cause, message, HINTS[cause]), Status.UNKNOWN


def _unless_disturbed(
    failure: Failure, status: Status, run: EndedRun, disturbance: Disturbance
) -> tuple[Failure, Status]:
    """A failure that this process may have caused itself is not attributed to the target."""
    if status is not Status.FAILED:
        return failure, status
    record = run.record
    # The seconds of a run, with its wait where it had nothing else.
    whole = run.duration + record.queued if record.ended_in_queue else run.duration
    if failure.cause in STALL_PRONE and disturbance.stalled(whole):
        stalled_for = max(disturbance.longest, disturbance.suspended, disturbance.total)
        reason = f"the probe's process was stalled for {stalled_for:.1f} s of the run"
    elif failure.cause in CLOCK_PRONE and disturbance.stepped:
        reason = f"the clock was set by {disturbance.clock_step:+.0f} s during the run"
    else:
        return failure, status
    cause = Cause.OWN_STALL
    message = f"{failure.message}; {reason}"
    return Failure(failure.phase, cause, message, HINTS[cause]), Status.UNKNOWN


def _shortage(task: "asyncio.Task[None] | None", status: Status) -> str:
    """What this machine was short of when a check failed; empty: nothing."""
    error = None if task is None or task.cancelled() else task.exception()
    kind = shortage_of(error) if error is not None else ""
    if not kind and status is Status.FAILED and lacks_descriptors(0):
        return "file descriptors"
    return kind


def _own_shortage(failure: Failure, kind: str) -> Failure:
    """A failure for which this machine lacked something."""
    message = failure.message
    if failure.cause is not Cause.OWN_RESOURCES:
        message = f"this machine is short of {kind} ({message})"
    return Failure(failure.phase, Cause.OWN_RESOURCES, message, HINTS[Cause.OWN_RESOURCES])
