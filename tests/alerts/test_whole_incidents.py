"""Whole incidents on a clock that the test moves: exactly these messages, at these times.

For one cause: one firing message, at most one update and one resolve in the chat; one trigger
and one resolve at the pager; and nothing else once the recovery was seen.
"""

from itertools import pairwise

from msgspec.structs import replace

from alerts.model import Severity, Silence
from alerts.notification.route import GROUP_INTERVAL_SECONDS, Route
from alerts.notification.template import headline
from tests.alerts import faults
from tests.alerts.faults import Fault, broken, lab, small_lab
from tests.alerts.simulation import CHAT, PAGER, START, Simulation

T = 600.0
BACKEND = "The backend is down: connection refused at https://paircam.live/health"


def sent(probe: Simulation, to: str = "chat") -> list[tuple[float, str, str]]:
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
    assert sent(probe) == [
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
    assert sent(probe) == [
        (31.0, "firing critical", title),
        (240.0, "resolved critical", "health, ready, redis, signaling recovered"),
    ]
    assert probe.events == ["631 trigger", "809 resolve"]


def test_redis_that_hangs_for_three_minutes_pages_within_ninety_seconds() -> None:
    probe = incident((0, 180, faults.redis_hangs))
    (firing, resolved) = sent(probe)
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
    assert sent(probe) == [
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
    assert sent(probe) == [
        (
            30.0,
            "firing critical",
            "12 checks fail: backend, TURN servers, frontend, Postgres and Redis",
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
    firing, resolved = probe.to("chat")
    assert [firing.line, resolved.line] == ["firing warning", "resolved warning"]
    # What the first check runs at once gives the server up 2 s after the group's wait.
    assert len(firing.message.firing) == 3
    assert firing.message.title.endswith(", 3 checks")
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
    # Four times in an hour is flapping: from then on it is one incident.
    assert story[:6] == ["firing", "resolved"] * 3
    assert (story[6], story[-1]) == ("firing", "resolved")
    assert set(story[7:-1]) == {"changed"}
    last = probe.to("chat")[6:-1]
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
    assert [each[1] for each in sent(probe)] == ["firing critical"]
    assert probe.events == ["631 trigger"]
    # A receiver that forgets what isn't repeated goes on hearing of what it was sent.
    repeats = [each.at for each in probe.to("keeps") if each.occasion != "resolved"]
    assert max(after - before for before, after in pairwise(repeats)) <= 61
    probe.live(T + 2400, says)
    assert [each[1] for each in sent(probe)][-1] == "resolved critical"
    assert [each.split()[1] for each in probe.events] == ["trigger", "resolve"]
