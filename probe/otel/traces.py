"""One trace for each failed run: the run, and its phases one after the other."""

from collections.abc import Mapping

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

from probe.core.kind import Check
from probe.core.model import Failure, Result
from probe.core.outcome.run_id import run_id
from probe.untrusted.labels import exported

_SECOND = 1_000_000_000


class RunIds(RandomIdGenerator):
    """Trace ids that are the ids of runs; the next trace has ``run``'s."""

    run = ""

    def generate_trace_id(self) -> int:
        """The id of the run; another one where none was given."""
        return int(self.run, 16) if self.run else super().generate_trace_id()


def trace_run(provider: TracerProvider, check: Check, result: Result, region: str) -> None:
    """Write a failed run's spans. Phases that ran at the same time follow each other here."""
    tracer, failure = provider.get_tracer("probe"), result.failure
    if failure is None:
        return
    began = result.started_at.timestamp()
    start = int(began * _SECOND)
    if isinstance(provider.id_generator, RunIds):
        provider.id_generator.run = run_id(check.name, began)
    end = start + int(result.duration * _SECOND)
    root = tracer.start_span(
        f"{check.kind.name} {check.name}",
        kind=SpanKind.CLIENT,
        start_time=start,
        attributes={**_about(check, region), **_why(failure), **_facts(result.facts)},
    )
    root.set_status(Status(StatusCode.ERROR, failure.message))
    context = set_span_in_context(root)
    moment = start
    phases = dict(result.phases)
    phases.setdefault(failure.phase, 0.0)
    for name, seconds in phases.items():
        span = tracer.start_span(name, context, start_time=moment, kind=SpanKind.INTERNAL)
        moment += int(seconds * _SECOND)
        if name == failure.phase:
            span.set_attributes(_why(failure))
            span.set_status(Status(StatusCode.ERROR, failure.message))
        span.end(moment)
    root.end(max(end, moment))


# What a span says itself after ``probe.``.
_OURS = frozenset({"check", "kind", "target", "region", "phase", "hint"})


def _about(check: Check, region: str) -> dict[str, str]:
    table = check.table
    return {
        "probe.check": check.name,
        "probe.kind": check.kind.name,
        "probe.target": table.target,
        "probe.region": region,
        **{f"probe.{name}": value for name, value in exported(table.labels.items(), _OURS)},
    }


def _why(failure: Failure) -> dict[str, str]:
    """``error.type`` is OpenTelemetry's own name for a cause."""
    return {
        "error.type": failure.cause.value,
        "probe.phase": failure.phase,
        "probe.hint": failure.hint,
    }


def _facts(facts: Mapping[str, str]) -> dict[str, str]:
    return {f"probe.fact.{name.replace(' ', '_')}": text for name, text in facts.items()}
