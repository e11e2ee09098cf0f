"""Annotations of an alert: summary, target and values, from the newest result."""

from collections.abc import Callable

from msgspec.structs import replace

from alerts.model import SEEN_FROM, Alert, Fingerprint, Severity
from alerts.runbooks import slug_for
from alerts.runbooks.library import chosen
from alerts.state.conditions import Observation, no_data_after
from probe.core.kind import Check
from probe.core.model import Evaluation, Result, Unit
from probe.core.thresholds import FAILING, NO_DATA
from probe.report.text.phrases import limit_sentence, value_and_limit
from probe.report.text.sanitize import clean
from probe.report.text.units import show
from probe.untrusted.labels import exported

# A trend compares with a value that is at least so old.
TREND_SECONDS = 300.0


def failing(check: Check, result: Result, region: str) -> Alert:
    """An alert about a check that fails."""
    failure = result.failure
    if failure is None:
        return _base(check, FAILING, region, "it fails")
    return replace(
        _base(check, FAILING, region, clean(failure.message) or failure.cause.value),
        phase=failure.phase,
        cause=failure.cause.value,
        hint=failure.hint,
        runbook=chosen(check, slug_for(check.kind, FAILING, failure.cause.value, check=check.name)),
    )


def no_data(check: Check, result: Result | None, region: str, silent: float) -> Alert:
    """An alert about a check that has not been measured for ``silent`` seconds."""
    failure = result.failure if result else None
    why = f": {clean(failure.message)}" if failure else ""
    alert = _base(check, NO_DATA, region, f"no data for {show(silent, Unit.SECONDS)}{why}")
    if failure is None:
        return alert
    return replace(
        alert,
        phase=failure.phase,
        cause=failure.cause.value,
        hint=failure.hint,
        runbook=chosen(check, slug_for(check.kind, NO_DATA, failure.cause.value, check=check.name)),
    )


def limit_exceeded(check: Check, evaluation: Evaluation, region: str, trend: str) -> Alert:
    """An alert about a value that is beyond its limit."""
    signal = evaluation.threshold.signal
    value, limit = value_and_limit(evaluation)
    alert = _base(check, signal.name, region, limit_sentence(evaluation))
    labels = exported(sorted(evaluation.labels.items()), {SEEN_FROM})
    return replace(
        alert,
        identity=Fingerprint(check.name, signal.name, labels),
        value=value,
        limit=limit,
        trend=trend,
    )


def annotation_of(
    entry: Observation,
    check: Check,
    result: Result,
    region: str,
    values: list[tuple[float, float]],
) -> Callable[[], Alert]:
    """The alert about what a result says of a check, when it is asked for; ``values`` as for
    :func:`trend_of`."""
    if entry.evaluation is not None:
        return annotation_of_value(check, entry.evaluation, region, values)
    if entry.identity.rule == NO_DATA:
        return lambda: no_data(check, result, region, no_data_after(check))
    return lambda: failing(check, result, region)


def annotation_of_value(
    check: Check, evaluation: Evaluation, region: str, values: list[tuple[float, float]]
) -> Callable[[], Alert]:
    """The same when it is asked for, with the trend of ``values``."""
    trend = trend_of(values, evaluation.threshold.signal.unit or Unit.COUNT)
    return lambda: limit_exceeded(check, evaluation, region, trend)


def trend_of(values: list[tuple[float, float]], unit: Unit) -> str:
    """What a value was some minutes ago, in words; ``values`` are (seconds since 1970, value),
    the oldest first. Empty where nothing that old is known."""
    if not values:
        return ""
    now = values[-1][0]
    older = [each for each in values if now - each[0] >= TREND_SECONDS]
    if not older:
        return ""
    at, value = older[-1]
    return f"was {show(value, unit)} {show(now - at, Unit.SECONDS)} ago"


def _base(check: Check, rule: str, region: str, summary: str) -> Alert:
    return Alert(
        identity=Fingerprint(check.name, rule),
        severity=Severity.WARNING,
        since=0.0,
        fired=0.0,
        summary=summary,
        kind=check.kind.name,
        target=check.table.target,
        region=region,
        runbook=chosen(check, slug_for(check.kind, rule, "", check=check.name)),
        labels=tuple(check.table.labels.items()),
        service=check.table.impact.service,
        loss=check.table.impact.loss,
        degradation=check.table.impact.degradation,
    )
