"""Probes that are on one side's list only."""

from alerts.senders.membership import AnsweringMember, Membership
from tests.clocks import Clock

ME, FRA, STRAY = "0" * 16, "1" * 16, "f" * 16
PEERS = ("http://a:9091", "http://b:9091")


def live(membership: Membership, clock: Clock, *, asks: str = "", knows_me: bool = True) -> None:
    """Three minutes of rounds."""
    for _ in range(6):
        clock.pass_(30.0)
        if asks:
            membership.note_querier(asks, "nrt")
        order = (ME, FRA) if knows_me else (STRAY, FRA)
        fra = AnsweringMember(FRA, "fra", "", order)
        membership.note_round([fra], all_answer=True)


def test_members_that_ask_each_other_are_no_problem() -> None:
    clock = Clock(1000.0)
    membership = Membership(PEERS, ME, clock)
    live(membership, clock, asks=FRA)
    assert membership.problems == []


def test_a_probe_that_asks_and_is_not_listed_here_is_named() -> None:
    clock = Clock(1000.0)
    membership = Membership(PEERS, ME, clock)
    live(membership, clock, asks=STRAY)
    (text,) = membership.problems
    assert "in region nrt asks this one" in text
    assert "PROBE_PEERS here does not name it" in text


def test_a_member_whose_list_lacks_this_probe_is_named() -> None:
    clock = Clock(1000.0)
    membership = Membership(PEERS, ME, clock)
    live(membership, clock, asks=FRA, knows_me=False)
    (text,) = membership.problems
    assert "fra does not ask this probe" in text


def test_a_restart_of_either_side_is_no_problem() -> None:
    clock = Clock(1000.0)
    membership = Membership(PEERS, ME, clock)
    live(membership, clock, asks=FRA)
    clock.pass_(30.0)
    # A new process asks before it is asked, and knows this one not yet.
    membership.note_querier(STRAY, "fra")
    membership.note_round([AnsweringMember(STRAY, "fra", "", (FRA, STRAY))], all_answer=True)
    assert membership.problems == []
    live(membership, clock, asks=FRA)
    assert membership.problems == []


def test_a_stray_that_stays_away_is_forgotten() -> None:
    clock = Clock(1000.0)
    membership = Membership(PEERS, ME, clock)
    live(membership, clock, asks=STRAY)
    live(membership, clock, asks=FRA)
    assert membership.problems == []
