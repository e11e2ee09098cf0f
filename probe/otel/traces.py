"""One trace for each failed run: the run, and its phases one after the other."""

from collections.abc import Mapping

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

from probe.core.kind import Check
from probe.core.model import Failure, Result

_SECOND = 1_000_000_000


def trace_run(provider: TracerProvider, check: Check, result: Result, region: str) -> None:
    """Write a failed run's spans. Phases that ran at the same time follow each other here."""
    tracer, failure = provider.get_tracer("probe"), result.failure
    if failure is None:
        return
    start = int(result.started_at.timestamp() * _SECOND)
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


def _about(check: Check, region: str) -> dict[str, str]:
    table = check.table
    return {
        "probe.check": check.name,
        "probe.kind": check.kind.name,
        "probe.target": table.target,
        "probe.region": region,
        **{f"probe.{name}": value for name, value in table.labels.items()},
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
