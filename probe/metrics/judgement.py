"""What the daemon judges, as metrics: limits, judged values, and this region's alerts.

Prometheus' rules judge nothing themselves: they count the regions that agree on what these
say, so that every limit, ``for`` and ``keep_firing_for`` of ``probe.toml`` counts there too.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from alerts.model import Alert, Severity
from probe.core.kind import Check
from probe.core.model import (
    SUCCESS,
    Aggregation,
    Evaluation,
    LimitSide,
    Result,
    Status,
    Threshold,
    Unit,
    Verdict,
)
from probe.core.thresholds import FAILING, NO_DATA, Symptom, symptom_of, thresholds_of
from probe.metrics.families import Family, Pairs, naming
from probe.untrusted.labels import OF_ALERT_METRICS, exported

OBJECTIVE = Family(
    "probe_objective_ratio", "gauge", "Share of 30 days in which checks of a kind are to pass."
)
THRESHOLD = Family(
    "probe_threshold",
    "gauge",
    "Limit of a signal: level is objective, warning or critical, bad the side where values are "
    "bad.",
)
JUDGED = Family(
    "probe_judged",
    "gauge",
    "Value that is compared with the limits: the newest, or the percentile or mean of a window.",
)
JUDGED_SAMPLES = Family(
    "probe_judged_samples", "gauge", "Of how many samples or cases the judged value is made."
)
ALERT_SEVERITY = Family(
    "probe_alert_severity",
    "gauge",
    "This region's alert, after for, k of n and recovery: 0 none, 1 warning, 2 critical. "
    "Of signals other than failing only what fires is exported.",
)
ALERT_INFO = Family(
    "probe_alert_info", "gauge", "Phase, cause and links of what fires; absent otherwise."
)
OBJECTIVE_MISSED = Family(
    "probe_objective_missed",
    "gauge",
    "1 while a check fails (signal probe_success) or a value is beyond its objective; absent "
    "otherwise. urgency is that of an error budget: page, ticket or info.",
)
# They carry no more than check and region besides their own labels: probe_check_info has the rest.
BRIEF = frozenset({THRESHOLD, JUDGED, JUDGED_SAMPLES, ALERT_SEVERITY, ALERT_INFO, OBJECTIVE_MISSED})

# Labels of probe_judged besides a value's own.
_OF_JUDGED = frozenset({"check", "kind", "target", "region", "signal", "aggregation", "window"})

Links = Callable[[str], Iterable[tuple[str, str]]]
Line = tuple[Family, Pairs, float]

_LEVELS = {Severity.WARNING: 1.0, Severity.CRITICAL: 2.0}
# What the links of a notification are called, as labels.
LINK_LABELS = {"runbook": "runbook_url", "dashboard": "dashboard_url", "status page": "status_url"}


def no_links(_runbook: str) -> Iterable[tuple[str, str]]:
    """Nothing is reachable."""
    return ()


class JudgementMetrics:
    """The lines about one check. ``full``: also of limits that neither alert nor have a window,
    and of values that are within the limits of their kind and are exported under no other name."""

    def __init__(self, check: Check, *, full: bool) -> None:
        self._is_judged = not check.table.is_reference
        thresholds = thresholds_of(check) if self._is_judged else ()
        self._symptoms = {each.signal.name: symptom_of(each) for each in thresholds}
        self._symptoms |= {FAILING: Symptom.DOWN, NO_DATA: Symptom.NO_DATA}
        self._full, self._check = full, check
        # What fires is rare, and carries what alerts are named and grouped by.
        self._named = (*naming(check), ("kind", check.kind.name), ("target", check.table.target))
        self.alerts: tuple[Line, ...] = ()
        self._firing: frozenset[str] = frozenset()
        self.is_measured = False
        # The signals that are within all of their limits, and don't fire.
        self.settled: frozenset[str] = frozenset()
        self._within: frozenset[str] = frozenset()

    def values(self, result: Result, evaluations: Iterable[Evaluation]) -> Iterator[Line]:
        """The judged values of a result, and the limits on what it measured."""
        if result.status is Status.FAILED and self._is_judged:
            yield OBJECTIVE_MISSED, (("signal", SUCCESS.name), *self._urgency()), 1.0
        measured = {sample.signal.name for sample in result.samples}
        evaluations, shown = tuple(evaluations), set()
        beyond = {each.threshold.signal.name for each in evaluations if _is_beyond(each)}
        within = frozenset(each.threshold.signal.name for each in evaluations) - beyond
        self._note(within, self._firing)
        for each in evaluations:
            threshold, name = each.threshold, each.threshold.signal.name
            if not self._is_judged or name not in measured:
                continue
            if _misses_objective(each):
                given = exported(each.labels.items(), OF_ALERT_METRICS)
                own = (("signal", name), *given, *self._urgency(threshold))
                yield OBJECTIVE_MISSED, own, 1.0
            if not self._is_shown(each):
                continue
            if name not in shown:
                yield from _limits(threshold)
                shown.add(name)
            if each.value is None:
                continue
            own = (("signal", name), *exported(each.labels.items(), _OF_JUDGED))
            yield JUDGED, (*own, *_terms(threshold)), self._rounded(each)
            if threshold.aggregation is not Aggregation.P95 and _counts(threshold):
                yield JUDGED_SAMPLES, own, float(each.samples)

    def _note(self, within: frozenset[str], firing: frozenset[str]) -> None:
        """Equal sets stay the same objects, which the garbage collector has seen."""
        if (within, firing) != (self._within, self._firing):
            self._within, self._firing, self.settled = within, firing, within - firing

    def _urgency(self, threshold: Threshold | None = None) -> Pairs:
        """How soon an error budget that is used up too fast is notified, and its alert's name."""
        failing = self._check.failing
        if threshold is not None:
            urgency = "info" if threshold.limits.warning is None else "ticket"
        elif failing.severity is Verdict.CRITICAL and failing.severity_with_backup is None:
            urgency = "page"
        else:
            urgency = "ticket"
        return (("urgency", urgency), *self._named)

    def _is_shown(self, evaluation: Evaluation) -> bool:
        threshold = evaluation.threshold
        limits, name = threshold.limits, threshold.signal.name
        if self._full:
            return True
        if name in self._check.kind.details and name not in self._check.table.thresholds:
            return evaluation.verdict is not Verdict.OK or name in self._firing
        alerts = limits.warning is not None or limits.critical is not None
        return alerts or bool(threshold.window)

    def _rounded(self, evaluation: Evaluation) -> float:
        """Microseconds, and nine digits of what is no time, are enough, and half as long."""
        value, is_time = evaluation.value or 0.0, evaluation.threshold.signal.unit is Unit.SECONDS
        if self._full:
            return value
        return round(value, 6) if is_time else float(f"{value:.9g}")

    def set_alerts(self, firing: Iterable[Alert], links: Links) -> bool:
        """These are the check's alerts from now on; whether anything has changed.

        Before the first measured result nothing is said of ``failing``, unless it fires.
        """
        before = self.alerts
        lines: list[Line] = []
        own: Pairs
        firing = tuple(firing) if self._is_judged else ()
        self._note(self._within, frozenset(alert.identity.rule for alert in firing))
        fails = any(alert.identity.rule == FAILING for alert in firing)
        if self._is_judged and self.is_measured and not fails:
            own = (("signal", FAILING), ("symptom", Symptom.DOWN.value))
            lines.append((ALERT_SEVERITY, own, 0.0))
        for alert in firing:
            identity = alert.identity
            symptom = self._symptoms.get(identity.rule, Symptom.DEGRADED).value
            given = exported(identity.labels, OF_ALERT_METRICS)
            own = (("signal", identity.rule), ("symptom", symptom), *given, *self._named)
            lines.append((ALERT_SEVERITY, own, _LEVELS[alert.severity]))
            lines.append((ALERT_INFO, _info(alert, links), 1.0))
        self.alerts = tuple(lines)
        return self.alerts != before


