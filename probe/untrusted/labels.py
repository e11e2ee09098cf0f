"""Labels that meet labels of ours: ``exported_NAME``, as Prometheus renames what a target exports
under the name of a label of its own (``honor_labels: false``).

A label keeps its name wherever it stands apart: in a value's own metric, in JSON, in what is
stored. So an alert is the same one before and after an update of the probe.
"""

from collections.abc import Collection, Iterable

Pairs = tuple[tuple[str, str], ...]

PREFIX = "exported_"
# What the probe says of an alert, or the generated rules and a scraper add to its metrics.
OF_ALERT_METRICS = frozenset(
    {
        *("alertname", "severity", "scope", "signal", "symptom", "urgency", "limit", "cause"),
        *("check", "kind", "target", "region", "component", "service", "subject"),
        *("job", "instance", "environment", "runbook_url", "dashboard_url", "status_url"),
    }
)


def exported(labels: Iterable[tuple[str, str]], ours: Collection[str]) -> Pairs:
    """Labels without the names that are ``ours``, in their order."""
    pairs = tuple(labels)
    if not any(name in ours for name, _ in pairs):
        return pairs
    renamed = exported_names([name for name, _ in pairs], ours)
    return tuple((renamed[name], value) for name, value in pairs)


def exported_names(names: Collection[str], ours: Collection[str]) -> dict[str, str]:
    """What each of some names is called beside ``ours``; no two are called alike."""
    found = {name: name for name in names if name not in ours}
    for name in sorted(set(names) - found.keys()):
        free = PREFIX + name
        while free in ours or free in found.values():
            free = PREFIX + free
        found[name] = free
    return found
