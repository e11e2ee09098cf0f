"""Incidents are recorded with what failed, who was notified when, and what kept it back."""

from msgspec.structs import replace

from alerts.incident_history.recorder import IncidentRecorder
from alerts.model import Alert, Delivery, Message, MessageType, Silence
from alerts.notification.message import AlertGroup
from alerts.notification.recent_changes import Marker
from probe.history.incidents.model import (
    Incident,
    IncidentSeverity,
    Notification,
    NotificationStatus,
)
from tests.alerts import faults
from tests.alerts.samples import NOON, failing, sample_message, slow
from tests.alerts.simulation import START, Sent, Simulation

BACKEND = "paircam.live"


class Kept:
    """Keeps what a recorder hands on, as history does."""

    def __init__(self) -> None:
        self.incidents: dict[str, Incident] = {}
        self.notifications: dict[tuple[str, str, str, float], Notification] = {}

    def keep(self, incident: Incident) -> None:
        """Store an incident."""
        self.incidents[incident.id] = incident

    def rename(self, old: str, incident: Incident) -> None:
        """Store an incident under another id."""
        self.incidents[incident.id] = self.incidents.pop(old) and incident
        for key in [each for each in self.notifications if each[0] == old]:
            self.notifications[incident.id, *key[1:]] = self.notifications.pop(key)

    def keep_notification(self, incident: str, found: Notification) -> None:
        """Store a message."""
        key = (incident, found.receiver, found.occasion, found.at)
        self.notifications[key] = found

    def of(self, incident: Incident) -> list[tuple[str, str, NotificationStatus]]:
        """Receiver, occasion and status of an incident's messages, in the order of their time."""
        found = [each for key, each in self.notifications.items() if key[0] == incident.id]
        found.sort(key=lambda each: (each.at, each.receiver))
        return [(each.receiver, each.occasion, each.status) for each in found]


def recorded(simulation: Simulation, kept: Kept) -> Simulation:
    """A simulation whose incidents are kept."""
    simulation.pipeline.recorder.connect(kept, (), {})
    return simulation


def never(alert: Alert) -> None:
    """Nothing is suppressed."""


def group(
    *firing: Alert, over: tuple[Alert, ...] = (), suppressed: tuple[Alert, ...] = ()
) -> AlertGroup:
    """A group of the backend."""
    return AlertGroup(BACKEND, firing, suppressed, over)


def sent(occasion: MessageType, at: float, notifier: str = "chat") -> Delivery:
    """A message about the backend."""
    return Delivery(notifier, sample_message(occasion, key=BACKEND, at=at), number=1, due=at)


def test_an_outage_is_one_incident_with_its_messages_and_its_end() -> None:
    kept = Kept()
    simulation = recorded(Simulation(faults.small_lab()), kept)
    simulation.live(900, faults.broken((60, 240, faults.redis_is_down)))
    [incident] = kept.incidents.values()
    assert incident.severity is IncidentSeverity.CRITICAL
    assert START + 59 <= incident.since <= START + 90
    assert incident.ended is not None
    assert START + 240 <= incident.ended <= START + 330
    assert incident.cause in ("service_down", "connect_refused")
    assert "redis" in incident.checks
    assert all(alert.ended is not None for alert in incident.alerts)
    messages = kept.of(incident)
    assert messages[0] == ("chat", "firing", NotificationStatus.DELIVERED)
    assert messages[-1][1:] == ("resolved", NotificationStatus.DELIVERED)
    assert {receiver for receiver, _, _ in messages} == {"chat", "pager"}
    assert simulation.pipeline.recorder.open == []


def test_two_outages_have_ids_of_their_own_which_their_messages_link_to() -> None:
    recorder, kept = IncidentRecorder("lax"), Kept()
    recorder.connect(kept, (), {})
    first = recorder.id_of(BACKEND, NOON, opens=True)
    recorder.update([group(failing())], NOON, never)
    assert recorder.id_of(BACKEND, NOON + 1, opens=False) == first
    recorder.update([], NOON + 60, never)
    assert recorder.id_of(BACKEND, NOON + 60, opens=False) == first, "its end is still to be sent"
    second = recorder.id_of(BACKEND, NOON + 90, opens=True)
    recorder.update([group(failing(since=NOON + 80, fired=NOON + 90))], NOON + 90, never)
    assert first != second
    assert list(kept.incidents) == [first, second]
    assert recorder.id_of("other", NOON, opens=False) == ""


def test_an_incident_goes_on_after_a_restart_with_the_same_id() -> None:
    kept = Kept()
    before = IncidentRecorder("lax")
    before.connect(kept, (), {})
    before.update([group(failing())], NOON, never)
    [known] = kept.incidents.values()
    after = IncidentRecorder("lax")
    after.connect(kept, [known], {BACKEND: known.id})
    assert after.id_of(BACKEND, NOON + 99, opens=True) == known.id
    after.update([group(failing(), slow())], NOON + 100, never)
    after.update([], NOON + 200, never)
    [found] = kept.incidents.values()
    assert (found.since, found.ended) == (known.since, NOON + 200)
    assert len(found.alerts) == 2


def test_what_was_taken_over_from_a_receiver_is_marked() -> None:
    recorder, kept = IncidentRecorder("lax"), Kept()
    recorder.connect(kept, (), {})
    recorder.adopt(BACKEND)
    recorder.update([group(failing())], NOON, never)
    assert [each.adopted for each in kept.incidents.values()] == [True]


