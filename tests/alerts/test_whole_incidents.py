"""Whole incidents on a clock that the test moves: exactly these messages, at these times.

For one cause: one firing message, at most one update and one resolve in the chat; one trigger
and one resolve at the pager; and nothing else once the recovery was seen.
"""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.model import Severity, Silence
from alerts.notification.route import GROUP_INTERVAL_SECONDS, Route
from alerts.notification.template import headline
from probe.core.model import Status
from tests.alerts import faults
from tests.alerts.faults import Fault, broken, lab, small_lab
from tests.alerts.simulation import CHAT, PAGER, START, Sent, Simulation

T = 600.0
BACKEND = "The backend is down: connection refused at https://paircam.live/health"


def told(probe: Simulation, to: str = "chat") -> list[tuple[float, str, str]]:
    """What a receiver was sent: (second, why and how severe, title)."""
    return [(each.at - T, each.line, each.message.title) for each in probe.to(to)]


def incident(
    *times: tuple[float, float, Fault], until: float = 1500.0, small: bool = False
) -> Simulation:
    """A lab in which this breaks, from when to when in seconds after the first breakage."""
    probe = Simulation(small_lab() if small else lab())
    probe.live(T + until, broken(*((T + start, T + end, fault) for start, end, fault in times)))
    return probe


def test_a_backend_that_is_down_for_two_minutes() -> None:
    probe = incident((0, 120, faults.backend_is_down))
    assert told(probe) == [
        (31.0, "firing critical", f"{BACKEND}, 6 checks"),
        (151.0, "resolved critical", "engineio, health, ready, signaling recovered"),
    ]
    assert probe.events == ["631 trigger", "751 resolve"]
    first, last = probe.to("chat")
    assert headline(first.message).endswith("since 08:09:59 UTC")
    assert last.message.since == first.message.since
    assert {alert.cause for alert in last.message.resolved} == {"connect_refused"}


def test_redis_that_is_stopped_for_three_minutes() -> None:
    probe = incident((0, 180, faults.redis_is_down))
    title = "The backend is down: redis is down at https://paircam.live/health, 3 checks"
    assert told(probe) == [
        (31.0, "firing critical", title),
        (240.0, "resolved critical", "health, ready, redis, signaling recovered"),
    ]
    assert probe.events == ["631 trigger", "809 resolve"]


def test_redis_that_hangs_for_three_minutes_pages_within_ninety_seconds() -> None:
    probe = incident((0, 180, faults.redis_hangs))
    (firing, resolved) = told(probe)
    assert firing[1:] == (
        "firing critical",
        "Users can't connect: signaling fails: no answer within 10 s at "
        "https://paircam.live/signaling, 2 checks",
    )
    assert firing[0] <= 90
    assert resolved[1:] == ("resolved critical", "redis, signaling recovered")
    assert [each.split()[1] for each in probe.events] == ["trigger", "resolve"]


def test_a_turn_server_that_is_dead_for_four_minutes_is_one_incident() -> None:
    probe = incident((0, 240, faults.turn_is_down))
    assert told(probe) == [
        (
            127.0,
            "firing critical",
            "No TURN relay works: connection refused at turn:a.example:3478, 11 checks",
        ),
        (305.0, "resolved critical", "14 checks recovered: TURN servers"),
    ]
    assert [each.split()[1] for each in probe.events] == ["trigger", "resolve"]


def test_everything_that_freezes_at_once_is_one_incident_that_says_so() -> None:
    probe = incident((0, 164, faults.everything_is_frozen))
    assert told(probe) == [
        (
            30.0,
            "firing critical",
            "16 checks fail: backend, TURN servers, frontend, Postgres and Redis",
        ),
        (
            225.0,
            "resolved critical",
            "21 checks recovered: backend, frontend, TURN servers, Postgres and Redis",
        ),
    ]
    assert [each.split()[1] for each in probe.events] == ["trigger", "resolve"]


