"""A latency that is to a good part the probe's own breaks no threshold."""

import asyncio
import time

import pytest
from prometheus_client import CollectorRegistry

from alerts.evaluation.verdict import evaluate
from probe.core import runner
from probe.core.context import Context
from probe.core.kind import Check, CheckConfig, DerivedChecks, Kind
from probe.core.model import Aggregation, Limits, Result, Sample, Signal, Threshold, Unit, Verdict
from probe.core.outcome.stall import StallWatch
from probe.core.recorder import Recorder
from probe.core.runner import run_check
from probe.metrics.exporter import Exporter, expose
from probe.report.json.fields import sample_part
from tests.clocks import Clock
from tests.fake_kind import ToyEnvironment


@pytest.fixture(autouse=True)
def _with_stalls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here what a busy machine does is tested."""
    monkeypatch.setattr(runner, "StallWatch", StallWatch)


ANSWER = Signal("probe_toy_answer_seconds", Unit.SECONDS, "An answer.", latency=True)
SIZE = Signal("probe_toy_size_bytes", Unit.BYTES, "No latency.")


class Toy(CheckConfig):
    """A table without keys of its own."""

    @property
    def target(self) -> str:
        return "toy://"


def kind_that_waits(waits: float, blocks: float) -> Kind[ToyEnvironment, Toy]:
    """Measures a wait in which the event loop is blocked for a while."""

    async def run(_: Toy, record: Recorder, __: Context) -> None:
        began = record.clock()
        await asyncio.sleep(waits)
        time.sleep(blocks)  # noqa: ASYNC251  (what a starved core looks like)
        record.sample(ANSWER, record.clock() - began)
        record.sample(SIZE, record.clock() - began)

    return Kind(
        name="toy",
        summary="",
        environment=ToyEnvironment,
        table=Toy,
        derive=lambda _: DerivedChecks(),
        run=run,
        signals=(ANSWER, SIZE),
    )


async def result_of(waits: float, blocks: float) -> tuple[Check, Result]:
    """A run of such a check, and the check."""
    table = Toy.model_validate({"name": "toy", "deadline": 20.0})
    check = Check(kind_that_waits(waits, blocks), table)
    return check, await run_check(check, Context())


def named(result: Result, signal: Signal) -> Sample:
    """The sample of a signal."""
    (found,) = [each for each in result.samples if each.signal == signal]
    return found


async def test_a_wait_in_which_the_loop_was_blocked_is_disturbed() -> None:
    _, result = await result_of(0.02, 0.2)
    assert named(result, ANSWER).disturbed
    assert not named(result, SIZE).disturbed


async def test_it_is_marked_in_json_and_metrics() -> None:
    check, result = await result_of(0.02, 0.2)
    assert sample_part(named(result, ANSWER))["disturbed"] is True
    assert "disturbed" not in sample_part(named(result, SIZE))
    exporter = Exporter(region="lax")
    exporter.set_checks([check])
    exporter.observe(result)
    text = expose(exporter, CollectorRegistry(), None)[0].decode()
    (line,) = [each for each in text.splitlines() if each.startswith("probe_sample_disturbed{")]
    assert 'signal="probe_toy_answer_seconds"' in line
    assert float(line.rpartition(" ")[2]) == 1


def ticks(watch: StallWatch, clock: Clock, *late: float) -> None:
    """Ticks that are so many seconds late."""
    for each in late:
        clock.pass_(0.02 + each)
        watch.tick()
        watch._schedule()


@pytest.mark.parametrize(
    ("late", "seconds", "disturbed"),
    [
        ((0.0,) * 20, 0.3, False),
        # A tenth of a second within 0.3.
        ((0.0, 0.0, 0.1, 0.0), 0.3, True),
        # The same within a second.
        ((0.0,) * 40 + (0.1,), 1.0, False),
        # Before the measurement began.
        ((0.1,) + (0.0,) * 10, 0.1, False),
        # Many small ones.
        ((0.01,) * 20, 0.3, True),
        # So little that any loop has it.
        ((0.001,) * 20, 0.3, False),
    ],
)
async def test_lateness_counts_by_its_share_of_what_was_measured(
    late: tuple[float, ...], seconds: float, disturbed: bool
) -> None:
    clock = Clock(1000.0)
    watch = StallWatch(clock)
    run = watch.begin()
    ticks(watch, clock, *late)
    assert watch.disturbs(seconds) is disturbed
    run.end()


async def test_a_loop_that_is_blocked_at_this_moment_counts_before_its_tick() -> None:
    clock = Clock(1000.0)
    watch = StallWatch(clock)
    run = watch.begin()
    clock.pass_(0.5)
    assert watch.disturbs(0.5)
    run.end()


@pytest.mark.parametrize("alone", [True, False])
async def test_a_loop_that_was_blocked_before_a_run_is_no_standstill_of_it(alone: bool) -> None:
    clock = Clock(1000.0)
    watch = StallWatch(clock)
    earlier = watch.begin()
    if alone:
        earlier.end()
    clock.pass_(3.0)
    run = watch.begin()
    clock.pass_(0.1)
    assert run.end().longest == pytest.approx(0.1)
    if not alone:
        assert earlier.end().longest == pytest.approx(2.98)


def sample(value: float, *, disturbed: bool = False, values: tuple[float, ...] = ()) -> Sample:
    """A sample of the latency."""
    return Sample(ANSWER, value, values=values, disturbed=disturbed)


LAST = Threshold(ANSWER, Limits(objective=0.1, warning=0.5, critical=1.0))
P95 = Threshold(
    ANSWER, Limits(warning=0.5), aggregation=Aggregation.P95, window=300.0, minimum_samples=3
)


@pytest.mark.parametrize(
    ("threshold", "samples", "verdict"),
    [
        (LAST, [sample(2.0)], Verdict.CRITICAL),
        (LAST, [sample(2.0, disturbed=True)], Verdict.UNKNOWN),
        (LAST, [sample(0.2, disturbed=True)], Verdict.UNKNOWN),
        (LAST, [sample(0.05, disturbed=True)], Verdict.OK),
        (P95, [sample(0.1), sample(0.1), sample(2.0, disturbed=True)], Verdict.UNKNOWN),
        (P95, [sample(0.1)] * 3 + [sample(2.0, disturbed=True)], Verdict.OK),
        (P95, [sample(2.0)] * 3 + [sample(0.1, disturbed=True)], Verdict.WARNING),
        (P95, [sample(2.0, disturbed=True, values=(2.0,) * 9)], Verdict.UNKNOWN),
    ],
)
def test_it_may_be_within_a_limit_and_breaks_none(
    threshold: Threshold, samples: list[Sample], verdict: Verdict
) -> None:
    (found,) = evaluate("toy", threshold, samples)
    assert found.verdict is verdict
