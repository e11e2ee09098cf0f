"""What is exported: the library's own lines, nothing stale, nothing unbounded."""

import asyncio
import math
import re
import subprocess
from collections.abc import Awaitable, Mapping
from typing import Any

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from probe.core.causes import Cause
from probe.core.model import COMMON, DURATION, SUCCESS, Result, Sample, Signal, Status, Unit
from probe.kinds import KINDS
from probe.metrics.exporter import Exporter, expose, expose_in_turns
from probe.metrics.histogram import BUCKETS
from tests import requirements
from tests.clocks import Clock
from tests.fake_kind import TOY_SECONDS, result_of, toy, toy_kind

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
WAIT = Signal("probe_toy_wait_seconds", Unit.SECONDS, "A wait.", labels=("side",), latency=True)
RELAYED_BYTES = Signal(
    "probe_toy_bytes_total", Unit.BYTES, "Spent.", labels=("side",), counter=True
)
KIND = toy_kind(signals=(TOY_SECONDS, WAIT, RELAYED_BYTES))


def exporter(*names: str, clock: Clock | None = None) -> Exporter:
    """An exporter that watches toys of these names."""
    made = Exporter(region="lax", clock=clock or Clock())
    made.set_checks([toy(name, KIND) for name in names or ("toy",)])
    return made


def run(
    check: str = "toy",
    status: Status = Status.OK,
    cause: Cause = Cause.HTTP_STATUS,
    values: Mapping[Signal, float] | None = None,
    waits: Mapping[str, float] | None = None,
) -> Result:
    """A result with the common samples, as the runner adds them."""
    result = result_of(check, status, cause, values)
    common = (Sample(SUCCESS, float(status is Status.OK)), Sample(DURATION, result.duration))
    sides = tuple(Sample(WAIT, value, {"side": side}) for side, value in (waits or {}).items())
    known = () if status is Status.UNKNOWN else common
    return replace(result, samples=(*known, *result.samples, *sides), phases={"play": 0.1})


def spending(amount: float, check: str = "b", status: Status = Status.OK) -> Result:
    """A run that spends something."""
    result = run(check, status)
    return replace(
        result, samples=(*result.samples, Sample(RELAYED_BYTES, amount, {"side": "left"}))
    )


def text(made: Exporter, accept: str | None = None) -> str:
    """The page that a scrape gets."""
    return expose(made, CollectorRegistry(), accept)[0].decode()


def values(made: Exporter, name: str) -> dict[str, float]:
    """The values of one metric by the labels that are its own."""
    found = {}
    for line in text(made).splitlines():
        if (match := re.fullmatch(rf"{name}\{{(.*)\}} (\S+)", line)) is not None:
            labels = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[1])
            own = [value for label, value in labels if label not in ("check", "kind", "target")]
            found[" ".join(value for value in own if value != "lax")] = float(match[2])
    return found


@pytest.mark.parametrize("accept", [None, OPENMETRICS])
def test_it_writes_byte_for_byte_what_the_library_would(accept: str | None) -> None:
    made = exporter("a", "b")
    made.observe(run("a", values={TOY_SECONDS: 1e-7}, waits={"left": 0.2, 'ri"gh\\t\n': 3.0}))
    made.observe(run("a", Status.FAILED, values={TOY_SECONDS: 1e20}))
    made.observe(spending(3.0))
    made.observe(run("b", Status.UNKNOWN, Cause.OWN_NETWORK))
    made.observe(run("b", values={TOY_SECONDS: math.inf}, waits={"left": math.nan}))
    registry = CollectorRegistry()
    registry.register(made)
    write: Any = generate_openmetrics if accept else generate_latest  # without annotations
    library = write(registry)
    assert text(made, accept) == library.decode()


def test_openmetrics_is_what_a_strict_parser_takes() -> None:
    made = exporter()
    made.observe(run(waits={"left": 0.2}))
    parse: Any = text_string_to_metric_families  # without annotations
    families = list(parse(text(made, OPENMETRICS)))
    assert {family.name for family in families} >= {"probe_success", "probe_runs"}


def test_a_check_that_has_not_run_shows_its_counters_at_zero() -> None:
    made = exporter()
    assert values(made, "probe_runs_total") == {"ok": 0.0, "failed": 0.0, "unknown": 0.0}
    assert "probe_success{" not in text(made)


def test_a_failure_shows_its_phase_and_cause_until_it_is_over() -> None:
    made = exporter()
    made.observe(run(status=Status.FAILED, cause=Cause.AUTH_REJECTED))
    assert values(made, "probe_success") == {"": 0.0}
    assert values(made, "probe_failure_info") == {"auth_rejected finish": 1.0}
    made.observe(run())
    assert values(made, "probe_success") == {"": 1.0}
    assert values(made, "probe_failure_info") == {}
    assert values(made, "probe_failures_total") == {"auth_rejected finish": 1.0}


def test_what_runs_add_up_to_is_a_counter_that_never_falls_and_outlives_its_checks_silence() -> (
    None
):
    clock = Clock()
    made = exporter("b", clock=clock)
    for amount, status in ((100.0, Status.OK), (20.0, Status.FAILED), (3.0, Status.UNKNOWN)):
        made.observe(spending(amount, status=status))
    for amount in (-5.0, math.nan, math.inf):
        made.observe(spending(amount))
    assert values(made, "probe_toy_bytes_total") == {"left": 123.0}
    assert "# TYPE probe_toy_bytes_total counter" in text(made)
    assert "# TYPE probe_toy_bytes counter" in text(made, OPENMETRICS)
    clock.seconds += 86400
    assert values(made, "probe_success") == {}
    assert values(made, "probe_toy_bytes_total") == {"left": 123.0}


