"""What several probes make of an alert: two regions agree, or it is one region's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts.cluster.decisions.quorum import (
    ALONE_SECONDS,
    EASE_SECONDS,
    CheckReport,
    MemberVote,
    QuorumState,
    Scope,
    Vote,
    judge,
    next_time,
    vote_of,
)
from alerts.model import Severity
from alerts.state.suspected_alert import ObservedSeverity
from tests.alerts.samples import NOON, failing

ALERT = failing(since=NOON, fired=NOON + 30)
FIRED = NOON + 30
CRITICAL, WARNING = Severity.CRITICAL, Severity.WARNING


def bad(name: str, severity: Severity = CRITICAL) -> MemberVote:
    """A region that sees it too."""
    return MemberVote(name, Vote.BAD, severity)


def fine(name: str) -> MemberVote:
    """A region that sees nothing wrong."""
    return MemberVote(name, Vote.FINE)


def silent(name: str) -> MemberVote:
    """A region that can't be asked, or isn't sure."""
    return MemberVote(name, Vote.SILENT)


def nothing(name: str) -> MemberVote:
    """A region without such a check."""
    return MemberVote(name, Vote.NOTHING)


def stood(*votes: MemberVote, before: QuorumState | None = None, at: float = FIRED) -> QuorumState:
    """How the alert stands, seen from lax."""
    return judge(ALERT, "lax", votes, before, at)


@pytest.mark.parametrize(
    ("votes", "scope", "severity", "view"),
    [
        ([], Scope.SHARED, CRITICAL, "seen from lax"),
        ([nothing("fra")], Scope.SHARED, CRITICAL, "seen from lax"),
        ([bad("fra")], Scope.SHARED, CRITICAL, "seen from fra and lax"),
        (
            [bad("fra"), fine("nrt")],
            Scope.SHARED,
            CRITICAL,
            "seen from fra and lax, fine from nrt",
        ),
        (
            [bad("fra"), silent("nrt"), fine("syd")],
            Scope.SHARED,
            CRITICAL,
            "seen from fra and lax, fine from syd, no word from nrt",
        ),
        ([bad("fra", WARNING)], Scope.SHARED, WARNING, "seen from fra and lax"),
        (
            [fine("fra"), fine("nrt")],
            Scope.LOCAL,
            WARNING,
            "seen from lax alone, fine from fra and nrt",
        ),
        (
            [fine("fra"), silent("nrt")],
            Scope.LOCAL,
            WARNING,
            "seen from lax alone, fine from fra, no word from nrt",
        ),
        (
            [silent("fra"), nothing("nrt")],
            Scope.WAITING,
            WARNING,
            "seen from lax, no word from fra",
        ),
        # Two probes of one region are one region's view.
        ([bad("lax"), fine("nrt")], Scope.LOCAL, WARNING, "seen from lax alone, fine from nrt"),
        ([bad("lax")], Scope.SHARED, CRITICAL, "seen from lax"),
    ],
)
def test_two_regions_or_the_only_one_make_a_page(
    votes: list[MemberVote], scope: Scope, severity: Severity, view: str
) -> None:
    standing = stood(*votes)
    assert (standing.scope, standing.severity, standing.view) == (scope, severity, view)


def test_who_can_ask_no_one_believes_itself_later_and_says_so() -> None:
    waits = stood(silent("fra"), silent("nrt"))
    assert waits.scope is Scope.WAITING
    due = next_time(ALERT, waits)
    assert due == FIRED + ALONE_SECONDS
    assert stood(silent("fra"), before=waits, at=due - 0.01).scope is Scope.WAITING
    alone = stood(silent("fra"), before=waits, at=due)
    assert (alone.scope, alone.severity) == (Scope.ALONE, CRITICAL)
    assert "no word from fra (no other region could be asked)" in alone.view


def test_what_was_believed_alone_is_given_up_at_the_first_word_against_it() -> None:
    alone = QuorumState(Scope.ALONE, CRITICAL, "")
    assert stood(fine("fra"), before=alone).scope is Scope.LOCAL
    assert stood(bad("fra"), before=alone).scope is Scope.SHARED


def test_a_dissenting_vote_counts_for_a_while_after_it_was_last_received() -> None:
    local = stood(fine("fra"), at=NOON + 1000)
    lost = stood(silent("fra"), before=local, at=NOON + 1001)
    assert lost.scope is Scope.LOCAL
    later = NOON + 1000 + ALONE_SECONDS
    assert stood(silent("fra"), before=lost, at=later - 1).scope is Scope.LOCAL
    assert stood(silent("fra"), before=lost, at=later).scope is Scope.ALONE


def test_regions_that_see_the_end_at_different_times_stay_together() -> None:
    shared = stood(bad("fra"))
    first = stood(fine("fra"), before=shared, at=NOON + 100)
    assert (first.scope, first.severity) == (Scope.SHARED, CRITICAL)
    assert next_time(ALERT, first) == NOON + 100 + EASE_SECONDS
    still = stood(fine("fra"), before=first, at=NOON + 99 + EASE_SECONDS)
    assert still.scope is Scope.SHARED
    eased = stood(fine("fra"), before=still, at=NOON + 100 + EASE_SECONDS)
    assert (eased.scope, eased.severity) == (Scope.LOCAL, WARNING)
    # Who agrees again meanwhile begins the time anew.
    again = stood(bad("fra"), before=first, at=NOON + 150)
    assert again.disputed_since is None


def test_the_others_falling_silent_ends_nothing() -> None:
    shared = stood(bad("fra"))
    kept = stood(silent("fra"), silent("nrt"), before=shared, at=NOON + 5000)
    assert (kept.scope, kept.severity) == (Scope.SHARED, CRITICAL)


def test_a_warning_stays_one_however_many_agree() -> None:
    warned = replace(ALERT, severity=WARNING)
    assert judge(warned, "lax", [bad("fra")], None, FIRED).severity is WARNING


def report(age: float = 1.0, *, measured: bool = True, **bad: ObservedSeverity) -> CheckReport:
    """A word on a check that is looked at every ten seconds."""
    return CheckReport(age, 10.0, measured, bad)


SURE, UNSURE = ObservedSeverity(CRITICAL, sure=True), ObservedSeverity(CRITICAL, sure=False)


@pytest.mark.parametrize(
    ("said", "stance"),
    [
        (None, Vote.NOTHING),
        (report(), Vote.FINE),
        (report(failing=SURE), Vote.BAD),
        (report(failing=UNSURE), Vote.SILENT),
        (report(other=SURE), Vote.FINE),
        (report(measured=False), Vote.NOTHING),
        # It ran before the failure began, which was 8 s ago.
        (report(age=8.5), Vote.SILENT),
        (report(age=8.0), Vote.FINE),
        # What it saw bad before is bad still, up to one and a half interval and 5 s.
        (report(age=19.0, failing=SURE), Vote.BAD),
        (report(age=21.0, failing=SURE), Vote.SILENT),
    ],
)
def test_a_word_counts_by_its_age_and_by_how_sure_it_is(
    said: CheckReport | None, stance: Vote
) -> None:
    assert vote_of("fra", said, "failing", 8.0).vote is stance


def test_having_no_data_is_a_present_word_however_old_the_last_result() -> None:
    silence = CheckReport(3000.0, 10.0, True, {"no-data": ObservedSeverity(WARNING, sure=True)})
    assert vote_of("fra", silence, "no-data", 8.0).vote is Vote.BAD


votes = st.lists(
    st.builds(
        MemberVote,
        st.sampled_from(["lax", "fra", "nrt"]),
        st.sampled_from([Vote.FINE, Vote.NOTHING, Vote.SILENT]),
    )
    | st.builds(bad, st.sampled_from(["lax", "fra", "nrt"]), st.sampled_from(Severity)),
    max_size=6,
)


@given(st.lists(st.tuples(st.floats(0, 100), votes), max_size=30), st.sampled_from(Severity))
def test_over_any_history(steps: list[tuple[float, list[MemberVote]]], severity: Severity) -> None:
    alert = replace(ALERT, severity=severity)
    before, now, agreed = None, FIRED, float("-inf")
    for wait, said in steps:
        now += wait
        standing = judge(alert, "lax", said, before, now)
        # The order in which they are heard is nothing.
        assert standing == judge(alert, "lax", said[::-1], before, now)
        others = {each.name for each in said if each.vote is Vote.BAD} - {"lax"}
        dissent = any(each.vote is Vote.FINE for each in said)
        unheard = any(each.vote is Vote.SILENT for each in said)
        if others:
            assert standing.scope is Scope.SHARED
        if others or not (dissent or unheard):
            agreed = now
        if standing.severity is CRITICAL:
            assert severity is CRITICAL
            assert standing.is_global
        if standing.scope is Scope.SHARED and dissent and not others:
            assert now - agreed < EASE_SECONDS or before is not None
            assert before is not None
            assert before.scope is Scope.SHARED
        if standing.scope is Scope.ALONE:
            assert not dissent
            assert now >= FIRED + ALONE_SECONDS
        if standing.scope is Scope.LOCAL and not dissent:
            assert before is not None
            assert before.scope is Scope.LOCAL
        due = next_time(alert, standing)
        if due is not None and due > now:
            # Until then nothing changes by itself.
            same = judge(alert, "lax", said, standing, now + (due - now) * 0.5)
            assert (same.scope, same.severity) == (standing.scope, standing.severity)
        before = standing