def test_severity_and_first_bad_result_are_those_of_the_whole_incident() -> None:
    recorder, kept = IncidentRecorder("lax"), Kept()
    recorder.connect(kept, (), {})
    recorder.update([group(slow())], NOON, never)
    recorder.update([group(failing(since=NOON - 50), slow())], NOON + 10, never)
    over = (failing(ended=NOON + 20),)
    recorder.update([group(slow(), over=over)], NOON + 20, never)
    recorder.update([group(over=(*over, slow(ended=NOON + 90)))], NOON + 99, never)
    [found] = kept.incidents.values()
    assert (found.severity, found.since) == (IncidentSeverity.CRITICAL, NOON - 50)
    assert found.ended == NOON + 90, "when the last alert ended, not when that was seen"
    assert "redis is down" in found.title, "named after its worst moment"
    assert {each.name: each.ended for each in found.alerts} == {
        "health/failing": NOON + 20,
        str(slow().identity): NOON + 90,
    }


def test_an_alert_that_fires_again_before_the_end_is_sent_is_the_same_incident() -> None:
    recorder, kept = IncidentRecorder("lax"), Kept()
    recorder.connect(kept, (), {})
    recorder.update([group(failing())], NOON, never)
    recorder.update([group(over=(failing(ended=NOON + 20),))], NOON + 20, never)
    assert [each.ended for each in kept.incidents.values()] == [NOON + 20]
    recorder.update([group(failing(since=NOON + 30))], NOON + 60, never)
    [found] = kept.incidents.values()
    assert (found.ended, found.since) == (None, NOON)


def test_a_silence_is_named_and_no_one_was_notified() -> None:
    recorder, kept = IncidentRecorder("lax"), Kept()
    recorder.connect(kept, (), {})
    silence = Silence("silence-1", ("*",), "eva", "moving", NOON, NOON + 60)
    recorder.update([group(suppressed=(failing(),))], NOON, lambda alert: silence)
    [found] = kept.incidents.values()
    assert (found.suppressed, kept.of(found)) == (("silence-1",), [])


def test_each_receiver_has_its_own_story() -> None:
    recorder, kept = IncidentRecorder("lax"), Kept()
    recorder.connect(kept, (), {})
    recorder.update([group(failing())], NOON, never)
    chat, pager = sent(MessageType.FIRING, NOON), sent(MessageType.FIRING, NOON, "pager")
    recorder.queued([chat, pager])
    recorder.delivered(chat, NOON + 2)
    recorder.follow([], [replace(pager, error="401 Unauthorized")], NOON + 3)
    [found] = kept.incidents.values()
    by_receiver = {each.receiver: each for each in kept.notifications.values()}
    assert by_receiver["chat"].status is NotificationStatus.DELIVERED
    assert by_receiver["chat"].settled == NOON + 2
    assert by_receiver["pager"].status is NotificationStatus.REFUSED
    assert by_receiver["pager"].error == "401 Unauthorized"
    assert len(kept.of(found)) == 2


def test_a_message_that_became_part_of_a_later_one_is_dropped() -> None:
    recorder, kept = IncidentRecorder("lax"), Kept()
    recorder.connect(kept, (), {})
    recorder.update([group(failing())], NOON, never)
    first, later = sent(MessageType.FIRING, NOON), sent(MessageType.CHANGED, NOON + 60)
    recorder.queued([first])
    recorder.queued([later])
    recorder.delivered(later, NOON + 61)
    [found] = kept.incidents.values()
    assert kept.of(found) == [
        ("chat", "firing", NotificationStatus.DROPPED),
        ("chat", "changed", NotificationStatus.DELIVERED),
    ]


def test_a_refusal_that_no_one_reported_is_found_in_the_outbox() -> None:
    recorder, kept = IncidentRecorder("lax"), Kept()
    recorder.connect(kept, (), {})
    recorder.update([group(failing())], NOON, never)
    lost = sent(MessageType.FIRING, NOON)
    waits = Delivery("pager", lost.message, number=2, error="no answer within 30 s")
    recorder.queued([lost, waits])
    assert recorder.has_lost([waits])
    recorder.follow([waits], [Delivery("chat", lost.message, error="404")], NOON + 9)
    assert not recorder.has_lost([waits])
    by_receiver = {each.receiver: each for each in kept.notifications.values()}
    assert (by_receiver["chat"].status, by_receiver["chat"].error) == (
        NotificationStatus.REFUSED,
        "404",
    )
    assert by_receiver["pager"].error == "no answer within 30 s"


def test_tests_and_notes_are_of_no_incident() -> None:
    recorder, kept = IncidentRecorder("lax"), Kept()
    recorder.connect(kept, (), {})
    recorder.update([group(failing())], NOON, never)
    note = sample_message(MessageType.NOTE, key=BACKEND)
    test = sample_message(key=BACKEND, test=True)
    recorder.queued([Delivery("chat", note), Delivery("chat", test)])
    assert kept.notifications == {}


def test_messages_say_how_long_after_a_deployment_an_incident_began() -> None:
    simulation = Simulation(faults.small_lab())
    changes = simulation.pipeline.changes
    changes.set_markers([Marker(START - 120, "deploy v1.5.0 (a1b2c3d by eva)")])

    simulation.live(200, faults.broken((60, 900, faults.redis_is_down)))
    first: Sent = simulation.to("chat")[0]
    message: Message = first.message
    [change] = message.changes
    assert change.startswith("deploy v1.5.0 (a1b2c3d by eva): the incident began 3 min")
    assert change.endswith("after it")


def test_a_deployment_during_the_incident_is_named_as_such() -> None:
    assert Marker(NOON + 60, "deploy v2").before(NOON) == "deploy v2: 60 s after the incident began"
