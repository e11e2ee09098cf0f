"""An alert's life: bad for long enough fires, good for long enough ends, unknown is nothing."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.model import Severity
from alerts.state.machine import (
    FLAP_CLEAR_SECONDS,
    FLAPS,
    AlertState,
    ObservedLevel,
    State,
    Timers,
    Transition,
    TransitionType,
    next_time,
    observe,
    tick,
)

TERMS = Timers(hold={Severity.WARNING: 60.0, Severity.CRITICAL: 30.0}, clear=20.0)
AT_ONCE = Timers(hold={Severity.WARNING: 0.0, Severity.CRITICAL: 0.0})

Seq = list[tuple[float, ObservedLevel]]


def live(
    seen: Iterable[tuple[float, ObservedLevel]], until: float, terms: Timers = TERMS
) -> tuple[State, list[Transition]]:
    """What becomes of an alert whose timers go off when they are due."""
    state, transitions = State(), list[Transition]()

    def take(step: tuple[State, Transition | None]) -> None:
        nonlocal state
        state, transition = step
        transitions.extend([transition] if transition else [])

    for at, what in [*seen, (until, ObservedLevel.NOTHING)]:
        while (due := next_time(state, terms)) is not None and due < at:
            before = state
            take(tick(state, due, terms))
            assert state != before
        take(observe(state, what, at, terms))
    return state, transitions


def turns(transitions: list[Transition]) -> list[tuple[TransitionType, Severity, float]]:
    return [(each.turn, each.severity, each.at) for each in transitions]


def test_a_page_leaves_by_the_timer_and_not_by_the_next_result() -> None:
    _, transitions = live([(0, ObservedLevel.GOOD), (10, ObservedLevel.CRITICAL)], 1000)
    assert turns(transitions) == [(TransitionType.FIRED, Severity.CRITICAL, 40.0)]
    assert transitions[0].since == 10.0


def test_what_recovers_in_time_does_not_fire() -> None:
    state, transitions = live([(10, ObservedLevel.CRITICAL), (39, ObservedLevel.GOOD)], 1000)
    assert transitions == []
    assert state.stage is AlertState.OK


def test_it_resolves_after_keep_firing_for() -> None:
    _, transitions = live(
        [(0, ObservedLevel.CRITICAL), (100, ObservedLevel.GOOD), (110, ObservedLevel.GOOD)], 1000
    )
    assert turns(transitions) == [
        (TransitionType.FIRED, Severity.CRITICAL, 30.0),
        (TransitionType.RESOLVED, Severity.CRITICAL, 120.0),
    ]


def test_a_relapse_before_that_is_the_same_alert() -> None:
    seen: Seq = [
        (0, ObservedLevel.CRITICAL),
        (100, ObservedLevel.GOOD),
        (110, ObservedLevel.CRITICAL),
        (200, ObservedLevel.GOOD),
    ]
    _, transitions = live(seen, 1000)
    assert turns(transitions) == [
        (TransitionType.FIRED, Severity.CRITICAL, 30.0),
        (TransitionType.RESOLVED, Severity.CRITICAL, 220.0),
    ]


def test_it_escalates_and_eases() -> None:
    seen: Seq = [
        (0, ObservedLevel.WARNING),
        (100, ObservedLevel.CRITICAL),
        (200, ObservedLevel.WARNING),
        (300, ObservedLevel.GOOD),
    ]
    _, transitions = live(seen, 1000)
    assert turns(transitions) == [
        (TransitionType.FIRED, Severity.WARNING, 60.0),
        (TransitionType.ESCALATED, Severity.CRITICAL, 130.0),
        (TransitionType.EASED, Severity.WARNING, 200.0),
        (TransitionType.RESOLVED, Severity.WARNING, 320.0),
    ]
    assert {each.since for each in transitions} == {0.0}


def test_unknown_neither_fires_nor_resolves() -> None:
    nothing: Seq = [(at, ObservedLevel.NOTHING) for at in range(100, 1000, 10)]
    _, transitions = live([(0, ObservedLevel.CRITICAL), *nothing], 1000)
    assert turns(transitions) == [(TransitionType.FIRED, Severity.CRITICAL, 30.0)]
    _, transitions = live([(0, ObservedLevel.GOOD), *nothing], 1000)
    assert transitions == []


def test_one_bad_result_among_good_ones_is_not_noticed() -> None:
    seen: Seq = [
        (at, ObservedLevel.CRITICAL if at == 50 else ObservedLevel.GOOD) for at in range(0, 200, 10)
    ]
    assert live(seen, 1000)[1] == []


def test_every_second_failure_is_noticed() -> None:
    seen: Seq = [
        (at, ObservedLevel.CRITICAL if at % 20 else ObservedLevel.GOOD) for at in range(0, 200, 10)
    ]
    _, transitions = live(seen, 200)
    assert [each.turn for each in transitions] == [TransitionType.FIRED]


def test_flapping_is_reported_once_and_ends_when_it_is_calm() -> None:
    seen: Seq = []
    for round_ in range(2 * FLAPS):
        seen += [(round_ * 400.0, ObservedLevel.CRITICAL)]
        seen += [(round_ * 400.0 + 50 + 10 * good, ObservedLevel.GOOD) for good in range(6)]
    _, transitions = live(seen, 10_000)
    found = [each.turn for each in transitions]
    assert found.count(TransitionType.FLAPPING) == 1
    assert found[-2:] == [TransitionType.FLAPPING, TransitionType.RESOLVED]
    assert transitions[-1].at == seen[-6][0] + FLAP_CLEAR_SECONDS


@pytest.mark.parametrize(
    ("seen", "severity"), [(ObservedLevel.WARNING, "warning"), (ObservedLevel.CRITICAL, "critical")]
)
def test_without_a_hold_it_fires_at_once(seen: ObservedLevel, severity: str) -> None:
    _, transitions = live([(5, seen)], 5, AT_ONCE)
    assert turns(transitions) == [(TransitionType.FIRED, Severity(severity), 5)]


sequences = st.lists(
    st.tuples(st.integers(1, 60), st.sampled_from(ObservedLevel)), min_size=1, max_size=60
)


def at_times(steps: list[tuple[int, ObservedLevel]]) -> Seq:
    """Steps as (time, seen)."""
    found, now = [], 0.0
    for gap, seen in steps:
        now += gap
        found.append((now, seen))
    return found


@given(sequences)
def test_at_most_one_incident_is_open_and_each_ends_once(
    steps: list[tuple[int, ObservedLevel]],
) -> None:
    seen = at_times(steps)
    state, transitions = live(seen, seen[-1][0] + 10_000)
    opened = False
    for each in transitions:
        if each.turn in (TransitionType.FIRED, TransitionType.FLAPPING):
            assert not opened
            opened = True
        elif each.turn is TransitionType.RESOLVED:
            assert opened
            opened = False
        else:
            assert opened
    assert opened is (state.stage is AlertState.FIRING)


@given(sequences)
def test_it_never_fires_before_the_condition_has_held(
    steps: list[tuple[int, ObservedLevel]],
) -> None:
    seen = at_times(steps)
    _, transitions = live(seen, seen[-1][0] + 10_000)
    for each in transitions:
        if each.turn in (TransitionType.FIRED, TransitionType.FLAPPING):
            assert each.at - each.since >= TERMS.hold[each.severity]


@given(sequences)
def test_it_never_resolves_while_the_last_result_was_bad(
    steps: list[tuple[int, ObservedLevel]],
) -> None:
    seen = at_times(steps)
    _, transitions = live(seen, seen[-1][0] + 10_000)
    for each in transitions:
        if each.turn is TransitionType.RESOLVED:
            last = [
                what for at, what in seen if at <= each.at and what is not ObservedLevel.NOTHING
            ][-1]
            assert last is ObservedLevel.GOOD


@given(sequences, st.data())
def test_unknown_results_change_nothing(
    steps: list[tuple[int, ObservedLevel]], data: st.DataObject
) -> None:
    seen = at_times(steps)
    until = seen[-1][0] + 10_000
    extra = data.draw(st.lists(st.floats(0, until), max_size=20))
    with_more = sorted(
        [*seen, *((at, ObservedLevel.NOTHING) for at in extra)], key=lambda each: each[0]
    )
    known = [each for each in seen if each[1] is not ObservedLevel.NOTHING]
    assert live(with_more, until)[1] == live(known, until)[1]


@given(sequences, st.integers(0, 60))
def test_a_restart_changes_nothing(steps: list[tuple[int, ObservedLevel]], cut: int) -> None:
    """The state is plain values: a copy of it goes on as the state would have."""
    seen = at_times(steps)
    state = State()
    for at, what in seen[:cut]:
        state, _ = observe(state, what, at, TERMS)
    stored = State(
        AlertState(state.stage.value),
        state.severity and Severity(state.severity.value),
        ObservedLevel(state.seen.value),
        state.since,
        state.severe,
        state.fired,
        state.good,
        tuple(state.recent),
        tuple(state.flips),
        state.flapping,
    )
    for at, what in seen[cut:]:
        state, transitions = observe(state, what, at, TERMS)
        stored, repeated = observe(stored, what, at, TERMS)
        assert transitions == repeated
    assert state == stored
