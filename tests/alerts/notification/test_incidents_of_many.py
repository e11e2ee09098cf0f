"""Thousands of alerts at once find their incidents as few do, and in time that grows with them."""

from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.model import Alert, Fingerprint, Severity
from alerts.notification.incident import (
    MANY_SERVICES,
    RELATED_SECONDS,
    OpenIncidents,
)
from alerts.notification.template import MAX_HEADLINE, headline
from alerts.state.confirmation import TOGETHER_SECONDS
from probe.core.thresholds import FAILING, NO_DATA
from tests.alerts.samples import sample_message
from tests.alerts.words import an_alert

PAGED = {"g0": 100.0, "g1": 2000.0}
NUMBERS = st.integers(0, 4)


def alert(check: int, since: float, rule: str, service: str, severity: Severity) -> Alert:
    """An alert of one of a few checks; every second check is of one group."""
    identity = Fingerprint(f"c{check}", rule)
    return an_alert(
        f"c{check}",
        since,
        identity=identity,
        fired=since + 30.0,
        service=service,
        severity=severity,
    )


alerts = st.lists(
    st.builds(
        alert,
        NUMBERS,
        st.sampled_from([0.0, 60.0, 120.0, 121.0, 240.0, 900.0, 1000.0, 2100.0]),
        st.sampled_from([FAILING, NO_DATA, "probe_rtt"]),
        st.sampled_from(["", "s0", "s1", "s2", "c0", "c1"]),
        st.sampled_from(Severity),
    ),
    max_size=9,
    unique_by=lambda each: each.identity,
)


def group_of(each: Alert) -> str:
    """Two groups."""
    return f"g{int(each.identity.check[1:]) % 2}"


def by_comparing_all(firing: Sequence[Alert], later: Sequence[Alert]) -> dict[Fingerprint, str]:
    """The incident of each alert, found by comparing each with each."""
    keys: dict[Fingerprint, str] = {}
    for seen in (firing, [*firing, *later]):
        wide = len({each.service for each in seen}) >= MANY_SERVICES
        new = [each for each in seen if each.identity not in keys]
        for one in sorted(new, key=lambda each: each.severity is not Severity.CRITICAL):
            others = [each for each in seen if each.identity in keys]
            same = [each for each in others if _joins(one, each, keys[each.identity], wide)]
            oldest = min(same, key=lambda each: (each.since, str(each.identity)), default=None)
            keys[one.identity] = keys[oldest.identity] if oldest else _own(one, keys, others)
    return keys


def _own(one: Alert, keys: dict[Fingerprint, str], others: Sequence[Alert]) -> str:
    taken = {keys[each.identity] for each in others}
    names = (group_of(one), f"{group_of(one)} {one.identity.check}")
    return next((each for each in names if each not in taken), f"{names[0]} {one.identity}")


def _joins(one: Alert, other: Alert, key: str, wide: bool) -> bool:
    apart, paged = abs(one.since - other.since), PAGED.get(key)
    is_page = any(each.service == each.identity.check for each in (one, other))
    if apart <= TOGETHER_SECONDS and (wide or not is_page or paged is None):
        return True
    is_related = group_of(one) == group_of(other) or (one.service and one.service == other.service)
    if other.identity.rule not in (FAILING, NO_DATA) or not is_related:
        return False
    return paged is None or apart <= RELATED_SECONDS or one.fired - paged <= RELATED_SECONDS


@settings(max_examples=60)
@given(alerts, st.integers(0, 9))
def test_each_alert_finds_the_incident_that_comparing_all_would_find(
    found: list[Alert], first: int
) -> None:
    incidents = OpenIncidents(group_of, PAGED.get)
    incidents.assign(found[:first])
    incidents.assign(found)
    expected = by_comparing_all(found[:first], found[first:])
    assert {each.identity: incidents.key_of(each) for each in found} == expected


class Counted(str):
    """A text that counts how often it is compared."""

    comparisons = 0

    def __eq__(self, other: object) -> bool:
        type(self).comparisons += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def test_an_outage_of_many_checks_compares_each_with_few() -> None:
    many = [
        an_alert(f"c{number}", since, service=Counted(f"s{number % services}"))
        for services, (number, since) in product((2, 400), enumerate([0.0, 50.0] * 200))
    ]
    for outage in (many[:400], many[400:]):
        Counted.comparisons = 0
        incidents = OpenIncidents(lambda each: each.identity.check, lambda key: None)
        incidents.assign(outage)
        assert len({incidents.key_of(each) for each in outage}) == 1
        assert Counted.comparisons <= 10 * len(outage)


@pytest.mark.parametrize(
    ("title", "kept"),
    [
        (f"Postgres doesn't work: {'your account is over its limit, ' * 5}now (postgres)", "(pos"),
        (
            f"The backend is down: {'again and again ' * 9}at https://a.example/health (health)",
            "at",
        ),
        (f"No TURN relay works: {'reason ' * 20}at turn:a.example:3478, 11 checks", "at turn:a"),
    ],
)
def test_a_long_headline_keeps_its_place_and_its_checks(title: str, kept: str) -> None:
    message = sample_message(title=title)
    shown = headline(message)
    place = title[title.rindex(f" {kept}") :]
    assert f" …{place}, since " in shown
    assert len(shown) <= MAX_HEADLINE
