"""One line of the log for each change of a check's state."""

import logging
from typing import Any

from alerts.evaluation.check_state import Change
from probe.core.model import Unit, Verdict
from probe.diagnostics.logging_setup import event
from probe.report.text.phrases import BREACHED, limit_sentence, without_objectives
from probe.report.text.sanitize import clean
from probe.report.text.units import show

_LEVELS = {
    Verdict.OK: logging.INFO,
    Verdict.UNKNOWN: logging.WARNING,
    Verdict.WARNING: logging.WARNING,
    Verdict.CRITICAL: logging.ERROR,
}


# Not a logger below ``probe``: a target's failure is not an error of the probe.
logger = logging.getLogger("state")
_STATE_TEXTS = {
    Verdict.UNKNOWN: "could not be measured",
    Verdict.WARNING: "has a warning",
    Verdict.CRITICAL: "is critical",
}


def log_change(change: Change) -> None:
    """Log a check's new state, the reason, and the state before."""
    now, was = (
        without_objectives(change.now),
        None if change.was is None else without_objectives(change.was),
    )
    if now is was:
        return
    failure = change.result.failure
    fields: dict[str, Any] = {
        "check": change.check.name,
        "kind": change.check.kind.name,
        "target": change.check.table.target,
        "verdict": now.value,
        "was": was.value if was else None,
    }
    if failure is not None:
        fields |= {"phase": failure.phase, "cause": failure.cause.value, "hint": failure.hint}
    if change.since is not None:
        fields["lasted_seconds"] = round(change.at - change.since, 3)
    event(logger, _LEVELS[now], _sentence(change, now), **fields)


def _sentence(change: Change, now: Verdict) -> str:
    name = change.check.name
    if now is Verdict.OK:
        lasted = max(0.0, change.at - change.since) if change.since is not None else None
        after = f" after {show(lasted, Unit.SECONDS)}" if lasted is not None else ""
        return f"{name} has recovered{after}" if change.was else f"{name} is passing"
    failure = change.result.failure
    if failure is not None:
        why = clean(failure.message) or failure.cause.value
    else:
        why = "; ".join(
            limit_sentence(each) for each in change.evaluations if each.verdict in BREACHED
        )
    return f"{name} {_STATE_TEXTS[now]}: {why}"
