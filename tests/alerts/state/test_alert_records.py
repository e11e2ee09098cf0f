"""Only what waits for something is asked again and again."""

from alerts.model import Fingerprint, Severity
from alerts.state.alert_records import AlertRecords
from alerts.state.machine import AlertState, ObservedLevel, State, Timers
from alerts.state.record import AlertRecord
from probe.core.thresholds import FAILING, NO_DATA

TERMS = Timers({Severity.WARNING: 0.0, Severity.CRITICAL: 0.0})
FIRING = State(stage=AlertState.FIRING, seen=ObservedLevel.CRITICAL)
GOOD_AGAIN = State(stage=AlertState.FIRING, seen=ObservedLevel.GOOD)


def records(**states: State) -> tuple[AlertRecords, dict[str, AlertRecord]]:
    """A failing rule for each check, in these states."""
    kept, made = AlertRecords(), {}
    for check, state in states.items():
        made[check] = kept.add(Fingerprint(check, FAILING), AlertRecord(state, TERMS))
    return kept, made


def test_what_passes_is_known_and_not_active() -> None:
    kept, _ = records(a=State(), b=FIRING)
    assert [each.check for each in kept] == ["a", "b"]
    assert [each.check for each in kept.active] == ["b"]
    assert Fingerprint("a", FAILING) in kept
    assert kept.get(Fingerprint("a", NO_DATA)) is None


def test_a_record_becomes_active_with_its_state_and_rests_again() -> None:
    kept, made = records(a=State(), b=State())
    identity = Fingerprint("a", FAILING)
    made["a"].state = FIRING
    kept.settle(identity, made["a"])
    assert kept.is_seen_bad("a")
    assert not kept.is_recovering("a")
    assert not kept.is_seen_bad("b")
    made["a"].state = GOOD_AGAIN
    kept.settle(identity, made["a"])
    assert kept.is_recovering("a")
    assert kept.recovering == {identity}
    made["a"].state = State()
    kept.settle(identity, made["a"])
    assert not kept.active
    assert not kept.active_of("a")


def test_what_an_earlier_process_saw_too_long_ago_confirms_nothing() -> None:
    kept, made = records(a=FIRING)
    made["a"].stale = True
    assert not kept.is_seen_bad("a")
    made["a"].stale = False
    assert kept.is_seen_bad("a")


def test_what_is_dropped_is_not_active_any_more_and_others_of_its_check_are() -> None:
    kept, _ = records(a=FIRING)
    other = kept.add(Fingerprint("a", NO_DATA), AlertRecord(FIRING, TERMS))
    kept.pop(Fingerprint("a", FAILING))
    assert list(kept.active_of("a").values()) == [other]
    kept.pop(Fingerprint("a", NO_DATA))
    assert not kept.is_seen_bad("a")
    assert list(kept) == []


def test_another_record_of_the_same_identity_takes_its_place() -> None:
    kept, _ = records(a=FIRING)
    newer = kept.add(Fingerprint("a", FAILING), AlertRecord(GOOD_AGAIN, TERMS))
    assert list(kept.active.values()) == [newer]
    assert kept.is_recovering("a")


def test_a_check_is_pending_by_its_failing_rule_alone() -> None:
    pending = State(stage=AlertState.PENDING, seen=ObservedLevel.WARNING, since=1.0)
    kept, _ = records(b=pending, a=pending)
    kept.add(Fingerprint("c", NO_DATA), AlertRecord(pending, TERMS))
    assert set(kept.pending) == {"a", "b"}
