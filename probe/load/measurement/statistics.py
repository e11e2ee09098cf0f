"""What a load has measured so far, of a bounded size; shares of workers are merged."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed
from probe.load.measurement.histogram import LatencyHistogram
from probe.load.measurement.own_share import OwnShare
from probe.load.measurement.timeline import Timeline
from probe.load.plan import LoadPlan, Spending
from probe.untrusted.text import excerpt

ITERATION = "iteration"
"""All steps of one user together."""


@dataclass
class StepStatistics:
    """One step: ``latency`` of what passed, in seconds; ``response`` the same from the intended
    start of an open model; ``own`` are the seconds and wake-ups of our own tasks in all of it."""

    passed: int = 0
    failed: int = 0
    not_measured: int = 0
    latency: LatencyHistogram = field(default_factory=LatencyHistogram)
    response: LatencyHistogram = field(default_factory=LatencyHistogram)
    own_cpu: float = 0.0
    wake_ups: int = 0

    @property
    def attempts(self) -> int:
        """How often the step was begun and not cut off."""
        return self.passed + self.failed + self.not_measured


class ErrorKey(Struct, frozen=True):
    """Errors that count as one: the step, its phase and the cause."""

    step: str
    phase: str
    cause: Cause
    measured: bool


class LoadStatistics:
    """Steps in the order of their first appearance, errors by cause with one message each."""

    def __init__(self, plan: LoadPlan) -> None:
        self.steps: dict[str, StepStatistics] = {}
        self.errors: Counter[ErrorKey] = Counter()
        self.messages: dict[ErrorKey, str] = {}
        self.timeline = Timeline(plan.duration)
        self.own = OwnShare()
        self.used = Spending()
        self.iterations = 0
        self.completed = 0
        self.cut_off = 0
        self.not_started = 0
        self.budget_waits = 0
        self.stopped_by = ""
        self.elapsed = 0.0

    def step(self, name: str) -> StepStatistics:
        """The figures of a step."""
        if name not in self.steps:
            self.steps[name] = StepStatistics()
        return self.steps[name]

    def passed(self, name: str, at: float, seconds: float, late: float = 0.0) -> None:
        """A step passed, ``at`` seconds after the start of the load; ``late`` is how long after
        its intended start it began."""
        found = self.step(name)
        found.passed += 1
        found.latency.record(seconds)
        found.response.record(seconds + late)
        self.timeline.at(at).passed += 1
        self.timeline.record(at, name, seconds)

    def observed(self, name: str, at: float, seconds: float) -> None:
        """A part of a step that passed, which is no step of its own."""
        self.passed(name, at, seconds)
        self.timeline.at(at).passed -= 1

    def aborted(self, name: str, at: float, error: CheckAborted) -> None:
        """A step failed, or could not be measured."""
        found, slot = self.step(name), self.timeline.at(at)
        measured = isinstance(error, CheckFailed)
        if measured:
            found.failed += 1
            slot.failed += 1
        else:
            found.not_measured += 1
            slot.not_measured += 1
        key = ErrorKey(name, error.phase or "", error.cause, measured)
        self.errors[key] += 1
        self.messages.setdefault(key, excerpt(error.message))

    def dump(self) -> dict[str, Any]:
        """All of it as JSON can hold it."""
        return {
            "steps": {name: _dump_step(each) for name, each in self.steps.items()},
            "errors": [
                [key.step, key.phase, key.cause.value, key.measured, count, self.messages[key]]
                for key, count in self.errors.items()
            ],
            "timeline": self.timeline.dump(),
            "own": self.own.dump(),
            "used": asdict(self.used),
            **{name: getattr(self, name) for name in _COUNTS},
            "stopped_by": self.stopped_by,
            "elapsed": self.elapsed,
        }

    def add(self, document: Mapping[str, Any]) -> None:
        """Merge what a worker's ``dump`` gave. Raises ValueError where it is something else."""
        try:
            self._add(document)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("no statistics of a load") from error

    def _add(self, document: Mapping[str, Any]) -> None:
        for name, found in document["steps"].items():
            _add_step(self.step(name), found)
        for step, phase, cause, measured, count, message in document["errors"]:
            key = ErrorKey(step, phase, Cause(cause), measured)
            self.errors[key] += count
            self.messages.setdefault(key, excerpt(message))
        self.timeline.add(document["timeline"])
        self.own.add(document["own"])
        self.used += Spending(**document["used"])
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + document[name])
        self.stopped_by = self.stopped_by or document["stopped_by"]
        self.elapsed = max(self.elapsed, document["elapsed"])


_COUNTS = ("iterations", "completed", "cut_off", "not_started", "budget_waits")


def _dump_step(step: StepStatistics) -> dict[str, Any]:
    return {
        "passed": step.passed,
        "failed": step.failed,
        "not_measured": step.not_measured,
        "latency": step.latency.dump(),
        "response": step.response.dump(),
        "own_cpu": step.own_cpu,
        "wake_ups": step.wake_ups,
    }


def _add_step(step: StepStatistics, found: Mapping[str, Any]) -> None:
    step.passed += found["passed"]
    step.failed += found["failed"]
    step.not_measured += found["not_measured"]
    step.latency.add(LatencyHistogram.load(found["latency"]))
    step.response.add(LatencyHistogram.load(found["response"]))
    step.own_cpu += found["own_cpu"]
    step.wake_ups += found["wake_ups"]
