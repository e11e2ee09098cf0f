"""Warnings about configuration that is valid and has no effect.

Routes and maintenance windows that match no check, receivers that are not configured, and
variables whose names are near misses of the probe's own.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from alerts.config import AlertingConfig
from probe.core.kind import Check

NOT_READ = "is not read: did you mean"
_OWN_PREFIX = "PROBE_"
# Similarity from which on a name is probably a misspelling of another.
_ALIKE, _ALIKE_OWN = 0.9, 0.8


def warnings_of(
    alerting: AlertingConfig,
    checks: Sequence[Check],
    variables: Mapping[str, Iterable[str]],
    known: Iterable[str],
    receivers: Iterable[str],
) -> tuple[str, ...]:
    """All of them. ``variables`` are the names that are set, by their place; ``known`` those
    that the probe reads; ``receivers`` the first words of the variables of notifiers."""
    return (
        *_unmatched(alerting, checks),
        *_unconfigured(alerting),
        *near_misses(variables, frozenset(known), frozenset(receivers)),
    )


def near_misses(
    variables: Mapping[str, Iterable[str]], known: frozenset[str], receivers: frozenset[str]
) -> Iterator[str]:
    """Variables that nothing reads and that are named almost like one that is read."""
    for place, names in variables.items():
        for name in sorted(names):
            base_name = name.removesuffix("_FILE")
            if name in known or base_name in known:
                continue
            meant = _meant(base_name, known, receivers)
            if meant is not None:
                yield f"{name} ({place}) {NOT_READ} {meant}?"


def _meant(name: str, known: frozenset[str], receivers: frozenset[str]) -> str | None:
    if name.upper() in known:
        return name.upper()
    least = _ALIKE_OWN if name.startswith(_OWN_PREFIX) else _ALIKE
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=least)
    if close:
        return close[0]
    parts = name.split("_")
    if parts[0] not in receivers:
        return None
    # A receiver's variable with a word left out: PAGERDUTY_KEY of PAGERDUTY_ROUTING_KEY.
    longer = [each for each in sorted(known) if set(parts) < set(each.split("_"))]
    return longer[0] if longer and len(parts) > 1 else None


def _unmatched(alerting: AlertingConfig, checks: Sequence[Check]) -> Iterator[str]:
    if not alerting.own_routes and not alerting.windows:
        return
    from alerts.silence.matcher import about, matched_checks

    for number, route in enumerate(alerting.own_routes, 1):
        if not matched_checks(route.matches, checks):
            yield f"[[route]] entry {number} matches no check: {about(route.matches)}"
    for window in alerting.windows:
        if not matched_checks(window.matches, checks):
            yield f'[[maintenance]] "{window.name}" matches no check: {about(window.matches)}'


def _unconfigured(alerting: AlertingConfig) -> Iterator[str]:
    for number, route in enumerate(alerting.own_routes, 1):
        for name in route.notify:
            if name not in alerting.notifiers:
                yield (
                    f"[[route]] entry {number} leads to {name}, which is not configured: "
                    "alerts are not sent there"
                )