def test_what_was_not_measured_disappears() -> None:
    made = exporter()
    made.observe(run(values={TOY_SECONDS: 1.0}, waits={"left": 0.2}))
    made.observe(run(status=Status.UNKNOWN, cause=Cause.RATE_LIMITED))
    assert values(made, "probe_success") == {}
    assert values(made, "probe_toy_seconds") == {}
    assert values(made, "probe_toy_wait_seconds") == {}
    assert values(made, "probe_runs_total")["unknown"] == 1.0


def test_what_no_one_measures_any_more_goes_stale_and_then_away() -> None:
    clock = Clock()
    made = exporter(clock=clock)
    made.observe(run(values={TOY_SECONDS: 1.0}))
    clock.pass_(180)
    assert values(made, "probe_toy_seconds") == {"": 1.0}
    clock.pass_(20)
    assert values(made, "probe_toy_seconds") == {}
    assert "probe_last_run_timestamp_seconds{" in text(made)


def test_a_check_that_is_gone_leaves_nothing_behind() -> None:
    made = exporter("a", "b")
    made.observe(run("a"))
    made.set_checks([toy("b", KIND)])
    made.observe(run("a"))
    assert 'check="a"' not in text(made)
    assert 'check="b"' in text(made)


def test_histograms_keep_all_runs() -> None:
    made = exporter()
    for seconds in (0.0005, 0.2, 0.2001, 99.0):
        made.observe(run(waits={"left": seconds}))
    name = "probe_toy_wait_histogram_seconds"
    buckets = values(made, f"{name}_bucket")
    assert buckets["0.001 left"] == 1.0
    assert buckets["0.2 left"] == 2.0
    assert buckets["0.5 left"] == buckets["10.0 left"] == 3.0
    assert buckets["+Inf left"] == values(made, f"{name}_count")["left"] == 4.0
    assert values(made, f"{name}_sum")["left"] == pytest.approx(99.4006)


def test_buckets_resolve_the_thresholds() -> None:
    limits = {
        limit
        for kind in KINDS
        for threshold in kind.thresholds
        if threshold.signal.latency
        for limit in (threshold.limits.objective, threshold.limits.warning)
        if limit is not None
    }
    assert limits <= set(BUCKETS)
    assert BUCKETS[0] == 0.001
    assert BUCKETS[-2:] == (10.0, math.inf)


def test_every_latency_of_every_kind_is_a_waiting_time_in_seconds() -> None:
    for signal in {*COMMON, *(signal for kind in KINDS for signal in kind.signals)}:
        assert not signal.latency or signal.unit is Unit.SECONDS
    latencies = {signal.name for kind in KINDS for signal in kind.signals if signal.latency}
    assert "probe_turn_relay_overhead_seconds" not in latencies  # it can be negative
    assert "probe_ssl_certificate_remaining_seconds" not in latencies


def test_promtool_has_nothing_to_say_but_of_the_word_histogram() -> None:
    """``…_histogram_seconds`` is our contract: a gauge has the plain name already."""
    promtool = requirements.program("promtool", part="prometheus")
    made = exporter("a", "b")
    for name in ("a", "b"):
        made.observe(run(name, values={TOY_SECONDS: 1.0}, waits={"left": 0.2}))
        made.observe(run(name, Status.FAILED))
    command = [promtool, "check", "metrics"]
    done = subprocess.run(command, input=text(made), capture_output=True, text=True, timeout=30)
    said = [line for line in (done.stdout + done.stderr).splitlines() if line]
    assert said
    assert all("should not include type 'histogram'" in line for line in said), said


async def turns_of(work: Awaitable[object]) -> int:
    """How many turns others have meanwhile."""
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(count())
    await work
    other.cancel()
    await asyncio.wait({other})
    return turns


async def test_others_run_while_many_results_are_written_and_gathered() -> None:
    names = [f"t{number}" for number in range(100)]
    made = exporter(*names)
    for name in names:
        made.observe(run(name))
    assert await turns_of(made.gather()) >= 10
    assert await turns_of(made.gather()) >= 2  # what is written is gathered in turns too
    assert text(made).count("probe_success{") == 100


@pytest.mark.parametrize("accept", [None, OPENMETRICS])
async def test_a_page_that_is_gathered_in_turns_is_the_same(accept: str | None) -> None:
    names = [f"t{number}" for number in range(30)]
    made = exporter(*names)
    for name in names:
        made.observe(run(name, values={TOY_SECONDS: 1.0}, waits={"left": 0.2}))
    page = await expose_in_turns(made, CollectorRegistry(), accept)
    assert page == expose(made, CollectorRegistry(), accept)


async def test_checks_may_be_removed_while_a_page_is_gathered() -> None:
    names = [f"t{number}" for number in range(100)]
    made = exporter(*names)
    for name in names:
        made.observe(run(name))
    gathering = asyncio.create_task(expose_in_turns(made, CollectorRegistry(), None))
    await asyncio.sleep(0)
    made.set_checks([])
    page, _ = await gathering
    assert page.count(b"probe_success{") == 100
    assert "probe_success{" not in text(made)
