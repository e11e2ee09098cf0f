"""A look that begins to fail, or no longer does, has others look at once; nothing else does."""

from probe.config.check_plan import make_plan
from probe.core.environment import Variables
from probe.core.model import Status
from probe.daemon.triggers import Triggers
from probe.kinds import KINDS
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


def test_the_same_url_is_looked_at_closely_and_all_others_cheaply() -> None:
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


def test_a_dear_check_wakes_nobody() -> None:
    assert woken(waking(), Status.FAILED, "turn-primary-udp") == set()
    assert woken(waking(), Status.FAILED, "health") == set()


def test_what_is_issued_is_looked_at_closely_when_none_of_it_works() -> None:
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