def test_one_transport_of_three_is_a_warning() -> None:
    probe = incident((0, 600, faults.primary_udp_is_down))
    assert [each[1] for each in told(probe)] == ["firing warning", "resolved warning"]
    assert probe.to("pager") == []


def test_two_outages_in_an_hour_don_t_mix() -> None:
    probe = incident(
        (0, 120, faults.backend_is_down), (900, 1020, faults.redis_is_down), until=2400
    )
    first, _, second, last = probe.to("chat")
    assert [each.line for each in (first, second)] == ["firing critical", "firing critical"]
    assert "redis is down" in second.message.title
    assert second.message.resolved == ()
    assert {alert.since > START + T + 890 for alert in last.message.resolved} == {True}
    assert {alert.identity.check for alert in last.message.resolved} == {
        "health",
        "ready",
        "signaling",
        "redis",
    }
    assert [each.split()[1] for each in probe.events] == ["trigger", "resolve"] * 2


def test_flapping_is_one_incident_that_ends_when_it_is_calm() -> None:
    times = [(90.0 * n, 90.0 * n + 50, faults.backend_is_down) for n in range(12)]
    probe = incident(*times, until=4000, small=True)
    story = [each.occasion for each in probe.to("chat")]
    # Twice within five minutes is flapping: from then on it is one incident.
    assert story[:3] == ["firing", "resolved", "firing"]
    assert story[-1] == "resolved"
    assert set(story[3:-1]) <= {"changed"}
    assert [each.split()[1] for each in probe.events] == ["trigger", "resolve"] * 2
    last = probe.to("chat")[2:-1]
    gaps = [after.at - before.at for before, after in pairwise(last)]
    assert all(gap >= GROUP_INTERVAL_SECONDS for gap in gaps)


def test_a_rise_is_sent_at_once_and_a_fall_with_the_next_update() -> None:
    probe = incident(
        (0, 600, faults.primary_is_down),
        (600, 1000, faults.turn_is_down),
        (1000, 1500, faults.primary_is_down),
        until=2400,
    )
    chat = probe.to("chat")
    lines = [(each.line, each.message.news[:1]) for each in chat]
    assert lines[0] == ("firing warning", ())
    assert ("changed critical", ("now critical, was warning",)) in lines
    assert ("changed warning", ("now warning, was critical",)) in lines
    assert lines[-1][0] == "resolved warning"
    # The pager had it while no relay worked.
    assert [each.split()[1] for each in probe.events] == ["trigger", "resolve"]
    rise = next(each for each in chat if each.line == "changed critical")
    assert f"{rise.at:g} trigger" in probe.events
    assert len({each.message.key for each in probe.sent}) == 1


def test_a_silence_in_the_middle_is_no_end() -> None:
    keeps = Route("keeps", frozenset(Severity), 60.0, True, 0.0, 0.0, resends=True)
    probe = Simulation(small_lab(), routes=(CHAT, PAGER, keeps))
    says = broken((T, T + 1200, faults.backend_is_down))
    probe.live(T + 100, says)
    silence = Silence(
        "s", ("http", "engineio", "signaling", "turn", "call", "allocation"), "", "", 0, 0
    )
    probe.silences = [replace(silence, start=START + T + 100, end=START + T + 800)]
    probe.live(T + 790, says)
    assert [each[1] for each in told(probe)] == ["firing critical"]
    assert probe.events == ["631 trigger"]
    # A receiver that forgets what isn't repeated goes on hearing of what it was sent.
    repeats = [each.at for each in probe.to("keeps") if each.occasion != "resolved"]
    assert max(after - before for before, after in pairwise(repeats)) <= 61
    probe.live(T + 2400, says)
    assert [each[1] for each in told(probe)][-1] == "resolved critical"
    assert [each.split()[1] for each in probe.events] == ["trigger", "resolve"]


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
    assert headline(end) == "- CLOSED: health is no longer monitored"
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
