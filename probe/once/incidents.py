"""What users lose by what one run found, where, and what to do; pure.

The alerts, losses and first steps are those of a notification. A run does not know when a fault
began, and so not what began together. Checks are of one incident that are of one service and
group, that fail of one cause in one service or at one host, that have the same loss, or of which
one names the other as its cause.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from alerts.evaluation.verdict import backup_checks, verdict_on, worst
from alerts.model import Alert, Severity
from alerts.notification.title import loss_of, losses_of, place_of, representative
from alerts.runbooks.library import RunbookLibrary, link_to
from alerts.runbooks.lookup import OWN_CAUSES
from alerts.state.annotations import failing, limit_exceeded, no_data
from probe.core.causes import Cause
from probe.core.kind import Check
from probe.core.model import Evaluation, Result, Status, Verdict
from probe.core.thresholds import FAILING, NO_DATA
from probe.report.model import RunIncident
from probe.report.text.failures import host_of
from probe.untrusted.text import listed

NO_LOSS = "Users lose nothing by this: "
OWN_NETWORK = f"{NO_LOSS}the probe's own network is down"
OWN_FAULT = f"{NO_LOSS}the probe itself could not measure"
NOT_MEASURED = "Not known: it could not be measured"
_MAX_NAMES = 3
_ORDER = (Verdict.CRITICAL, Verdict.WARNING, Verdict.UNKNOWN)
_SEVERITIES = {Verdict.WARNING: Severity.WARNING, Verdict.CRITICAL: Severity.CRITICAL}


class RunFindings(Struct, frozen=True):
    """What one run found: a result for each check, by name, and all evaluations."""

    checks: Sequence[Check]
    results: Mapping[str, Result]
    evaluations: Sequence[Evaluation]
    region: str


def incidents_of(
    found: RunFindings, runbooks: RunbookLibrary, public_url: str = ""
) -> tuple[RunIncident, ...]:
    """What is wrong, the most severe first. ``public_url`` is where people reach the probe's pages,
    empty if they don't."""
    blamed = frozenset(
        key for check in found.checks for key in check.table.blames(found.results[check.name])
    )
    groups = _grouped(each for check in found.checks for each in _findings(check, found, blamed))
    made = [_incident(group, runbooks, public_url) for group in groups]
    return tuple(sorted(made, key=lambda each: _ORDER.index(each.verdict)))


class _Finding(Struct, frozen=True):
    """One thing wrong: its alert, and what it has in common with others of the same incident."""

    alert: Alert
    verdict: Verdict
    keys: tuple[tuple[str, ...], ...]


def _findings(check: Check, found: RunFindings, blamed: frozenset[str]) -> Iterator[_Finding]:
    result = found.results[check.name]
    if result.status is Status.UNKNOWN:
        alert = no_data(check, result, found.region, 0.0)
        yield _Finding(alert, Verdict.UNKNOWN, ((NO_DATA, alert.cause),))
        return
    group = ("group", check.table.alert_group, check.table.impact.service)
    if result.failure is not None:
        others = (found.results[name].status for name in backup_checks(check, found.checks))
        verdict = verdict_on(check, result, (), backed_up=Status.OK in others)
        failure = _made(failing(check, result, found.region), verdict, group)
        causes = (blamed & check.table.triggered_by) | check.table.blames(result)
        yield replace(failure, keys=(*failure.keys, *(("cause", key) for key in sorted(causes))))
    for evaluation in found.evaluations:
        if evaluation.check == check.name and evaluation.verdict in _SEVERITIES:
            alert = limit_exceeded(check, evaluation, found.region, "")
            yield _made(alert, evaluation.verdict, group)


def _made(alert: Alert, verdict: Verdict, group: tuple[str, ...]) -> _Finding:
    alert = replace(alert, severity=_SEVERITIES[verdict])
    keys = [group]
    if alert.cause:
        keys += [("host", alert.cause, host_of(alert.target))]
        keys += [("service", alert.cause, alert.service)] if alert.service else []
    if loss := loss_of(alert):
        keys.append(("loss", loss))
    return _Finding(alert, verdict, tuple(keys))


def _grouped(findings: Iterable[_Finding]) -> list[list[_Finding]]:
    """Findings that have something in common, in the order of the first of each."""
    groups: dict[tuple[str, ...], list[_Finding]] = {}
    for finding in findings:
        known = {id(groups[key]): groups[key] for key in finding.keys if key in groups}
        group, *others = known.values() or [[]]
        moved = [finding, *chain.from_iterable(others)]
        group += moved
        groups |= {key: group for each in moved for key in each.keys}
    return list({id(group): group for group in groups.values()}.values())


def _incident(group: Sequence[_Finding], runbooks: RunbookLibrary, public_url: str) -> RunIncident:
    verdict = worst(each.verdict for each in group)
    alerts = [each.alert for each in group if each.verdict is verdict]
    places = dict.fromkeys(place_of(each.alert.target) for each in group)
    first, losses = _foremost(alerts) if len(places) == 1 else _usual(alerts)
    return RunIncident(
        verdict=verdict,
        losses=tuple(losses) or (_without_loss(alerts, verdict),),
        checks=tuple(dict.fromkeys(each.alert.identity.check for each in group)),
        places=tuple(places),
        services=tuple(dict.fromkeys(filter(None, (each.alert.service for each in group)))),
        runbook=first.runbook,
        link=link_to(first.runbook, public_url),
        steps=tuple(_with_pages(each, runbooks.related(first)) for each in runbooks.steps(first)),
    )


def _foremost(alerts: Sequence[Alert]) -> tuple[Alert, Sequence[str]]:
    """At one place: what comes first in the plan is what the others need, as everything that a
    backend issues needs a backend."""
    return alerts[0], list(dict.fromkeys(filter(None, map(loss_of, alerts))))


def _usual(alerts: Sequence[Alert]) -> tuple[Alert, Sequence[str]]:
    """At several, as in a notification."""
    return representative(alerts), losses_of(alerts)


def _with_pages(step: str, pages: Iterable[tuple[str, str]]) -> str:
    """A step that leads to other pages, with the command that prints each."""
    for words, slug in pages:
        step = step.replace(f'"{words}"', f'"{words}" (`probe runbook {slug}`)')
    return step


def _without_loss(alerts: Sequence[Alert], verdict: Verdict) -> str:
    """What is said where a notification's title names no loss."""
    if verdict is Verdict.UNKNOWN:
        if alerts[0].cause == Cause.OWN_NETWORK:
            return OWN_NETWORK
        return OWN_FAULT if alerts[0].cause in OWN_CAUSES else NOT_MEASURED
    names = [each.identity.check for each in alerts if each.identity.rule == FAILING]
    if not names:
        return f"{alerts[0].service or alerts[0].identity.check}: {alerts[0].summary}"
    names = list(dict.fromkeys(names))
    return f"{listed(names, _MAX_NAMES)} {'fails' if len(names) == 1 else 'fail'}"
