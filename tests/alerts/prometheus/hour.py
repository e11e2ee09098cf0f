"""An hour with faults on a clock of its own: what the daemon's parts make of it, and what a
Prometheus would have scraped meanwhile.
"""

import heapq
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from msgspec import Struct
from prometheus_client import CollectorRegistry

from alerts.evaluation.check_state import CheckStates
from alerts.model import Severity
from alerts.state.alert_store import AlertStore, Event
from alerts.state.machine import TransitionType
from probe.core.causes import HINTS, Cause
from probe.core.kind import Check
from probe.core.model import DURATION, SUCCESS, Failure, Result, Sample, Status
from probe.kinds.http.signals import RESPONSE
from probe.metrics.exporter import Exporter, expose
from tests.alerts.checks import plan_of_everything
from tests.clocks import Clock

HOUR = 3600
SCRAPE = 15
RUN_SECONDS = 0.2
_SERIES = re.compile(r"^(\S+?)(\{.*\})? (\S+)$")

# What fires, and at which level: (check, signal, severity) → times.
AlertKey = tuple[str, str, str]


class Fault(Struct, frozen=True):
    """What is wrong of some checks between two seconds; ``every``: one run of so many is well."""

    checks: str
    start: float
    end: float
    status: Status = Status.FAILED
    cause: Cause = Cause.SERVICE_DOWN
    seconds: float = 0.1
    every: int = 0


FAULTS = (
    Fault("health|ready", 300, 700),
    Fault("health", 900, 1000, every=2),
    Fault("health", 1100, 1125),
    Fault("turn-primary.*|call-.*primary.*", 1200, 2020, cause=Cause.CONNECT_REFUSED),
    Fault("turn-backup.*|turn-issued|call-backup.*|call-issued", 1300, 1750, cause=Cause.DEADLINE),
    Fault("health", 1400, 2200, Status.OK, seconds=1.5),
    Fault("health", 2000, 2300, Status.OK, seconds=3.0),
    Fault("frontend", 2000, 2700, Status.UNKNOWN, Cause.RATE_LIMITED),
    Fault("ready", 2700, 2780),
    Fault("ready", 2780, 2900, Status.UNKNOWN, Cause.RATE_LIMITED),
    Fault("turn-primary-udp", 2500, 3100, cause=Cause.HAIRPIN_FAILED),
    Fault("signaling", 2000, 2900, cause=Cause.DEADLINE),
)


@dataclass
class Hour:
    """``on``: when each alert was on, as the daemon's own parts have it (from, to; to is the end
    of the hour if it still fires). ``series``: one value or None for each scrape."""

    on: dict[AlertKey, list[list[float]]] = field(default_factory=dict)
    series: dict[str, list[float | None]] = field(default_factory=dict)


def lived() -> Hour:
    """Let the hour pass."""
    return _Life().live()


