"""Every order of what can happen to a cluster, up to a depth, keeps its promises."""

from collections.abc import Callable
from typing import Any

import pytest

from alerts.cluster.decisions.leader import elect
from alerts.role import Assignment
from tests.alerts.cluster.explorer import rules
from tests.alerts.cluster.explorer.search import Found, explore, follow


def show(found: Found, capsys: pytest.CaptureFixture[str]) -> None:
    """Print how much was looked at."""
    with capsys.disabled():
        print(f"\n{found.states} states, {found.transitions} transitions")


def test_no_order_of_two_events_loses_a_trigger_or_an_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = explore(2)
    show(found, capsys)
    assert found.states > 1000
    assert found.broken == []


@pytest.mark.parametrize("seen_by", ["('fra', 'nrt')", "('lax', 'fra', 'nrt')"])
@pytest.mark.parametrize("first", ["fra", "nrt"])
@pytest.mark.parametrize("seconds", [70, 190])
def test_an_outage_is_sent_though_the_resolve_before_it_is_overtaken_in_the_queue(
    seen_by: str, first: str, seconds: int
) -> None:
    mute = "the end, the sender can't deliver"
    path = (mute, f"bad 1 {seen_by}", "wait 190", f"look {first} 1", f"wait {seconds}")
    assert follow(path) == ""


@pytest.mark.proof
def test_no_order_of_three_events_loses_a_trigger_or_an_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = explore(3)
    show(found, capsys)
    assert found.states > 25000
    assert found.broken == []


@pytest.mark.nightly
@pytest.mark.timeout(7200)
def test_no_order_that_ten_minutes_meet_loses_a_trigger_or_an_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = explore(9, seconds=600.0)
    show(found, capsys)
    assert found.states > 40000
    assert found.broken == []


def without(**changes: object) -> Callable[..., Assignment]:
    """The election with some of its facts withheld."""

    def forgetful(*facts: Any, **more: Any) -> Assignment:
        return elect(*facts, **{**more, **changes})

    return forgetful


@pytest.mark.parametrize(
    ("scenario", "name", "rule"),
    [
        # A sender that has resolved a group follows those who still follow it: nobody notifies.
        ("the end, the sender can't deliver", "elect", without(ended=None)),
        # A minority resolves what the majority sees.
        ("the end for lax alone, cut off", "may_resolve", lambda *facts: True),
    ],
)
def test_the_search_finds_what_the_rules_prevent(
    scenario: str, name: str, rule: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, name, rule)
    assert explore(3, only=scenario, stop=True).broken
