"""A look that begins to fail, or no longer does, has others look at once; nothing else does."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from alerts.evaluation.check_state import CheckState
from probe.config.check_plan import make_plan
from probe.core.causes import Cause
from probe.core.environment import Variables
from probe.core.model import Failure, Result, Status, Verdict
from probe.daemon.triggers import Triggers
from probe.kinds import KINDS
from probe.paircam.health import DOWN
from tests.fake_kind import result_of

LOOK = "allocation-primary-udp"
VARIABLES = {
    "TURN_URLS": "turn:a,turn:a?transport=tcp",
    "TURN_USERNAME": "u",
    "TURN_PASSWORD": "p",
    "BACKEND_URL": "https://example.org",
}
WOKEN = {
    "allocation-primary-tcp",
    "allocation-issued",
    "turn-primary-udp",
    "call-primary-udp",
}


def waking() -> Triggers:
    made = Triggers()
    made.set_checks(make_plan(KINDS, Variables(VARIABLES), {}).checks)
    return made


def woken(made: Triggers, status: Status, name: str = LOOK) -> set[str]:
    return set(made.fired_by(result_of(name, status)))


def test_the_same_url_is_measured_in_full_and_all_others_by_allocation() -> None:
    assert woken(waking(), Status.FAILED) == WOKEN


def test_only_a_change_wakes_anybody() -> None:
    made = waking()
    assert woken(made, Status.OK) == set()
    assert woken(made, Status.FAILED) == WOKEN
    assert woken(made, Status.FAILED) == set()
    assert woken(made, Status.UNKNOWN) == set()
    assert woken(made, Status.FAILED) == set()
    assert woken(made, Status.OK) == WOKEN
    assert woken(made, Status.OK) == set()


def test_an_expensive_check_triggers_no_other() -> None:
    assert woken(waking(), Status.FAILED, "turn-primary-udp") == set()


def test_issued_servers_are_measured_in_full_when_none_of_them_works() -> None:
    assert woken(waking(), Status.FAILED, "allocation-issued") == {
        "allocation-primary-udp",
        "allocation-primary-tcp",
        "turn-issued",
        "call-issued",
    }


def test_a_check_that_is_gone_is_forgotten() -> None:
    made = waking()
    assert woken(made, Status.FAILED) == WOKEN
    made.set_checks(())
    assert woken(made, Status.OK) == set()


WHOLE = {
    **VARIABLES,
    "REDIS_URL": "redis://default:secret@cache.example:6379",
    "DATABASE_URL": "postgres://u:p@db.example/app?sslmode=require",
}


def whole() -> Triggers:
    made = Triggers()
    made.set_checks(make_plan(KINDS, Variables(WHOLE), {}).checks)
    return made


def failing(name: str, cause: Cause = Cause.DEADLINE, **facts: str) -> Result:
    failure = Failure("body", cause, f"it fails: {facts}", "try")
    return replace(result_of(name, Status.FAILED), failure=failure, facts=facts)


def down(*services: str) -> Result:
    return failing("health", Cause.SERVICE_DOWN, **{DOWN: ", ".join(services)})


def test_a_session_that_fails_triggers_what_it_needs() -> None:
    assert set(whole().fired_by(failing("signaling"))) == {"engineio", "redis", "health", "ready"}


def test_the_cheap_tier_triggers_the_full_session() -> None:
    assert set(whole().fired_by(failing("engineio"))) == {"signaling", "health", "ready"}


def test_redis_and_postgres_trigger_what_needs_them() -> None:
    for name in ("redis", "postgres"):
        assert set(whole().fired_by(failing(name))) == {"engineio", "signaling", "health", "ready"}


@pytest.mark.parametrize(
    ("services", "checks"),
    [
        (("redis",), {"redis"}),
        (("pubsub",), {"redis"}),
        (("postgres",), {"postgres"}),
        (("redis", "postgres"), {"redis", "postgres"}),
        (("mail",), set()),
    ],
)
def test_health_triggers_signaling_and_the_check_of_the_service_that_it_names(
    services: tuple[str, ...], checks: set[str]
) -> None:
    assert set(whole().fired_by(down(*services))) == {"signaling", "engineio"} | checks


def test_another_failure_of_the_same_check_triggers_again() -> None:
    made = whole()
    assert made.fired_by(down("redis", "pubsub"))
    assert made.fired_by(down("redis", "pubsub")) == ()
    assert made.fired_by(down("pubsub"))
    assert made.fired_by(failing("health", Cause.CONNECT_REFUSED))
    assert made.fired_by(result_of("health", Status.OK))


def test_the_frontend_and_another_backend_trigger_nothing() -> None:
    made = Triggers()
    other = {"http": [{"name": "other", "url": "https://other.example/health", "body": "health"}]}
    made.set_checks(make_plan(KINDS, Variables(WHOLE), other).checks)
    assert made.fired_by(failing("other")) == ()
    assert "other" not in made.fired_by(failing("signaling"))


def test_neighbours_that_flap_trigger_a_check_three_times_a_minute_at_most() -> None:
    made = whole()
    assert [made.delay("signaling", at) for at in (0.0, 5.0, 10.0)] == [0.0] * 3
    assert made.delay("signaling", 20.0) == 40.0
    assert made.delay("redis", 20.0) == 0.0
    assert made.delay("signaling", 61.0) == 0.0


def stand(name: str, ran: float, since: float = 0.0, result: Result | None = None) -> CheckState:
    found = replace(result or result_of(name), started_at=datetime.fromtimestamp(ran, UTC))
    return CheckState(Verdict.OK, since, found)


def test_what_ran_before_the_failure_of_a_neighbour_is_outdated() -> None:
    ran = {"redis": 90.0, "health": 101.0, "ready": 99.0, "postgres": 5.0}
    stands = {name: stand(name, at) for name, at in ran.items()}
    stands["signaling"] = stand("signaling", 130.0, 100.0, failing("signaling"))
    assert whole().outdated(stands) == {"redis", "ready"}
    stands["signaling"] = stand("signaling", 130.0, 100.0)
    assert whole().outdated(stands) == frozenset()
