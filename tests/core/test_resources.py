"""What this machine is short of is not the target's fault."""

import errno
import sys
from typing import Any

import pytest

from probe.core import resources
from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckFailed, Status
from probe.core.recorder import Recorder
from probe.core.resources import PLENTY_SECONDS, FreeDescriptors, shortage_of, shortages
from probe.core.runner import run_check
from tests.fake_kind import toy, toy_kind


def failing_with(error: BaseException) -> Any:
    """A kind whose run translates an error of the system, as kinds do."""

    async def run(table: object, record: Recorder, context: Context) -> None:
        try:
            raise error
        except OSError:
            raise CheckFailed(Cause.CONNECT_FAILED, "no connection to example") from None

    return toy_kind(run=run)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EMFILE, "Too many open files"),
        OSError(errno.ENFILE, "Too many open files in system"),
        OSError(errno.ENOBUFS, "No buffer space available"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address"),
        OSError(errno.EAFNOSUPPORT, "Address family not supported"),
        MemoryError(),
        RuntimeError("can't start new thread"),
    ],
    ids=lambda error: f"{type(error).__name__} {getattr(error, 'errno', '')}",
)
async def test_a_shortage_here_is_unknown_with_a_cause_of_its_own(error: BaseException) -> None:
    context = Context()
    result = await run_check(toy(kind=failing_with(error)), context)
    assert result.status is Status.UNKNOWN
    assert result.failure is not None
    assert result.failure.cause is Cause.OWN_RESOURCES
    assert "short of" in result.failure.message
    assert shortages(context).counts.total() == 1


@pytest.mark.parametrize("code", [errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ECONNRESET])
async def test_what_the_target_does_is_its_fault(code: int) -> None:
    result = await run_check(toy(kind=failing_with(OSError(code, "no"))), Context())
    assert result.status is Status.FAILED


def test_an_address_that_was_tried_before_does_not_count() -> None:
    first = OSError(errno.EADDRNOTAVAIL, "no IPv6")
    last = ConnectionRefusedError(errno.ECONNREFUSED, "refused")
    last.__context__ = first
    assert shortage_of(last) == ""
    group = ExceptionGroup("all", [OSError(errno.EMFILE, "too many")])
    assert shortage_of(group) == "file descriptors"


def test_free_descriptors_are_counted_again_once_they_may_be_used_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, used, limit = 0.0, 10, 100
    monkeypatch.setattr(resources, "descriptor_limit", lambda: limit)
    monkeypatch.setattr(resources, "lacks_descriptors", lambda kept: used >= limit - kept)
    free = FreeDescriptors(lambda: now)
    assert not free.are_short()
    now, used = PLENTY_SECONDS, 60
    assert not free.are_short()
    used = 99  # more than half were used, so the answer did not last
    assert free.are_short()
    used = 10
    assert not free.are_short()


def test_a_thread_hands_the_interpreter_on_after_a_millisecond() -> None:
    before = sys.getswitchinterval()
    try:
        resources.hand_on_interpreter_soon()
        assert sys.getswitchinterval() == pytest.approx(0.001)
    finally:
        sys.setswitchinterval(before)
