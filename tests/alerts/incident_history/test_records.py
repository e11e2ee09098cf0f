"""What an incident keeps of an alert leads to the same first steps as its notification."""

import pytest

from alerts.incident_history.records import alert_of, begun, continued, record_of
from alerts.model import Alert, Fingerprint, Severity
from alerts.notification.message import AlertGroup
from alerts.runbooks.library import RunbookLibrary
from tests.alerts.words import an_alert

LIBRARY = RunbookLibrary({"app": "paircam", "fly": True, "backend_url": "https://paircam.live"})


def down(services: str) -> Alert:
    """The backend says that services are down."""
    return an_alert(
        "health", summary=f"{services} down", cause="service_down", runbook="service-down"
    )


@pytest.mark.parametrize(
    "alert",
    [
        down("redis is"),
        down("pubsub is"),
        down("postgres and redis are"),
        an_alert(
            "turn-primary-tls",
            kind="turn",
            target="turns:relay.example.org",
            cause="certificate_expired",
            runbook="turn-failing",
            labels=(("provider", "primary"), ("transport", "tls")),
        ),
    ],
    ids=lambda alert: alert.summary,
)
def test_the_steps_are_those_of_the_notification(alert: Alert) -> None:
    steps = LIBRARY.steps(alert_of(record_of(alert)))
    assert steps
    assert steps == LIBRARY.steps(alert)


def test_the_steps_fit_the_service_that_is_down() -> None:
    of_redis, of_pubsub = LIBRARY.steps(down("redis is")), LIBRARY.steps(down("pubsub is"))
    assert "`pubsub` is not" not in of_redis[0]
    assert "`pubsub` is not" in of_pubsub[0]


@pytest.mark.parametrize("severity", list(Severity))
@pytest.mark.parametrize(
    ("rule", "said"),
    [("failing", True), ("probe_redis_memory_ratio", False), ("no-data", False)],
)
def test_what_users_lose_is_recorded_of_a_failure_alone(
    rule: str, said: bool, severity: Severity
) -> None:
    """A Redis that was nearly full was headed "Redis is down"."""
    alert = an_alert(
        "redis",
        identity=Fingerprint("redis", rule),
        severity=severity,
        loss="Redis is down",
        degradation="Redis is slow",
    )
    assert bool(record_of(alert).loss) is said


def test_a_check_that_was_pending_and_fires_is_not_kept_as_one_without_alert() -> None:
    first, second = an_alert("health"), an_alert("ready")
    group = AlertGroup("paircam.live", firing=(first,), affected=("ready", "frontend"))
    known = begun("1", group, "lax", 0.0, adopted=False)
    assert known.affected == ("ready", "frontend")
    later = continued(known, AlertGroup("paircam.live", firing=(first, second)), ())
    assert later.affected == ("frontend",)
    assert later.checks == ("health", "ready", "frontend")
