"""Alerts by the subject that they are about."""

from collections.abc import Callable, Iterable

from alerts.model import Alert
from alerts.notification.grouping import AlertGroup

Mute = Callable[[Alert], bool]


def incidents_of(
    alerts: Iterable[Alert],
    over: Iterable[Alert],
    subject_of: Callable[[Alert], str],
    muted: Mute,
) -> list[AlertGroup]:
    """Alerts by subject; ``muted`` says which of them are not to be told of now."""
    found: dict[str, tuple[list[Alert], list[Alert], list[Alert]]] = {}
    for alert in alerts:
        mine = found.setdefault(subject_of(alert), ([], [], []))
        mine[1 if muted(alert) else 0].append(alert)
    for alert in over:
        found.setdefault(subject_of(alert), ([], [], []))[2].append(alert)
    return [
        AlertGroup(subject, tuple(burning), tuple(quiet), tuple(ended))
        for subject, (burning, quiet, ended) in found.items()
    ]
