"""A probe that is asked for a younger look than it has looks again, within reason."""

import pytest

from alerts.cluster.cluster import Cluster
from alerts.cluster.membership.peers_plan import ALONE
from alerts.cluster.protocol.messages import QueriedCheck, Query, read_answer
from alerts.cluster.protocol.responder import LocalState
from alerts.model import Fingerprint, Severity
from alerts.state.suspected_alert import ObservedSeverity, SuspectedAlert
from probe.core.model import Status
from tests.clocks import Clock
from tests.fake_kind import result_of, toy

RARE = toy("rare", interval=720, retry=30)


class Asked:
    """A probe that looked at one rare check at the beginning; ``hastened`` are its own looks."""

    def __init__(self, status: Status = Status.OK) -> None:
        self.clock, self.hastened = Clock(1000.0), list[str]()
        self.cluster = Cluster(ALONE, "fra", now=self.clock, run_soon=self.hastened.append)
        self.cluster.note(RARE, result_of("rare", status))

    def answer(
        self, younger: float, *, check: str = "rare", own_network_fails: bool = False
    ) -> object:
        """What it says of a check; None if nothing."""
        query = Query(asks=(QueriedCheck(check=check, younger=younger),))
        answer = read_answer(
            self.cluster.answer(query, LocalState(), own_network_fails=own_network_fails)
        )
        return answer.checks.get(check)


@pytest.mark.parametrize(
    ("age", "younger", "hastened"),
    [
        # The failure began after its last run.
        (300.0, 5.0, ["rare"]),
        (300.0, 299.0, ["rare"]),
        # It has looked since.
        (300.0, 301.0, []),
        # It looked just now: nobody may have it look without end.
        (29.0, 5.0, []),
        (30.0, 5.0, ["rare"]),
    ],
)
def test_a_run_from_before_the_failure_is_made_again(
    age: float, younger: float, hastened: list[str]
) -> None:
    probe = Asked()
    probe.clock.pass_(age)
    seen = probe.answer(younger)
    assert getattr(seen, "age", None) == age
    assert probe.hastened == hastened


def test_what_it_sees_as_bad_itself_keeps_its_own_rhythm() -> None:
    probe = Asked(Status.FAILED)
    sight = ObservedSeverity(Severity.CRITICAL, sure=True)
    probe.cluster.set_suspected(
        [SuspectedAlert(Fingerprint("rare", "failing"), 1000.0, sight)], busy=False
    )
    probe.clock.pass_(300.0)
    seen = probe.answer(5.0)
    assert getattr(seen, "bad", {})["failing"].severity is Severity.CRITICAL
    assert probe.hastened == []


def test_of_a_check_that_it_does_not_have_there_is_no_word() -> None:
    probe = Asked()
    probe.clock.pass_(300.0)
    assert probe.answer(5.0, check="another") is None
    assert probe.hastened == []


def test_a_probe_without_a_network_of_its_own_has_no_opinion() -> None:
    assert Asked().answer(1e6, own_network_fails=True) is None


def test_what_could_not_be_measured_is_no_opinion_either() -> None:
    assert getattr(Asked(Status.UNKNOWN).answer(1e6), "measured", None) is False
