"""What users lose, where, and what to do: the head of every report of a run.

Everything returned here is clean: no text from a target passes unchanged.
"""

from collections.abc import Mapping

from probe.report.model import Report, RunIncident
from probe.report.text.sanitize import clean
from probe.untrusted.text import listed

# A head of more incidents than that is no head.
MAX_INCIDENTS = 4
_MAX_LOSSES, _MAX_PLACES, _MAX_CHECKS = 3, 3, 4
IMPACT, WHERE, STEP, RUNBOOK = "Impact", "Where", "First step", "Runbook"


def facts(incident: RunIncident) -> dict[str, str]:
    """Impact, place, first step and runbook, each by its title; what there is none of is left
    out."""
    found = {
        IMPACT: impact(incident),
        WHERE: _where(incident),
        STEP: clean(incident.steps[0]) if incident.steps else "",
        RUNBOOK: runbook(incident),
    }
    return {title: text for title, text in found.items() if text}


def impact(incident: RunIncident) -> str:
    """What users lose, in a line."""
    return clean("; ".join(incident.losses[:_MAX_LOSSES]))


def runbook(incident: RunIncident) -> str:
    """Where the runbook is: an address, or the command that prints it."""
    if incident.link:
        return clean(incident.link)
    return f"`probe runbook {clean(incident.runbook)}`" if incident.runbook else ""


def incident_by_check(report: Report) -> Mapping[str, RunIncident]:
    """The most severe incident of each check that has one."""
    return {name: each for each in reversed(report.incidents) for name in each.checks}


def left_out(report: Report) -> str:
    """How many incidents a head does not show; empty if it shows all."""
    more = len(report.incidents) - MAX_INCIDENTS
    return f"and {more} more, see below" if more > 0 else ""


def _where(incident: RunIncident) -> str:
    places = listed([clean(each) for each in incident.places], _MAX_PLACES)
    checks = listed([clean(each) for each in incident.checks], _MAX_CHECKS)
    return f"{places} ({checks})"
