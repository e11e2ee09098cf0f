"""What was found out about a TURN server: one line each, with its cause and its fix."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field

from probe.core.causes import HINTS, Cause
from probe.core.model import CheckAborted


class FindingStatus(StrEnum):
    """How a finding is judged."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"
    SKIPPED = "skipped"


class Finding(Struct, frozen=True):
    """One thing that was examined. ``url`` is the transport it was found on, empty for what
    holds for all; ``data`` are values for programs."""

    name: str
    status: FindingStatus
    summary: str
    url: str = ""
    cause: Cause | None = None
    fix: str = ""
    data: Mapping[str, object] = field(default_factory=dict)


def ok(name: str, summary: str, url: str = "", **data: object) -> Finding:
    """Something that is as it should be."""
    return Finding(name, FindingStatus.OK, summary, url, data=data)


def warning(
    name: str, summary: str, fix: str, url: str = "", cause: Cause | None = None, **data: object
) -> Finding:
    """Something that works and should be better."""
    return Finding(name, FindingStatus.WARNING, summary, url, cause, fix, data)


def skipped(name: str, summary: str, url: str = "") -> Finding:
    """Something that could not be looked at."""
    return Finding(name, FindingStatus.SKIPPED, summary, url)


def failed(name: str, error: CheckAborted, url: str = "", **data: object) -> Finding:
    """Something that does not work, with the hint of its failure."""
    fix = error.hint or HINTS[error.cause]
    return Finding(name, FindingStatus.CRITICAL, error.message, url, error.cause, fix, data)


def worst(findings: list[Finding]) -> FindingStatus:
    """The verdict on all."""
    statuses = {finding.status for finding in findings}
    for status in (FindingStatus.CRITICAL, FindingStatus.WARNING):
        if status in statuses:
            return status
    return FindingStatus.OK
