"""Findings for people and for programs."""

import textwrap
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from probe.report.json.fields import printed
from probe.report.text.sanitize import clean, without_commands
from probe.turn_report.findings import Finding, FindingStatus, worst

_MARKS = {
    FindingStatus.OK: "✓",
    FindingStatus.WARNING: "!",
    FindingStatus.CRITICAL: "✗",
    FindingStatus.SKIPPED: "-",
}
_NAME_WIDTH, _WIDTH = 15, 100


def as_text(target: str, findings: Sequence[Finding]) -> str:
    """One screen: the verdict, then the findings of each transport, with how to fix them."""
    verdict = worst(list(findings)).value.upper()
    lines = [f"{verdict}  {clean(target)}"]
    for url, group in groupby(findings, key=lambda finding: finding.url):
        lines += ["", clean(url)] if url else [""]
        lines += [line for finding in group for line in _lines(finding)]
    return without_commands("\n".join(lines) + "\n")


def _lines(finding: Finding) -> list[str]:
    cause = f" [{finding.cause.value}]" if finding.cause else ""
    name = finding.name.replace("_", " ")
    head = f"{_MARKS[finding.status]} {name:<{_NAME_WIDTH}} "
    lines = wrap(clean(finding.summary) + cause, _WIDTH, head)
    fix = f"Try: {clean(finding.fix)}" if finding.fix else ""
    return lines + wrap(fix, _WIDTH, " " * len(head))


def wrap(text: str, width: int, head: str) -> list[str]:
    """The text behind a head, in lines that are indented as far."""
    indent = " " * len(head)
    return textwrap.wrap(text, width, initial_indent=head, subsequent_indent=indent)


def as_json(target: str, findings: Sequence[Finding], version: str) -> str:
    """The findings as one JSON document."""
    document: dict[str, Any] = {
        "schema": 1,
        "target": target,
        "verdict": worst(list(findings)).value,
        "version": version,
        "findings": [
            {
                "name": finding.name,
                "url": finding.url or None,
                "status": finding.status.value,
                "summary": clean(finding.summary),
                "cause": finding.cause.value if finding.cause else None,
                "fix": finding.fix or None,
                "data": dict(finding.data),
            }
            for finding in findings
        ],
    }
    return printed(document)