class _Life:
    def __init__(self) -> None:
        self.clock = Clock()
        self.checks = {check.name: check for check in plan_of_everything()}
        self.board, self.store = CheckStates(), AlertStore("lax")
        self.exporter = Exporter(
            region="lax", clock=self.clock, full=False, alerts=lambda: self.store.firing
        )
        self.board.set_checks(list(self.checks.values()))
        self.store.set_checks(list(self.checks.values()), 0.0)
        self.exporter.set_checks(self.checks.values())
        self.hour = Hour()
        self.runs: dict[str, int] = {}

    def live(self) -> Hour:
        turns = [(index * 0.5, name) for index, name in enumerate(self.checks)]
        turns += [(float(scrape), "") for scrape in range(0, HOUR + 1, SCRAPE)]
        heapq.heapify(turns)
        while turns:
            at, name = heapq.heappop(turns)
            if at > HOUR:
                break
            if not name:
                self._pass(at)
                self._scrape(int(at) // SCRAPE)
                continue
            check = self.checks[name]
            failed = self._run(check, at)
            again = RUN_SECONDS + check.retry if failed else check.interval
            heapq.heappush(turns, (at + again, name))
        self._close()
        return self.hour

    def _pass(self, until: float) -> None:
        """Timers go off when they are due."""
        while (due := self.store.next_time()) is not None and due <= until:
            self._note(self.store.tick(due))
            if self.store.next_time() == due:
                # A moment before its time, by the last digit; the daemon waits as long.
                self._note(self.store.tick(due + 0.01))
        self.clock.seconds = until

    def _run(self, check: Check, start: float) -> bool:
        end = start + RUN_SECONDS
        self._pass(end)
        result = self._result(check, start)
        changes = self.board.update(result, end, start)
        state = self.board.state(check.name)
        self.exporter.observe(result, state.evaluations if state else ())
        for name in {check.name, *(change.check.name for change in changes)}:
            stand = self.board.state(name)
            if stand is not None:
                self._note(
                    self.store.update(
                        self.checks[name],
                        stand.result,
                        stand.evaluations,
                        end,
                        backed_up=self.board.is_backed_up(name),
                    )
                )
        return result.status is Status.FAILED

    def _result(self, check: Check, start: float) -> Result:
        run = self.runs[check.name] = self.runs.get(check.name, 0) + 1
        fault = next(
            (
                each
                for each in reversed(FAULTS)
                if re.fullmatch(each.checks, check.name) and each.start <= start < each.end
            ),
            Fault("", 0, 0, Status.OK),
        )
        status = Status.OK if fault.every and run % fault.every == 0 else fault.status
        samples = [Sample(DURATION, RUN_SECONDS)]
        if status is not Status.UNKNOWN:
            samples.append(Sample(SUCCESS, float(status is Status.OK)))
        if check.kind.name == "http" and status is Status.OK:
            samples.append(Sample(RESPONSE, fault.seconds))
        cause = fault.cause
        failure = Failure("ask", cause, "it did not work", HINTS[cause])
        return Result(
            check=check.name,
            status=status,
            started_at=datetime.fromtimestamp(start, UTC),
            duration=RUN_SECONDS,
            samples=tuple(samples),
            failure=None if status is Status.OK else failure,
        )

    def _note(self, events: list[Event]) -> None:
        for event in events:
            turn, identity = event.transition.turn, event.alert.identity
            what = (identity.check, identity.rule)
            over = turn is TransitionType.RESOLVED
            grave = event.transition.severity is Severity.CRITICAL and not over
            self._turn((*what, "warning"), not over, event.transition.at)
            self._turn((*what, "critical"), grave, event.transition.at)

    def _turn(self, key: AlertKey, on: bool, at: float) -> None:
        spells = self.hour.on.setdefault(key, [])
        open_ = bool(spells) and len(spells[-1]) == 1
        if on and not open_:
            spells.append([at])
        elif open_ and not on:
            spells[-1].append(at)

    def _close(self) -> None:
        for spells in self.hour.on.values():
            if spells and len(spells[-1]) == 1:
                spells[-1].append(float(HOUR))

    def _scrape(self, index: int) -> None:
        for name, value in exported(self.exporter):
            column = self.hour.series.setdefault(name, [])
            column += [None] * (index - len(column))
            column.append(value)


def exported(exporter: Exporter) -> Iterator[tuple[str, float]]:
    """Every series of a scrape with its value, and what a server adds itself."""
    return _values(expose(exporter, CollectorRegistry(), None)[0].decode())


def _values(text: str) -> Iterator[tuple[str, float]]:
    place = '{job="probe",instance="lax:9091"'
    yield f"up{place}}}", 1.0
    yield f'probe_build_info{place},region="lax"}}', 1.0
    for line in text.splitlines():
        found = _SERIES.match(line)
        if found is not None and not line.startswith("#"):
            labels = f'{{job="probe",instance="lax:9091",{(found[2] or "{")[1:]}'
            yield found[1] + labels, float(found[3])


def notation(values: list[float | None]) -> str:
    """Values as promtool reads them; what is no longer exported is marked stale, as a scrape
    does."""
    words: list[str] = []
    there = False
    for value in values:
        words.append(f"{value:.10g}" if value is not None else "stale" if there else "_")
        there = value is not None
    return " ".join([*words, "stale"] if len(values) <= HOUR // SCRAPE else words)
