"""Building blocks of PromQL expressions and of a rules file.

An alert of one region has ``scope="region"`` and is never more than a warning. What at least two
regions agree on, or the only one there is, is ``scope="global"``, critical, and pages.
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct, field

# What separates installations that one server scrapes: staging is judged apart from production.
SITE = ("job", "environment")
# What is the same for a check in every region.
GLOBAL = (*SITE, "check", "kind", "component", "service", "subject")
# How often rules are evaluated, in seconds: the probe's own `for` has passed by then.
EVERY = 15.0

_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


class Recording(Struct, frozen=True):
    """A rule that keeps the value of an expression under a name."""

    record: str
    expr: str
    labels: Mapping[str, str] = field(default_factory=dict)


class Alerting(Struct, frozen=True):
    """A rule that fires while its expression has had a value for ``hold`` seconds, and for ``keep``
    seconds more."""

    alert: str
    expr: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    hold: float = 0.0
    keep: float = 0.0


Rule = Recording | Alerting


class Group(Struct, frozen=True):
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


def on(labels: Iterable[str]) -> str:
    """Match series that have the same values of these labels."""
    return f"on ({names(labels)})"
