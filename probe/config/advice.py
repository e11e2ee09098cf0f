"""Warnings about configuration that is valid and has no effect.

Routes and maintenance windows that match no check, receivers that are not configured, variables
whose names are near misses of the probe's own, and limits in what is probably another unit.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from alerts.config import AlertingConfig
from probe.core.kind import Check
from probe.core.model import Unit
from probe.core.thresholds import default_thresholds_of, signals_of_check

NOT_READ = "is not read: did you mean"
# Names that other programs have for what is called otherwise here.
_OTHER_WORDS = {
    **dict.fromkeys(("TURN_SERVER", "TURN_SERVERS", "TURN_URI", "TURN_URIS"), "TURN_URLS"),
    **dict.fromkeys(("STUN_URL", "STUN_URLS", "STUN_SERVER", "STUN_SERVERS"), "TURN_URLS"),
    **dict.fromkeys(("ICE_SERVERS", "ICE_SERVER"), "TURN_URLS"),
    **dict.fromkeys(("TURN_CREDENTIAL", "TURN_PASS", "TURN_PWD"), "TURN_PASSWORD"),
    **dict.fromkeys(("TURN_STATIC_AUTH_SECRET", "TURN_SECRET"), "TURN_SHARED_SECRET"),
}
_OWN_PREFIX = "PROBE_"
# Similarity from which on a name is probably a misspelling of another.
_ALIKE, _ALIKE_OWN = 0.9, 0.8
# How many times a default limit, or what part of it, is probably in another unit.
_FAR = 100
_UNIT_WORDS = {Unit.SECONDS: "it is in seconds", Unit.BYTES: "it is in bytes"}


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
        *_other_units(checks),
        *near_misses(variables, frozenset(known), frozenset(receivers)),
    )


def _other_units(checks: Sequence[Check]) -> Iterator[str]:
    """Limits that were probably meant in milliseconds, days, per cent or megabytes."""
    for check in checks:
        default = {each.signal.name: each.limits for each in default_thresholds_of(check)}
        units = {signal.name: signal.unit for signal in signals_of_check(check)}
        for name, own in check.table.thresholds.items():
            for level in ("objective", "warning", "critical"):
                value = getattr(own, level)
                usual = getattr(default.get(name), level, None)
                if value is not None and (odd := _odd(value, usual, units[name])):
                    yield f"{check.name}: {name}: {level} = {value:g} {odd}"


def _odd(value: float, usual: float | None, unit: Unit) -> str:
    if unit is Unit.RATIO and value > 1:
        return f"is never reached: shares are from 0 to 1. Write {value / 100:g} for {value:g} %"
    if unit not in _UNIT_WORDS or not usual or 1 / _FAR < value / usual < _FAR:
        return ""
    return f"is far from the default of {usual:g}: {_UNIT_WORDS[unit]}"


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
    if (other := _OTHER_WORDS.get(name.upper())) in known:
        return other
    least = _ALIKE_OWN if name.startswith(_OWN_PREFIX) else _ALIKE
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=least)
    if close:
        return close[0]
    parts = name.split("_")
    if parts[0] not in receivers:
        return None
    # A receiver's variable with a word left out: PAGERDUTY_KEY of PAGERDUTY_ROUTING_KEY.
    longer = [each for each in sorted(known) if set(parts) < set(each.split("_"))]
    if longer and len(parts) > 1:
        return longer[0]
    # Or with one too many: SLACK_WEBHOOK_URL of SLACK_WEBHOOK.
    shorter = [each for each in known if "_" in each and set(each.split("_")) < set(parts)]
    return max(sorted(shorter), key=len, default=None)


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
