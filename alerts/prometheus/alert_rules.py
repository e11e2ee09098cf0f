"""Rules on checks: what each region sees, what regions agree on, and how it is called.

    probe_alert_severity          the daemon's own verdict, by check and signal
      └─ probe:alert:severity     the same, held while the probe that said it is silent
           ├─ probe:alert:agreed  two regions see it as critical, or all that have a result
           └─ probe:alert:firing  both, with severity and scope → TurnRelayDown, BackendSlow, …

What a rule has to remember it reads back from its own previous evaluation.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from alerts.prometheus import annotations
from alerts.prometheus.promql import (
    GLOBAL,
    SITE,
    Alerting,
    Recording,
    Rule,
    duration,
    names,
    number,
    on,
)
from alerts.state.conditions import NO_DATA_INTERVALS, NO_DATA_SECONDS
from probe.core.kind import Kind
from probe.core.thresholds import (
    FAILING,
    NO_DATA,
    Symptom,
    all_signals,
    components_of,
    symptom_of,
)

SEVERITY, AGREED, FIRING = "probe:alert:severity", "probe:alert:agreed", "probe:alert:firing"
REGIONS, INSTANCES = "probe:check:regions", "probe:instance:region"
LAST_SEEN = "probe:region:last_seen_seconds"
NO_DATA_ALERT = "CheckNoData"
# How long an alert outlives its end: a restart of the probe or a lost scrape resolves nothing.
KEEP_SECONDS = 120.0
# A region that was removed on purpose is forgotten after so long.
FORGOTTEN_SECONDS = 7 * 86400.0

_PRESERVED, _VOTES = "probe:alert:held", "probe:alert:votes"
_OWN = f'probe_alert_severity{{signal="{FAILING}"}}'
_REGION, _CHECK = (*SITE, "region"), (*SITE, "check")
_WHAT = {
    Symptom.DOWN: "is down",
    Symptom.SLOW: "is slow",
    Symptom.DEGRADED: "is degraded",
    Symptom.CERTIFICATE: "has a certificate that expires soon",
}


def sample_labels(kinds: Iterable[Kind[Any, Any]]) -> tuple[str, ...]:
    """Every label that only some signals have."""
    found = {name for signal in all_signals(kinds) for name in signal.labels}
    return tuple(sorted(found - set(GLOBAL)))


def rules(kinds: Iterable[Kind[Any, Any]]) -> Iterator[Rule]:
    """All of them, in the order of their evaluation."""
    kinds = tuple(kinds)
    yield from _presence()
    yield from _severities()
    yield from _agreement(("signal", "symptom", *sample_labels(kinds)))
    yield from _named(kinds)
    yield _no_data()


def _presence() -> Iterator[Rule]:
    """Which probes there are; one whose scrapes fail is not forgotten."""
    yield Recording(
        INSTANCES,
        f"max by ({names((*SITE, 'instance', 'region'))}) (probe_build_info)\n"
        f"or ({INSTANCES} and on (job, instance) (up == 0))",
    )
    yield Recording(
        LAST_SEEN,
        f"max by ({names(_REGION)}) (timestamp(probe_build_info))\n"
        f"or ({LAST_SEEN} > time() - {number(FORGOTTEN_SECONDS)})",
    )


def _severities() -> Iterator[Rule]:
    """What fires; it stays as it was while its probe is silent, and until its first result then.

    What doesn't fire is not recorded, so that a thousand checks that pass cost next to nothing.
    """
    yield Recording(_PRESERVED, f"{SEVERITY} unless {on((*_REGION, 'check'))} {_OWN}")
    yield Recording(
        SEVERITY,
        # The matcher finds what fires without reading what doesn't.
        'probe_alert_severity{component!=""}\n'
        f"or ({_PRESERVED} and on (job, instance) (up == 0))\n"
        f"or ({_PRESERVED} unless {on(_REGION)} probe_build_info and {on(_REGION)} {LAST_SEEN})\n"
        f"or ({_PRESERVED} and on (job, instance, check) probe_interval_seconds)",
    )


def _agreement(labels: tuple[str, ...]) -> Iterator[Rule]:
    """``labels`` are those that distinguish the alerts of one check."""
    one, by = names((*GLOBAL, *labels)), names(_CHECK)
    critical = f"({SEVERITY} == 2)"
    yield Recording(
        REGIONS,
        f"count by ({by}) (count by ({by}, region) (\n"
        f"  (probe_success and {on(_CHECK)} {critical}) or {critical}\n))",
    )
    yield Recording(_VOTES, f"count by ({one}) (count by ({one}, region) {critical})")
    # It ends with the last region that sees it, so that none of them says so afterwards.
    live = f"({critical} and on (job, instance) probe_build_info)"
    yield Recording(
        AGREED,
        f"({_VOTES} >= {on(_CHECK)} group_left () clamp_max({REGIONS}, 2))\n"
        f"or ({_VOTES} and on ({one}) {AGREED} and on ({one}) {live})",
    )
    yield Recording(FIRING, AGREED, {"severity": "critical", "scope": "global"})
    seen = f'max without (instance) ({SEVERITY}{{signal!="{NO_DATA}"}})'
    yield Recording(FIRING, seen, {"severity": "warning", "scope": "region"})


def alert_names(kinds: Iterable[Kind[Any, Any]]) -> dict[str, tuple[str, Symptom]]:
    """Every alert by its name, with the selector of its component.

    Values have one for each component whose kind has thresholds of such; what ``probe.toml``
    limits besides that is an alert of the check.
    """
    found: dict[str, tuple[str, Symptom]] = {}
    named: dict[Symptom, set[str]] = {Symptom.SLOW: set(), Symptom.DEGRADED: set()}
    known: set[str] = set()
    for kind in kinds:
        for component in components_of(kind):
            known.add(component)
            found[component + Symptom.DOWN.suffix] = (f'component="{component}"', Symptom.DOWN)
            for symptom in {symptom_of(each) for each in kind.thresholds}:
                named.get(symptom, set()).add(component)
    for symptom, components in named.items():
        for component in components:
            found[component + symptom.suffix] = (f'component="{component}"', symptom)
        found["Check" + symptom.suffix] = (_others(components), symptom)
    found["Check" + Symptom.DOWN.suffix] = (_others(known), Symptom.DOWN)
    found[Symptom.CERTIFICATE.suffix] = ("", Symptom.CERTIFICATE)
    return dict(sorted(found.items()))


def _others(components: Iterable[str]) -> str:
    return f'component!~"{"|".join(sorted(components))}"'


def _named(kinds: Iterable[Kind[Any, Any]]) -> Iterator[Rule]:
    for name, (which, symptom) in alert_names(kinds).items():
        matchers = ", ".join(filter(None, (which, f'symptom="{symptom.value}"')))
        annotate = annotations.of_failure if symptom is Symptom.DOWN else annotations.of_value
        # What is recorded fires; the comparison says so to people and linters.
        expr = f"{FIRING}{{{matchers}}} > 0"
        yield Alerting(name, expr, {}, annotate(_WHAT[symptom]), keep=KEEP_SECONDS)


def _no_data() -> Alerting:
    """What can't be measured, or no longer runs; the daemon knows when its next run is due."""
    return Alerting(
        NO_DATA_ALERT,
        f'{SEVERITY}{{signal="{NO_DATA}"}} > 0',
        {"severity": "warning", "scope": "region", "signal": NO_DATA},
        {
            "summary": "{{ $labels.check }} has no data, in {{ $labels.region }}",
            "description": f"It could not be measured for {NO_DATA_INTERVALS} intervals and "
            f"{duration(NO_DATA_SECONDS)}. Its state is unknown, and its other alerts stay as they "
            "were.",
            **annotations.links(),
        },
        keep=KEEP_SECONDS,
    )
