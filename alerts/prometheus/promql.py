"""Building blocks of PromQL expressions and of a rules file.

Alerts of one region have ``scope="region"`` and are never more than a warning; their
``level`` says how bad they look from there. What at least two regions agree on, or the only
one there is, is ``scope="global"`` and pages.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

# The labels that identify one check of one probe among everything a server scrapes.
JOIN = ("job", "instance", "region", "check")
# What is the same for a check in every region.
GLOBAL = ("kind", "check", "subject")
# How often rules are evaluated, in seconds: `for` means what it says only if that is short.
EVERY = 15.0

CARRIER = "probe:check:interval_seconds"
REGIONS = "probe:check:regions"

_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


@dataclass(frozen=True, slots=True)
class Recording:
    """A rule that keeps the value of an expression under a name."""

    record: str
    expr: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alerting:
    """A rule that fires while its expression has had a value for ``hold`` seconds."""

    alert: str
    expr: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    hold: float = 0.0


Rule = Recording | Alerting


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated one after the other, every so many seconds."""

    name: str
    rules: tuple[Rule, ...]
    every: float = EVERY


def duration(seconds: float) -> str:
    """A whole number of seconds as Prometheus writes it: 90 is 1m30s."""
    left, parts = round(seconds), []
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def number(value: float) -> str:
    """A number without noise of its binary form."""
    text = f"{value:.12g}"
    return text if "e" not in text else f"{value:f}".rstrip("0").rstrip(".")


def names(labels: Iterable[str]) -> str:
    """Label names for a list between parentheses."""
    return ", ".join(labels)


def on(*more: str) -> str:
    """Match series of the same check, and of the same values of these labels."""
    return f"on ({names((*JOIN, *more))})"


def firing(alert: str, level: str, state: str = "firing") -> str:
    """The alerts of one region that are firing or pending since the previous evaluation."""
    return f'ALERTS{{alertname="{alert}", level="{level}", alertstate="{state}"}}'


def union(branches: Sequence[str]) -> str:
    """Any of several expressions, each on its own lines."""
    return "\nor\n".join(branches)


def camel(name: str) -> str:
    """``probe_http_redirects`` as the name of an alert: ProbeHttpRedirects."""
    return "".join(part.capitalize() for part in name.split("_"))


def quorum(alert: str, kind: str, labels: Sequence[str] = ()) -> str:
    """Two regions see it as critical, or all that have a result."""
    by = names((*GLOBAL, *labels))
    here = f'ALERTS{{alertname="{alert}", level="critical", alertstate="firing", kind="{kind}"}}'
    return (
        f"count by ({by}) (\n  count by ({by}, region) ({here})\n)\n"
        f">= on ({names(GLOBAL)}) group_left() clamp_max({REGIONS}, 2)"
    )