def labelled_links(links: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The links of a notification by their labels."""
    return {LINK_LABELS[name]: url for name, url in links if name in LINK_LABELS}


def by_check(firing: Iterable[Alert]) -> Mapping[str, list[Alert]]:
    """Alerts by the name of their check."""
    found: dict[str, list[Alert]] = {}
    for alert in firing:
        found.setdefault(alert.identity.check, []).append(alert)
    return found


def _info(alert: Alert, links: Links) -> Pairs:
    found = labelled_links(links(alert.runbook))
    why = {"phase": alert.phase, "cause": alert.cause, "limit": alert.limit}
    given = exported(alert.identity.labels, OF_ALERT_METRICS)
    own = (("signal", alert.identity.rule), *given)
    return (*own, *((name, text) for name, text in {**why, **found}.items() if text))


def _is_beyond(evaluation: Evaluation) -> bool:
    """Whether a value is on the bad side of any limit."""
    judged = evaluation.verdict not in (Verdict.OK, Verdict.UNKNOWN)
    return judged or _misses_objective(evaluation)


def _misses_objective(evaluation: Evaluation) -> bool:
    objective, value = evaluation.threshold.limits.objective, evaluation.value
    if objective is None or value is None:
        return False
    above = evaluation.threshold.bad is LimitSide.ABOVE
    return value > objective if above else value < objective


def _counts(threshold: Threshold) -> bool:
    """Whether of how many cases its value is made matters: chance has a part in it."""
    return bool(threshold.window) or threshold.minimum_samples > 1


def objectives(checks: Iterable[Check]) -> list[Line]:
    """The availability objective of each kind that has checks which can fail."""
    kinds = {
        check.kind.name: check.kind.availability
        for check in checks
        if check.table.can_fail and not check.table.is_reference
    }
    return [(OBJECTIVE, (("kind", name),), share) for name, share in sorted(kinds.items())]


def _limits(threshold: Threshold) -> Iterator[Line]:
    limits = threshold.limits
    given = (("objective", limits.objective), ("warning", limits.warning))
    for level, limit in (*given, ("critical", limits.critical)):
        if limit is not None:
            own = (("signal", threshold.signal.name), ("level", level))
            yield THRESHOLD, (*own, ("bad", _side(threshold))), limit


def _side(threshold: Threshold) -> str:
    return "above" if threshold.bad is LimitSide.ABOVE else "below"


def _terms(threshold: Threshold) -> Pairs:
    """How the value is made; the newest sample needs no words."""
    if not threshold.window:
        return ()
    how = "mean" if threshold.aggregation is Aggregation.RATIO else threshold.aggregation.value
    return (("aggregation", how), ("window", f"{threshold.window:g}s"))
