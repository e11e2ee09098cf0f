"""Texts that all reports share: headline, problems, values, counts.

Everything returned here is clean: no text from a target passes unchanged.
"""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from probe.core.causes import Cause
from probe.core.model import Aggregation, Evaluation, LimitSide, Sample, Status, Unit, Verdict
from probe.report.model import Report, ReportRow, RetriedRow
from probe.report.text.sanitize import clean
from probe.report.text.skipped import by_reason
from probe.report.text.units import ABSENT, compared, plural, show, show_until

SYMBOLS: Mapping[Verdict, str] = {
    Verdict.OK: "✓",
    Verdict.OBJECTIVE_MISSED: "~",
    Verdict.UNKNOWN: "?",
    Verdict.WARNING: "!",
    Verdict.CRITICAL: "✗",
}
BREACHED = (Verdict.CRITICAL, Verdict.WARNING)
MISSED = (*BREACHED, Verdict.OBJECTIVE_MISSED)
_LABELS = {"machine_region": "region"}
# What a label without a value leaves of a sentence.
_EMPTY = re.compile(r" \(\)")


def without_objectives(verdict: Verdict) -> Verdict:
    """The verdict on a check or a run; a missed objective counts as ok."""
    return Verdict.OK if verdict is Verdict.OBJECTIVE_MISSED else verdict


def headline(report: Report) -> str:
    """The first problem, or how many checks passed."""
    bad = [row for row in report.rows if without_objectives(row.verdict) is not Verdict.OK]
    if without_objectives(report.verdict) is Verdict.OK or not bad:
        return _all_passed(report, len(bad))
    if report.verdict is Verdict.UNKNOWN and (unseen := _own_network(bad)):
        # One cause for all of them, and none of them is it.
        return f"our own network is down: {plural(unseen, 'check')} not measured"
    first = next((row for row in bad if row.verdict is report.verdict), bad[0])
    more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
    return f"{clean(first.name)}: {problem(report, first)}{more}"


def _own_network(bad: Iterable[ReportRow]) -> int:
    """How many checks could not be measured, where this machine's network is why for all."""
    unseen = [row.result.failure for row in bad if row.verdict is Verdict.UNKNOWN]
    ours = [each for each in unseen if each is not None and each.cause is Cause.OWN_NETWORK]
    return len(ours) if len(ours) == len(unseen) else 0


def problem(report: Report, row: ReportRow) -> str:
    """The problem of one check, in one sentence; empty if there is none."""
    failure = row.result.failure
    if failure is None:
        return "; ".join(limit_sentence(each) for each in missed(report, row.name, BREACHED))
    message = clean(failure.message) or failure.cause.value
    if row.result.status is Status.UNKNOWN:
        return f"could not be measured: {message}"
    return message


def missed(report: Report, check: str, verdicts: Iterable[Verdict] = MISSED) -> list[Evaluation]:
    """The thresholds that a check misses with one of these verdicts, worst first."""
    return [
        evaluation
        for verdict in verdicts
        for evaluation in report.evaluations
        if evaluation.check == check and evaluation.verdict is verdict
    ]


def limit_sentence(evaluation: Evaluation) -> str:
    """A value against its limit: ``round trip 1.2 s is above 1 s``."""
    signal = evaluation.threshold.signal
    value, comparison = value_and_limit(evaluation)
    if signal.breach:
        labels = defaultdict(str, evaluation.labels)
        return clean(_EMPTY.sub("", signal.breach.format_map(labels)))
    named = _named(evaluation, signal.display_name or signal.column or signal.name)
    if signal.unit is Unit.BOOLEAN:
        return f"{named}: {value}, {comparison}{_labels(evaluation.labels)}"
    return f"{named} {value} is {comparison}{_labels(evaluation.labels)}"


def objective_sentence(evaluation: Evaluation) -> str:
    """The same under the signal's own name, which is the one to look for or to configure."""
    value, comparison = value_and_limit(evaluation)
    verdict = evaluation.verdict.value.removesuffix("_missed")
    named = _named(evaluation, evaluation.threshold.signal.name)
    return f"{named} {value}, {comparison}{_labels(evaluation.labels)} ({verdict})"


def value_and_limit(evaluation: Evaluation) -> tuple[str, str]:
    """A value, and on which side of which limit it is: ``1.2 s``, ``above 1 s``."""
    threshold = evaluation.threshold
    unit, bad = threshold.signal.unit, threshold.bad
    limit = limit_of(evaluation)
    if evaluation.value is None or limit is None:
        return ABSENT, "not evaluated"
    if unit is Unit.BOOLEAN:
        expected = "yes" if bad is LimitSide.BELOW else "no"
        return show(evaluation.value, unit), f"should be {expected}"
    value, shown = compared(evaluation.value, limit, unit)
    counted = unit is Unit.RATIO and evaluation.samples > 1
    if counted or threshold.aggregation is Aggregation.RATIO:
        part = round(evaluation.value * evaluation.samples)
        value = f"{value} ({part} of {evaluation.samples})"
    return value, f"{bad.value} {shown}"


