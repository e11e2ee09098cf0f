"""Whole incidents with a restart, a refusal or a removed check in their middle."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.model import Severity
from alerts.notification.incident import OpenIncidents
from alerts.notification.route import GROUP_INTERVAL_SECONDS
from alerts.notification.template import headline
from probe.core.model import Status
from tests.alerts import faults
from tests.alerts.faults import Fault, broken, lab, small_lab
from tests.alerts.simulation import Sent, Simulation
from tests.alerts.test_whole_incidents import T
from tests.alerts.words import an_alert


def test_a_restart_in_the_middle_is_no_news() -> None:
    probe, says = Simulation(small_lab()), broken((T, T + 600, faults.backend_is_down))
    probe.live(T + 100, says)
    probe.start()
    probe.live(T + 1500, says)
    assert probe.events[0] == "631 trigger"
    assert [each.split()[1] for each in probe.events] == ["trigger", "resolve"]
    chat = probe.to("chat")
    assert chat[0].line == "firing critical"
    assert chat[-1].line == "resolved critical"
    assert {each.occasion for each in chat[1:-1]} <= {"changed"}
    assert chat[-1].message.since == chat[0].message.since
    assert len(chat) <= 3


@pytest.mark.parametrize("backend", [120.0, 600.0])
@pytest.mark.parametrize("redis", [120.0, 300.0, 600.0])
@pytest.mark.parametrize("restart", [None, 1.0, 25.0, 60.0, 121.0, 130.0, 151.0])
def test_what_a_check_that_runs_seldom_finds_in_an_outage_is_no_incident_of_its_own(
    backend: float, redis: float, restart: float | None
) -> None:
    """Redis fails 15 s after the backend; its check, which runs each hour, two minutes later."""
    probe = Simulation(small_lab())
    says = broken(
        (T, T + backend, faults.backend_is_down), (T + 15, T + 15 + redis, faults.redis_is_down)
    )
    if restart is not None:
        probe.live(T + restart, says)
        probe.start()
    probe.live(T + 1500, says)
    for receiver in ("chat", "pager"):
        found = [each.occasion for each in probe.to(receiver)]
        assert [each for each in found if each != "changed"] == ["firing", "resolved"]


@pytest.mark.parametrize(
    ("severity", "earliest", "paged", "joins"),
    [
        (Severity.WARNING, 50.0, True, True),
        # It worked in the meantime.
        (Severity.WARNING, 130.0, True, False),
        # A page is never hidden, and no warning lengthens an incident without a page.
        (Severity.CRITICAL, 50.0, True, False),
        (Severity.WARNING, 50.0, False, False),
    ],
)
def test_a_warning_that_may_have_begun_with_a_page_is_part_of_it(
    severity: Severity, earliest: float, paged: bool, joins: bool
) -> None:
    here = OpenIncidents(
        lambda alert: alert.identity.check,
        lambda key: 30.0 if paged else None,
        lambda alert: earliest if alert.identity.check == "redis" else alert.since,
    )
    health = an_alert("health", 0.0, severity=Severity.CRITICAL)
    here.assign([health])
    redis = an_alert("redis", 200.0, severity=severity)
    here.assign([health, redis])
    assert here.key_of(redis) == ("health" if joins else "redis")


def test_what_recovers_during_a_restart_is_resolved_and_nothing_fires() -> None:
    probe, says = Simulation(small_lab()), broken((T, T + 110, faults.backend_is_down))
    probe.live(T + 100, says)
    probe.now = T + 300
    probe.start()
    probe.live(T + 900, says)
    assert probe.lines("chat") == ["firing critical", "resolved critical"]
    assert [each.split()[1] for each in probe.events] == ["trigger", "resolve"]


def test_a_page_that_is_refused_is_sent_again_while_it_fires() -> None:
    probe = Simulation(small_lab())
    refused: list[Sent] = []

    def refuses(sent: Sent) -> bool:
        if sent.notifier == "pager" and not refused:
            refused.append(sent)
            return True
        return False

    probe.refuses = refuses
    probe.live(T + 1500, broken((T, T + 600, faults.backend_is_down)))
    assert [each.split()[1] for each in probe.events] == ["trigger", "trigger", "resolve"]
    assert probe.to("pager")[1].at - refused[0].at == GROUP_INTERVAL_SECONDS


def test_a_wrong_key_that_is_repaired_by_a_restart_pages_then() -> None:
    probe, says = Simulation(small_lab()), broken((T, T + 600, faults.backend_is_down))
    probe.refuses = lambda sent: sent.notifier == "pager"
    probe.live(T + 100, says)
    assert probe.events == ["631 trigger"]
    probe.refuses = lambda sent: False
    probe.start()
    probe.live(T + 115, says)
    assert len(probe.events) == 2


def test_a_page_that_is_never_accepted_is_never_resolved() -> None:
    probe = Simulation(small_lab())
    probe.refuses = lambda sent: sent.notifier == "pager"
    probe.live(T + 900, broken((T, T + 120, faults.backend_is_down)))
    assert probe.events == ["631 trigger"]


@pytest.mark.parametrize("restarts", [False, True])
def test_a_check_that_is_removed_while_it_fails_is_closed_as_no_longer_monitored(
    restarts: bool,
) -> None:
    checks = [check for check in lab() if check.name == "health"]
    probe, says = Simulation(checks), broken((T, T + 5000, faults.backend_is_down))
    probe.live(T + 100, says)
    if restarts:
        probe.start([])
    else:
        probe.reload([])
    probe.live(T + 200, says)
    end = probe.to("chat")[-1].message
    assert headline(end) == "- CLOSED: health is no longer monitored, after 100 s"
    assert probe.events == ["630 trigger", "700 resolve"]


def test_no_page_leaves_when_the_check_has_recovered_meanwhile() -> None:
    """The last failed look, then a recovery, then the time at which it would have fired."""
    checks = [check for check in lab() if check.name in ("health", "ready")]
    for end in range(1, 60, 3):
        probe = Simulation(checks)
        probe.live(T + 300, broken((T, T + end, faults.backend_is_down)))
        for sent in probe.sent:
            assert sent.occasion == "resolved" or sent.at <= T + end + 1, f"after {end} s"


windows = st.lists(
    st.tuples(
        st.integers(0, 900),
        st.integers(1, 400),
        st.sampled_from(
            [
                faults.backend_is_down,
                faults.redis_is_down,
                faults.redis_hangs,
                faults.turn_is_down,
                faults.everything_is_frozen,
            ]
        ),
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(windows)
def test_whatever_breaks_nothing_but_resolves_is_sent_after_all_was_seen_to_work(
    found: list[tuple[int, int, Fault]],
) -> None:
    probe = Simulation(small_lab())
    times = [(100.0 + start, 100.0 + start + length, fault) for start, length, fault in found]
    says = broken(*times)
    seen: list[tuple[Sent, bool]] = []

    def delivers(sent: Sent) -> bool:
        states = (probe.board.state(each.identity.check) for each in sent.message.firing)
        failing = [each for each in states if each and each.result.status is Status.FAILED]
        seen.append((sent, bool(failing)))
        return False

    probe.refuses = delivers
    probe.live(2600.0, says)
    for sent, still_failed in seen:
        assert still_failed or sent.occasion == "resolved", sent
    assert probe.pipeline.group_store.views == {}
    for to in ("chat", "pager"):
        opened: set[str] = set()
        for sent in probe.to(to):
            key = sent.message.key
            assert (sent.occasion == "firing") is (key not in opened)
            opened = opened - {key} if sent.occasion == "resolved" else opened | {key}
