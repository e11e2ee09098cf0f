"""Rules on checks that fail or have no data.

They follow ``alerts.state.machine``: a failure fires when it has lasted for the kind's
``for_seconds``, three failures of six count as one that lasts, it is resolved when the check
passed for two intervals (at most a minute), and unmeasured runs change nothing. The rule's
own state is read back from ``ALERTS``.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from alerts.prometheus.promql import (
    CARRIER,
    GLOBAL,
    REGIONS,
    Alerting,
    Recording,
    Rule,
    duration,
    firing,
    names,
    number,
    on,
    quorum,
    union,
)
from alerts.runbooks import NO_DATA_PAGE, first_steps, slug_for
from alerts.state.conditions import LONGEST_CLEAR_SECONDS, NO_DATA_INTERVALS, NO_DATA_SECONDS
from alerts.state.machine import Timers
from probe.core.kind import Kind
from probe.core.model import Verdict

FAILING, NO_DATA = "ProbeFailing", "ProbeNoData"
_FLAPPING = "probe:check:flickering"
_BAD, _CRITICAL = "probe:check:failing", "probe:check:failing_critical"
_UNSETTLED, _SILENCE = "probe:check:unsettled", "probe:check:silence_seconds"
_REGION_GROUP = ("job", "instance", "region", "group")
_OUTRIGHT = Timers({}).k_of_n
_CRITICAL_MATCH = (
    f'and {on()} probe_check_info{{severity="critical"}}\n'
    f'unless {on()} (probe:check:backed_up and {on()} probe_check_info{{partial="warning"}})'
)


def recordings() -> Iterator[Rule]:
    """What the alerts of every kind are computed from."""
    yield Recording(
        CARRIER, f"probe_interval_seconds * {on()} group_left(subject) probe_check_info"
    )
    groups = names(_REGION_GROUP)
    yield Recording(
        "probe:check:backed_up",
        f"max by {on()[3:]} (\n"
        f"  probe_backup_info * on ({groups}) group_left()\n"
        f'  max by ({groups}) (probe_check_info{{group!=""}} and {on()} (probe_success == 1))\n'
        ")",
    )
    yield Recording(_BAD, f"{CARRIER} and {on()} (probe_success == 0)")
    yield Recording(
        _CRITICAL,
        f"{_BAD} {_CRITICAL_MATCH}\n"
        f"unless {on()} (probe_failure_info and {on('cause')} probe_mild_cause_info)",
    )
    # Between two scrapes a check may fail and recover: its counters show it.
    yield Recording(
        _FLAPPING,
        f"{CARRIER} and {on()} (probe_recent_failures >= {_OUTRIGHT})\n"
        f'and {on()} (increase(probe_runs_total{{status="failed"}}[1m]) > 0)',
    )
    yield _unsettled()
    yield Recording(
        _SILENCE,
        "(time() - probe_unmeasured_since_timestamp_seconds)\n"
        f"or {on()} (time() - probe_last_run_timestamp_seconds)\n"
        f"or {on()} (0 * probe_interval_seconds + on (job, instance) group_left() "
        "(time() - process_start_time_seconds))",
    )


def _unsettled() -> Recording:
    """Checks that are not measured now, or did not pass for long enough."""
    clear = duration(LONGEST_CLEAR_SECONDS)
    return Recording(
        _UNSETTLED,
        f"({CARRIER} unless {on()} probe_success)\n"
        f"or\n({CARRIER} and {on()} (\n"
        f"  time() - max_over_time(\n"
        f"    timestamp(probe_interval_seconds unless {on()} (probe_success == 1))"
        f"[{clear}:5s]\n  )\n"
        f"  < {on()} clamp_max(2 * probe_interval_seconds, {number(LONGEST_CLEAR_SECONDS)})\n))",
    )


def region_count() -> Rule:
    """How many regions have a result of a check; precedes the rules that count their votes."""
    by = names(GLOBAL)
    return Recording(
        REGIONS,
        f"count by ({by}) (count by ({by}, region) (\n"
        f"  {CARRIER} and {on()} (probe_success or {on()} {firing(FAILING, 'critical')})\n))",
    )


def alerts(kinds: Iterable[Kind[Any, Any]]) -> Iterator[Rule]:
    """Failing, kind by kind, as each region sees it; then what they agree on; then no data."""
    kinds = tuple(kinds)
    for kind in kinds:
        # What fires as a warning already is read below, as of the previous evaluation.
        if kind.failing.severity is Verdict.CRITICAL:
            yield _failing(kind, "critical")
        yield _failing(kind, "warning")
    yield region_count()
    for kind in kinds:
        if kind.failing.severity is Verdict.CRITICAL:
            yield _agreed(kind)
    yield _no_data()


def _failing(kind: Kind[Any, Any], level: str) -> Alerting:
    here = f'{{kind="{kind.name}"}}'
    unsettled = f"{_UNSETTLED}{here}"
    pending, flickers = firing(FAILING, level, "pending"), f"{_FLAPPING}{here}"
    if level == "critical":
        # Once anything fires, results count as they are.
        pending += f" unless {on()} {firing(FAILING, 'warning')}"
        flickers += f" {_CRITICAL_MATCH}\n  unless {on()} probe_mild_cause_info"
        # What still fails and is no longer critical has eased; it doesn't wait for recovery.
        unsettled += f" unless {on()} {_BAD}"
    expr = union(
        (
            f"{_BAD if level == 'warning' else _CRITICAL}{here}",
            f"({CARRIER}{here} unless {on()} (probe_recent_failures < {_OUTRIGHT} "
            f"and {on()} probe_success)"
            f"\n  and {on()} {pending})",
            f"({flickers}\n  unless {on()} {firing(FAILING, 'warning')})",
            f"({unsettled}\n  and {on()} {firing(FAILING, level)})",
        )
    )
    labels = {"kind": kind.name, "severity": "warning", "scope": "region", "level": level}
    return Alerting(
        FAILING,
        expr,
        labels,
        _words(
            kind,
            "{{ $labels.check }} fails, seen from {{ $labels.region }}",
            "{{ $labels.target }} has failed for more than " + _hold(kind) + ".",
        ),
        kind.failing.hold,
    )


def _agreed(kind: Kind[Any, Any]) -> Alerting:
    return Alerting(
        FAILING,
        quorum(FAILING, kind.name),
        {"kind": kind.name, "severity": "critical", "scope": "global"},
        _words(
            kind,
            "{{ $labels.check }} is down",
            "It has failed for more than " + _hold(kind) + ", seen from {{ $value }} region(s): "
            "at least two, or all that have a result.",
        ),
    )


def _no_data() -> Alerting:
    longest = f"clamp_min({NO_DATA_INTERVALS} * probe_interval_seconds, {number(NO_DATA_SECONDS)})"
    return Alerting(
        NO_DATA,
        f"{CARRIER} and {on()} ({_SILENCE} >= {on()} {longest})",
        {"severity": "warning", "scope": "region", "level": "warning"},
        {
            "summary": "{{ $labels.check }} has no data, in {{ $labels.region }}",
            "description": "It runs every {{ $value | humanizeDuration }}, and could not measure "
            f"for {NO_DATA_INTERVALS} times that and {duration(NO_DATA_SECONDS)}. "
            "Its state is unknown.\n" + steps(NO_DATA_PAGE),
            "runbook": NO_DATA_PAGE,
        },
    )


def _hold(kind: Kind[Any, Any]) -> str:
    return duration(kind.failing.hold)


def _words(kind: Kind[Any, Any], summary: str, description: str) -> dict[str, str]:
    slug = slug_for(kind, "failing")
    return {
        "summary": summary,
        "description": f"{description}\n{steps(slug)}",
        "runbook": slug,
    }


def steps(slug: str) -> str:
    """The first steps of a runbook, one a line."""
    return "\n".join(f"{index}. {step}" for index, step in enumerate(first_steps(slug), 1))