def limit_of(evaluation: Evaluation) -> float | None:
    """The limit that a verdict is about."""
    limits = evaluation.threshold.limits
    return {
        Verdict.CRITICAL: limits.critical,
        Verdict.WARNING: limits.warning,
        Verdict.OBJECTIVE_MISSED: limits.objective,
    }.get(evaluation.verdict)


def figures(report: Report, row: ReportRow) -> list[str]:
    """The key values of one check, after the cause if it has failed."""
    failure = row.result.failure
    found = [failure.cause.value] if failure else []
    now = report.started_at.timestamp()
    for signal in row.headline:
        for sample in row.result.samples:
            if sample.signal.name == signal.name and signal.column and math.isfinite(sample.value):
                found.append(_figure(signal.column, sample, now))
    return found


def counts(report: Report) -> str:
    """How many checks there were and how they ended: ``7 checks: 6 ok, 1 critical``."""
    verdicts = [without_objectives(row.verdict) for row in report.rows]
    order = (Verdict.OK, Verdict.WARNING, Verdict.CRITICAL, Verdict.UNKNOWN)
    parts = [f"{verdicts.count(each)} {each.value}" for each in order if each in verdicts]
    listed = f": {', '.join(parts)}" if parts else ""
    return f"{plural(len(verdicts), 'check')}{listed}"


def skipped_by_reason(report: Report) -> list[tuple[str, str]]:
    """What was not checked: kinds, and their common reason, in the order of the plan."""
    return by_reason((clean(each.kind), clean(each.reason)) for each in report.skipped)


def retries(report: Report) -> str:
    """``retried: frontend twice (http_status)``; empty where every check passed at once."""
    return f"retried: {', '.join(map(retried, report.retried[:5]))}" if report.retried else ""


def retried(row: RetriedRow) -> str:
    """``frontend twice (http_status)``: what an earlier round of ``--wait`` met."""
    times = {1: "once", 2: "twice"}.get(row.rounds, f"{row.rounds} times")
    why = row.result.failure.cause.value if row.result.failure else row.result.status.value
    return f"{clean(row.result.check)} {times} ({why})"


def footer(report: Report) -> list[str]:
    """Counts, what was skipped, the duration and the probe."""
    skipped, unevaluated = len(report.skipped), _unevaluated(report)
    parts = [
        counts(report),
        f"{skipped} skipped" if skipped else "",
        f"{plural(unevaluated, 'threshold')} not evaluated" if unevaluated else "",
        retries(report),
        show(report.duration, Unit.SECONDS),
        clean(report.region),
        f"probe {clean(report.version)}",
    ]
    return [part for part in parts if part]


def _named(evaluation: Evaluation, name: str) -> str:
    is_p95 = evaluation.threshold.aggregation is Aggregation.P95
    return clean(f"{name} {Aggregation.P95.value}" if is_p95 else name)


def _labels(labels: Mapping[str, str]) -> str:
    """`` (machine m1, region lax)``: of what a value is; empty without labels."""
    shown = [f"{_LABELS.get(name, name)} {value}" for name, value in labels.items() if value]
    return clean(f" ({', '.join(shown)})") if shown else ""


def _all_passed(report: Report, unmeasured: int) -> str:
    total = len(report.rows)
    if not total:
        return "nothing was checked"
    objectives = sum(each.verdict is Verdict.OBJECTIVE_MISSED for each in report.evaluations)
    parts = [
        f"{total - unmeasured} of {plural(total, 'check')} passed",
        f"{unmeasured} could not be measured" if unmeasured else "",
        f"{plural(objectives, 'objective')} missed" if objectives else "",
        f"{len(report.skipped)} skipped" if report.skipped else "",
    ]
    return ", ".join(part for part in parts if part)


def _figure(short: str, sample: Sample, now: float) -> str:
    unit = sample.signal.unit
    value = sample.value
    shown = show_until(value, now) if unit is Unit.TIMESTAMP else show(value, unit)
    labels = [each for each in sample.labels.values() if each]
    if len(labels) > 1 or (labels and unit is Unit.BOOLEAN):
        return clean(f"{short} {shown} ({', '.join(labels)})")
    return clean(" ".join([short, *labels, shown]))


def _unevaluated(report: Report) -> int:
    """Thresholds without enough samples, of checks that passed."""
    passed = {row.name for row in report.rows if row.result.status is Status.OK}
    return sum(
        evaluation.verdict is Verdict.UNKNOWN and evaluation.check in passed
        for evaluation in report.evaluations
    )
