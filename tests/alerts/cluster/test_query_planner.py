"""Whatever is amiss is asked for, however much it is; what wasn't asked yet is not silence."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from pydantic import SecretStr

from alerts.cluster.cluster import Cluster
from alerts.cluster.decisions.quorum import Scope
from alerts.cluster.membership.client import InvalidAnswer
from alerts.cluster.membership.members import PATH, Members
from alerts.cluster.membership.peers_plan import PeersPlan
from alerts.cluster.protocol.messages import MAX_QUERIED, MemberAnswer, Query, read_query, write
from alerts.cluster.protocol.query_planner import MAX_QUERIES, QueryPlanner
from alerts.cluster.protocol.responder import LocalState
from alerts.model import Alert, Fingerprint, Severity
from alerts.state.suspected_alert import ObservedSeverity, SuspectedAlert
from probe.core.model import Status
from tests.alerts.samples import failing
from tests.clocks import Clock
from tests.fake_kind import result_of, toy

NOW = 1000.0
TOKEN = SecretStr("0f-all-three-pr0bes")
Post = Callable[[str, bytes, str], Awaitable[bytes]]


def suspected(count: int, since: float = NOW - 30) -> list[SuspectedAlert]:
    """So many checks that fail for sure."""
    sure = ObservedSeverity(Severity.CRITICAL, sure=True)
    return [SuspectedAlert(Fingerprint(f"c{n}", "failing"), since, sure) for n in range(count)]


def alerts(count: int) -> list[Alert]:
    """The same as they fire."""
    return [
        failing(identity=each.identity, since=each.since, fired=each.since + 10)
        for each in suspected(count)
    ]


@pytest.mark.parametrize("count", [0, 1, MAX_QUERIED, MAX_QUERIED + 1, 480, 1234])
def test_every_check_and_group_is_asked_for_within_a_few_rounds(count: int) -> None:
    planner = QueryPlanner()
    planner.groups = tuple(f"g{n}" for n in range(count // 2))
    checks, groups = set[str](), set[str]()
    for _ in range(3):
        parts = planner.next_round(suspected(count), NOW)
        assert 1 <= len(parts) <= MAX_QUERIES
        for part in parts:
            assert read_query(write(part)) == part
            checks |= {queried.check for queried in part.asks}
            groups |= set(part.groups or ())
    assert len(checks) == count
    assert groups == set(planner.groups)


def cluster(clock: Clock, post: Post, *, region: str = "lax", witness: bool = False) -> Cluster:
    """One of two probes, by what the other answers."""
    plan = PeersPlan(("http://fra:1", "http://nrt:1"), TOKEN, witness=witness)
    return Cluster(plan, region, now=clock, post=post, wall=clock)


async def fine(url: str, body: bytes, token: str) -> bytes:
    """Another probe that sees every check working."""
    name = "b" if "fra" in url else "c"
    query = read_query(body)
    report = {"age": 0.5, "interval": 10.0, "measured": True}
    checks = {queried.check: report for queried in query.asks}
    answer = {"id": name * 16, "region": url[7:10], "checks": checks}
    return write(MemberAnswer.model_validate(answer))


async def test_of_480_checks_that_one_region_alone_sees_none_is_the_targets_fault() -> None:
    clock = Clock(NOW)
    probe = cluster(clock, fine)
    firing = alerts(480)
    for _ in range(2):
        probe.set_suspected(suspected(480), True)
        await probe.query_members()
        clock.pass_(3.0)
    probe.scope_alerts(firing, lambda alert: alert.identity.check, own_network_fails=False)
    scopes = {found.scope for alert in firing if (found := probe.quorum_state_of(alert))}
    assert scopes == {Scope.LOCAL}


async def test_what_was_not_asked_yet_waits_and_is_silent_after_a_while() -> None:
    clock = Clock(NOW)
    probe = cluster(clock, fine)
    await probe.query_members()
    (alert,) = alerts(1)
    for seconds, scope in ((0.0, Scope.WAITING), (15.0, Scope.WAITING)):
        clock.pass_(seconds)
        probe.peers.others[0].answered_at = probe.peers.others[1].answered_at = clock()
        probe.set_suspected(suspected(1), True)
        probe.scope_alerts([alert], lambda each: "g", own_network_fails=False)
        found = probe.quorum_state_of(alert)
        assert found is not None
        assert found.scope is scope
    # A member that answers everything but this for so long can't veto a page for ever.
    clock.pass_(120.0)
    probe.peers.others[0].answered_at = probe.peers.others[1].answered_at = clock()
    probe.scope_alerts([alert], lambda each: "g", own_network_fails=False)
    found = probe.quorum_state_of(alert)
    assert found is not None
    assert found.scope is Scope.ALONE


def test_a_check_without_a_result_yet_is_neither_fine_nor_unknown_to_it() -> None:
    """After all restart at once, nobody's silence is agreement."""
    clock = Clock(NOW)
    probe = cluster(clock, fine)
    check = toy("c0", interval=10.0)
    probe.set_checks([check], {"c0": "g"})
    query = Query.model_validate({"asks": [{"check": "c0", "younger": 1.0}]})
    answer = MemberAnswer.model_validate_json(
        probe.answer(query, LocalState(), own_network_fails=False)
    )
    assert answer.checks["c0"].pending
    probe.note(check, result_of("c0", Status.OK))
    answer = MemberAnswer.model_validate_json(
        probe.answer(query, LocalState(), own_network_fails=False)
    )
    assert not answer.checks["c0"].pending
    assert answer.checks["c0"].measured


async def test_a_witness_relays_the_answer_of_a_member_that_can_not_be_asked() -> None:
    """The way from lax to nrt is cut; fra is a witness and reaches both."""
    clock = Clock(NOW)
    witness = cluster(clock, fine, region="fra", witness=True)

    async def post(url: str, body: bytes, token: str) -> bytes:
        assert url.endswith(PATH)
        if "nrt" in url:
            raise InvalidAnswer("no route")
        query = read_query(body)
        relayed = await witness.relay(query)
        return witness.answer(query, LocalState(), own_network_fails=False, relayed=relayed)

    await witness.query_members()
    peers = Members(PeersPlan(("http://fra:1", "http://nrt:1"), TOKEN), "a" * 16, clock, post)
    query = Query.model_validate({"asks": [{"check": "c0", "younger": 1.0}], "groups": ["g"]})
    await peers.query_members([query])
    fra, nrt = peers.others
    assert fra.answer is not None
    assert fra.answer.witness
    assert nrt.name == "nrt"
    assert nrt.problem == "no route"
    assert nrt.is_reachable(clock())
    seen = nrt.checks["c0"].seen
    assert seen is not None
    assert seen.measured
    assert peers.has_majority


async def test_who_is_no_witness_relays_nothing() -> None:
    probe = cluster(Clock(NOW), fine, witness=False)
    await probe.query_members()
    assert await probe.relay(Query(relay=True)) == ()
    await asyncio.sleep(0)
