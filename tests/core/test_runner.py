"""Whatever a check does becomes one result, in its own time."""

import asyncio
import logging

import pytest

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import Result, Status
from probe.core.recorder import Recorder
from probe.core.runner import run_check, run_checks
from tests.fake_kind import TOY_SECONDS, ToyTable, toy, toy_kind


async def test_a_check_that_works_is_ok_with_phases_and_samples() -> None:
    result = await run_check(toy(), Context())
    assert (result.status, result.failure) == (Status.OK, None)
    assert list(result.phases) == ["play", "finish"]
    names = [sample.signal.name for sample in result.samples]
    assert names == ["probe_success", "probe_duration_seconds", TOY_SECONDS.name]


@pytest.mark.parametrize(
    ("does", "status", "cause"),
    [
        ("fail", Status.FAILED, Cause.HTTP_STATUS),
        ("unknown", Status.UNKNOWN, Cause.RATE_LIMITED),
        ("raise", Status.UNKNOWN, Cause.INTERNAL_ERROR),
        ("hang", Status.FAILED, Cause.DEADLINE),
        ("cling", Status.FAILED, Cause.DEADLINE),
    ],
)
async def test_every_other_ending_is_a_result_too(does: str, status: Status, cause: Cause) -> None:
    context = Context()
    result = await run_check(toy(does=does, deadline=0.05), context)
    assert result.failure is not None
    assert (result.status, result.failure.cause) == (status, cause)
    assert result.failure.phase == "finish"
    assert result.failure.hint
    await context.closing.drain(timeout=0)


@pytest.mark.parametrize("lacks", ["own_network", "own_resources", "own_stall"])
async def test_what_this_machine_lacks_is_no_failure_whoever_raises_it(lacks: str) -> None:
    result = await run_check(toy(does="lack", lacks=lacks), Context())
    assert result.failure is not None
    assert (result.status, result.failure.cause) == (Status.UNKNOWN, lacks)


async def test_a_check_that_was_cut_off_keeps_what_it_had_measured() -> None:
    result = await run_check(toy(does="hang", deadline=0.05), Context())
    assert TOY_SECONDS.name in [sample.signal.name for sample in result.samples]
    assert result.phases["finish"] > 0


async def test_unknown_says_neither_success_nor_failure() -> None:
    result = await run_check(toy(does="unknown"), Context())
    assert "probe_success" not in [sample.signal.name for sample in result.samples]


async def test_the_words_of_an_unexpected_exception_stay_out_of_result_and_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG):
        result = await run_check(toy(does="raise"), Context())
    assert result.failure is not None
    assert "KeyError" in result.failure.message
    assert "run_toy" in caplog.text
    assert "hunter-2" not in result.failure.message + caplog.text


async def test_the_shorter_deadline_counts() -> None:
    result = await run_check(toy(does="hang", deadline=30), Context(), deadline=0.05)
    assert result.failure is not None
    assert result.failure.cause is Cause.DEADLINE


async def test_a_check_that_clings_holds_no_one_up() -> None:
    context = Context()
    started = context.clock()
    await run_check(toy(does="cling", deadline=0.05), context)
    assert context.clock() - started < 10
    assert context.closing.pending == 1
    assert await context.closing.drain(timeout=0) == 1
    assert context.closing.pending == 0


async def test_cancelling_a_run_cancels_its_checks() -> None:
    async def collect() -> list[Result]:
        checks = [toy("one", does="hang"), toy("two", does="hang")]
        return [result async for result in run_checks(checks, Context())]

    before = asyncio.all_tasks()
    task = asyncio.create_task(collect())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() == before


async def test_an_instrument_that_does_not_answer_in_time_says_nothing_of_the_target() -> None:
    check = toy(kind=toy_kind(third_party=True), does="hang", deadline=0.05)
    result = await run_check(check, Context())
    assert result.failure is not None
    assert (result.status, result.failure.cause) == (Status.UNKNOWN, Cause.DEADLINE)


async def _wait_then_hang(table: ToyTable, record: Recorder, context: Context) -> None:
    with record.queueing():
        await asyncio.sleep(table.seconds)
    with record.phase("finish"):
        await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("waits", "deadline", "status", "phase"),
    [
        # It never had its turn, it had a part of its time, and it had all of it.
        (60.0, 0.1, Status.UNKNOWN, "queue"),
        (0.05, 0.1, Status.UNKNOWN, "finish"),
        (0.05, None, Status.FAILED, "finish"),
    ],
)
async def test_time_that_other_checks_took_is_not_held_against_the_target(
    waits: float, deadline: float | None, status: Status, phase: str
) -> None:
    """A healthy TURN server "did not answer" after 0.2 ms, because another one was silent."""
    check = toy(kind=toy_kind(run=_wait_then_hang), seconds=waits, deadline=0.1)
    result = await run_check(check, Context(), deadline=deadline)
    assert result.failure is not None
    assert (result.status, result.failure.phase) == (status, phase)
    own = status is Status.UNKNOWN
    assert result.failure.cause is (Cause.OWN_RESOURCES if own else Cause.DEADLINE)
    assert ("checks with the same credentials" in result.failure.message) is own
