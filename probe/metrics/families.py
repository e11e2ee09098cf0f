"""The metrics that every check has besides its signals, and its alerting policy."""

from collections.abc import Iterator

from msgspec import Struct
from prometheus_client.samples import Exemplar

from probe.core.kind import Check
from probe.core.model import Signal
from probe.core.thresholds import components_of

Pairs = tuple[tuple[str, str], ...]


class Family(Struct, frozen=True, gc=False):
    """One metric: its name (a counter's with ``_total``), type and help."""

    name: str
    type: str
    help: str

    def header(self, openmetrics: bool) -> bytes:
        """The HELP and TYPE lines."""
        name = self.name
        text = self.help.replace("\\", r"\\").replace("\n", r"\n")
        if openmetrics:
            name = name.removesuffix("_total") if self.type == "counter" else name
            text = text.replace('"', r"\"")
        return f"# HELP {name} {text}\n# TYPE {name} {self.type}\n".encode()


class MetricSample(Struct, frozen=True, gc=False):
    """One value: its family, the suffix of its name, labels, and the run that it is of."""

    family: Family
    suffix: str
    labels: Pairs
    value: float
    exemplar: Exemplar | None = None


RUNS = Family("probe_runs_total", "counter", "Runs of the check by what they found.")
FAILURES = Family(
    "probe_failures_total", "counter", "Runs that failed or could not measure, by phase and cause."
)
LAST_RUN = Family(
    "probe_last_run_timestamp_seconds", "gauge", "When the last run of the check began."
)
PHASES = Family(
    "probe_phase_duration_seconds", "gauge", "Seconds that the last run spent in each phase."
)
FAILURE = Family(
    "probe_failure_info",
    "gauge",
    "Why the last run failed or could not measure; absent while the check passes.",
)
INTERVAL = Family("probe_interval_seconds", "gauge", "How often the check runs.")
RECENT_FAILURES = Family(
    "probe_recent_failures", "gauge", "How many of the last six measured runs failed."
)
UNMEASURED_SINCE = Family(
    "probe_unmeasured_since_timestamp_seconds",
    "gauge",
    "Since when no run of the check could measure; absent while runs do.",
)
FAILING_SINCE = Family(
    "probe_failing_since_timestamp_seconds",
    "gauge",
    "Since when every measured run of the check fails; absent while it passes.",
)
DENOMINATOR = Family(
    "probe_sample_cases",
    "gauge",
    "Number of cases that a signal's value is made of: the denominator of a ratio.",
)
DISTURBED = Family(
    "probe_sample_disturbed",
    "gauge",
    "1 where the probe's own event loop was late while the latency was measured; such a value "
    "breaks no threshold. Absent otherwise.",
)
CHECK_INFO = Family(
    "probe_check_info",
    "gauge",
    "Severity of a failure, and partial: its severity while another check of the group is ok. "
    "Alerts of one subject are one incident; component is what they are named after.",
)
BACKUP_INFO = Family("probe_backup_info", "gauge", "Groups whose checks are a backup of this one.")
MILD_CAUSE_INFO = Family("probe_mild_cause_info", "gauge", "Causes that are a warning at most.")


def naming(check: Check) -> Pairs:
    """What alerts of a check are grouped and named by."""
    table = check.table
    return (
        ("subject", table.alert_group),
        ("component", table.component or components_of(check.kind)[0]),
        ("service", table.own_service or check.kind.service),
    )


def policy_metrics(check: Check, *, full: bool) -> Iterator[tuple[Family, Pairs, float]]:
    """A check's failure policy, and what its alerts are grouped and named by; ``full``: with the
    groups and causes that change its severity, and with an empty group, which Prometheus takes for
    none.

    A connectivity reference has none: it only tests our own network.
    """
    failing, table = check.failing, check.table
    if table.is_reference:
        return
    group = table.redundancy_group or ""
    partial = failing.severity_with_backup.value if failing.severity_with_backup else ""
    terms = (
        ("severity", failing.severity.value),
        ("partial", partial),
        *((("group", group),) if group or full else ()),
        *naming(check),
    )
    yield CHECK_INFO, terms, 1.0
    if not full:
        return
    for group in sorted(table.backup_groups):
        yield BACKUP_INFO, (("group", group),), 1.0
    for cause in sorted(failing.warning_only_causes):
        yield MILD_CAUSE_INFO, (("cause", cause.value),), 1.0


def histogram_of(signal: Signal) -> Family:
    """The family that holds a signal's values as a histogram."""
    name = signal.name.removesuffix("_seconds") + "_histogram_seconds"
    return Family(name, "histogram", f"{signal.help.rstrip('.')}: all runs.")
