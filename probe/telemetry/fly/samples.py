"""From answers of Fly's APIs to samples."""

import logging
from collections.abc import Iterable, Mapping, Sequence

from probe.core.context import Context
from probe.core.model import Limits, Signal
from probe.core.recorder import Recorder
from probe.telemetry.fly import queries as q
from probe.telemetry.fly import signals as f
from probe.telemetry.fly.machines import MAX_MACHINES, Exit, Machine, MachineState
from probe.telemetry.promql import Series
from probe.telemetry.shared_signals import ERROR_RATIO, FLY, MEMORY, REQUEST_P95, RESTARTS

logger = logging.getLogger(__name__)

HOUR = 3600.0
Answers = Mapping[str, Sequence[Series]]


def write_requests(answers: Answers, record: Recorder) -> None:
    """Errors and response time, of everything and by region. No requests: no data."""
    requests, errors = _by_region(answers[q.REQUESTS]), _by_region(answers[q.ERRORS])
    total = sum(requests.values())
    record.sample(f.REQUESTS, total)
    if not total > 0:
        record.facts["requests"] = "none in five minutes: no error ratio, no p95"
        return
    record.sample_ratio(ERROR_RATIO, _share(sum(errors.values()), total), total, source=FLY)
    for region, count in requests.items():
        if count > 0:
            share = _share(errors.get(region, 0.0), count)
            record.sample_ratio(f.REGION_ERRORS, share, count, machine_region=region)
    for series in answers[q.P95]:
        record.sample_ratio(REQUEST_P95, series.value, total, source=FLY)
    for series in answers[q.REGION_P95][:MAX_MACHINES]:
        region = series.labels.get("region", "")
        record.sample_ratio(f.REGION_P95, series.value, total, machine_region=region)


def write_machines_metrics(answers: Answers, record: Recorder) -> None:
    """Memory, CPU and restarts of each machine."""
    used = _of_machines(answers[q.MEMORY_USED])
    for (machine, region), value in used.items():
        record.sample(MEMORY, value, source=FLY, machine=machine, machine_region=region)
    for (machine, region), total in _of_machines(answers[q.MEMORY_TOTAL]).items():
        record.sample(f.MEMORY_SIZE, total, machine=machine, machine_region=region)
        part = used.get((machine, region))
        if part is not None and total > 0:
            record.sample(f.MEMORY_RATIO, part / total, machine=machine, machine_region=region)
    plain: dict[str, Signal] = {q.CPU: f.CPU, q.THROTTLED: f.THROTTLED}
    for name, signal in plain.items():
        for (machine, region), value in _of_machines(answers[name]).items():
            record.sample(signal, value, machine=machine, machine_region=region)
    for (machine, region), value in _of_machines(answers[q.RESTARTS]).items():
        record.sample(RESTARTS, value, source=FLY, machine=machine, machine_region=region)


def warn_of_limits(
    app: str, answers: Answers, limits: Limits, record: Recorder, context: Context
) -> None:
    """A limit above the machine's memory can't be reached: said once for each size in the
    log, and for as long as it is so in the result."""
    given = [each for each in (limits.objective, limits.warning, limits.critical) if each]
    highest = max(given, default=0.0)
    for (machine, region), total in _of_machines(answers[q.MEMORY_TOTAL]).items():
        beyond = highest > total
        record.sample(f.UNREACHABLE, float(beyond), machine=machine, machine_region=region)
        if not beyond:
            continue
        message = (
            f"the limit of {highest / 1e6:.0f} MB can't be reached on {total / 1e6:.0f} MB; "
            "90 % of the machine is alerted on all the same"
        )
        record.facts["memory limit"] = message
        warned: set[tuple[float, float]] = context.get_or_create(("fly-limits", app), set)
        if (highest, total) not in warned:
            warned.add((highest, total))
            logger.warning("%s: %s", app, message)


def write_lost(
    up: Sequence[Series],
    vanished: Sequence[Series],
    machines: Iterable[Machine],
    record: Recorder,
) -> None:
    """Of the machines whose metrics have stopped, those that should run as Fly says. What
    Fly says has ended is reported by the check of the machines."""
    running = {each.id for each in machines if each.current_state is MachineState.UP}
    for (machine, region), _ in _of_machines(up).items():
        record.sample(f.LOST, 0.0, machine=machine, machine_region=region)
    for (machine, region), _ in _of_machines(vanished).items():
        if machine in running:
            record.sample(f.LOST, 1.0, machine=machine, machine_region=region)


def write_machines(machines: Sequence[Machine], now: float, record: Recorder) -> None:
    """The state of each machine, and how often it ended in the last hour; ``now`` in seconds
    since 1970."""
    for state in MachineState:
        count = sum(each.current_state is state for each in machines)
        record.sample(f.MACHINES, count, standing=state.value)
    for each in machines[:MAX_MACHINES]:
        labels = {"machine": each.id, "machine_region": each.region}
        if each.current_state in (MachineState.UP, MachineState.DOWN):
            record.sample(f.MACHINE_UP, float(each.current_state is MachineState.UP), **labels)
        since = now - HOUR
        record.sample(f.CRASHES, each.count((Exit.CRASH, Exit.OUT_OF_MEMORY), since), **labels)
        record.sample(f.OUT_OF_MEMORY, each.count((Exit.OUT_OF_MEMORY,), since), **labels)
        record.sample(f.STOPS, each.count((Exit.REQUESTED,), since), **labels)
        record.sample(f.CHECKS_FAILING, len(each.failing), **labels)
    failing = sorted({name for each in machines for name in each.failing})
    if failing:
        record.facts["checks failing"] = ", ".join(failing[:5])
    if len(machines) > MAX_MACHINES:
        record.facts["machines"] = f"{len(machines)}, of which {MAX_MACHINES} are shown"


def _by_region(found: Iterable[Series]) -> dict[str, float]:
    """Counts by region, at most 50 of them, and not below 0."""
    pairs = [(each.labels.get("region", ""), max(each.value, 0.0)) for each in found]
    return dict(sorted(pairs)[:MAX_MACHINES])


def _of_machines(found: Iterable[Series]) -> dict[tuple[str, str], float]:
    """Values by (machine, region), at most 50 of them, always the same ones."""
    values = {
        (each.labels.get("instance", ""), each.labels.get("region", "")): each.value
        for each in found
    }
    return dict(sorted(values.items())[:MAX_MACHINES])


def _share(part: float, whole: float) -> float:
    return min(part / whole, 1.0)
