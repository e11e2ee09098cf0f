"""Whose mark in an incident is another cluster's, and whose is not."""

import logging

import pytest

from alerts.senders.foreign_senders import ForeignSenders, KnownSenders
from alerts.senders.mark import SenderMark, SentBy

START, NOW = 1000.0, 5000.0
OWN, MEMBER, OTHER = "0" * 16, "1" * 16, "f" * 16
PEERS, OLD_PEERS, THEIRS = "a" * 12, "b" * 12, "c" * 12
ALONE = KnownSenders({OWN})
CLUSTER = KnownSenders({OWN, MEMBER}, PEERS, {OLD_PEERS})


def found(known: KnownSenders, *marks: SenderMark, now: float = NOW) -> list[str]:
    senders = ForeignSenders(START)
    senders.update("pagerduty", [SentBy("backend", each) for each in marks], known, now)
    return [each.mark.region for each in senders.found]


def mark(id: str = OTHER, peers: str = "", at: float = NOW - 300.0) -> SenderMark:
    return SenderMark(id, "fra", peers, "", at)


@pytest.mark.parametrize(
    ("known", "seen"),
    [
        (ALONE, mark()),
        (ALONE, mark(peers=THEIRS)),
        (CLUSTER, mark()),
        (CLUSTER, mark(peers=THEIRS)),
        # The same list in another network, as "probe:9091" in two composed projects.
        (CLUSTER, mark(peers=PEERS)),
    ],
)
def test_a_probe_that_is_no_member_is_foreign(known: KnownSenders, seen: SenderMark) -> None:
    assert found(known, seen) == ["fra"]


@pytest.mark.parametrize(
    ("known", "seen"),
    [
        (ALONE, mark(OWN)),
        (CLUSTER, mark(MEMBER, PEERS)),
        # A member with the list of before a change, and one that has just restarted.
        (CLUSTER, mark(peers=OLD_PEERS, at=NOW - 30.0)),
        (CLUSTER, mark(peers=PEERS, at=NOW - 30.0)),
        # An earlier process of this probe, and one that it replaces.
        (ALONE, mark(at=START - 5000.0)),
        (ALONE, mark(at=START + 60.0)),
    ],
)
def test_what_is_this_clusters_is_not_foreign(known: KnownSenders, seen: SenderMark) -> None:
    assert found(known, seen) == []


def test_while_a_member_is_missing_an_unknown_process_may_be_its_next_one() -> None:
    known = KnownSenders({OWN}, PEERS, all_answer=False)
    assert found(known, mark(peers=PEERS)) == []
    assert found(known, mark(peers=THEIRS)) == ["fra"]


def test_it_is_logged_once_and_forgotten_after_a_day(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    senders = ForeignSenders(START)
    for later in (0.0, 30.0, 60.0):
        senders.update("pagerduty", [SentBy("backend", mark())], ALONE, NOW + later)
    assert len(caplog.records) == 1
    assert "PROBE_PEERS" in caplog.text
    assert senders.counts == {"pagerduty": 1}
    senders.update("pagerduty", [], ALONE, NOW + 90000.0)
    assert senders.counts == {}


def test_one_that_turns_out_to_be_a_member_is_taken_back() -> None:
    senders = ForeignSenders(START)
    senders.update("pagerduty", [SentBy("backend", mark(peers=PEERS))], CLUSTER, NOW)
    assert senders.found
    now_known = KnownSenders({OWN, MEMBER, OTHER}, PEERS)
    senders.update("pagerduty", [], now_known, NOW + 30.0)
    assert not senders.found


def test_one_with_the_same_list_that_posts_again_and_again_is_noticed() -> None:
    senders, seen = ForeignSenders(START), []
    for later in (0.0, 60.0, 120.0):
        now = NOW + later
        posted = [SentBy("backend", mark(peers=PEERS, at=now - 5.0))]
        senders.update("alertmanager", posted, CLUSTER, now)
        seen.append(len(senders.found))
    assert seen == [0, 0, 1]


def test_a_member_that_restarts_again_and_again_is_not() -> None:
    senders = ForeignSenders(START)
    for later in range(0, 600, 60):
        now = NOW + later
        posted = [SentBy("backend", mark(f"{later:016x}", PEERS, at=now - 5.0))]
        senders.update("alertmanager", posted, CLUSTER, now)
    assert not senders.found
