"""What other members last said decides who sends, what is withdrawn and what is held open."""

from collections.abc import Mapping

import pytest
from msgspec.structs import replace
from pydantic import SecretStr

from alerts.cluster.cluster import Cluster
from alerts.cluster.cluster_groups import EndedGroups
from alerts.cluster.decisions.leader import NOTIFY_TIMEOUT_SECONDS, OtherMember, elect, next_turn
from alerts.cluster.decisions.quorum import RESOLVE_ALONE_SECONDS, may_resolve
from alerts.cluster.decisions.scoped_alert import local_group
from alerts.cluster.membership.member import TRUST_SECONDS, GroupAnswer
from alerts.cluster.membership.peers_plan import PeersPlan
from alerts.cluster.protocol.messages import MemberAnswer, read_query, write
from alerts.cluster.protocol.responder import LastResult, LocalMember, LocalState, build_answer
from alerts.model import Delivery, MessageType
from alerts.notification.notification_log import NotificationLogEntry
from alerts.role import Role
from alerts.state.suspected_alert import ObservedSeverity, SuspectedAlert
from tests.alerts.samples import failing, sample_message
from tests.clocks import Clock
from tests.fake_kind import toy

NOW, GROUP, KEY = 1000.0, "g", ("chat", "g")
IDS = {"lax": "a" * 16, "fra": "b" * 16, "nrt": "c" * 16}
RESOLVED = replace(
    sample_message(firing=()), occasion=MessageType.RESOLVED, key=GROUP, since=NOW - 60, at=NOW - 5
)


class Others:
    """What fra and nrt answer to lax."""

    def __init__(self) -> None:
        self.clock = Clock(NOW)
        self.answers: dict[str, dict[str, object] | None] = {"fra": {}, "nrt": {}}
        plan = PeersPlan(("http://fra:1", "http://nrt:1"), SecretStr("0f-all-three-pr0bes"))
        self.cluster = Cluster(plan, "lax", now=self.clock, post=self._post, wall=self.clock)

    async def ask(self) -> None:
        """Ask for the group."""
        self.cluster.set_suspected((), True, [GROUP])
        await self.cluster.query_members()

    async def _post(self, url: str, body: bytes, token: str) -> bytes:
        region = url[7:10]
        said = self.answers[region]
        if said is None:
            raise TimeoutError
        read_query(body)
        return write(MemberAnswer.model_validate({"id": IDS[region], "region": region, **said}))


async def held(others: Others, *, after: float = 0.0, fires: bool = False) -> bool:
    """Whether the group may not be resolved, so long after it was over here."""
    others.cluster.open_groups.is_kept(GROUP, fires=fires)
    others.clock.pass_(after)
    await others.ask()
    return others.cluster.open_groups.is_kept(GROUP, fires=fires)


@pytest.mark.parametrize(
    ("fra", "nrt", "is_held"),
    [
        ({}, {}, False),
        ({"open": [GROUP]}, {}, True),
        ({}, None, False),
        (None, None, True),
        # It answers and can't ask: what it holds on to doesn't count.
        ({"open": [GROUP], "quorum_age": TRUST_SECONDS + 1}, {}, False),
        ({"open": [GROUP], "quorum_age": TRUST_SECONDS - 1}, {}, True),
        # With it, two of three answer, which is a majority.
        ({"open": [GROUP], "quorum_age": TRUST_SECONDS + 1}, None, False),
    ],
)
async def test_a_group_is_resolved_when_a_majority_agrees(
    fra: dict[str, object] | None, nrt: dict[str, object] | None, is_held: bool
) -> None:
    others = Others()
    others.answers = {"fra": fra, "nrt": nrt}
    assert await held(others) is is_held


async def test_who_is_cut_off_resolves_after_its_own_patience() -> None:
    others = Others()
    others.answers = {"fra": None, "nrt": None}
    assert await held(others, after=RESOLVE_ALONE_SECONDS - 1)
    assert not await held(others, after=1.0)


async def test_what_one_region_alone_sees_is_its_own_to_resolve() -> None:
    others = Others()
    others.answers = {"fra": None, "nrt": None}
    await others.ask()
    assert not others.cluster.open_groups.is_kept(local_group(GROUP, "lax"), fires=False)


@pytest.mark.parametrize(
    ("reachable", "members", "found"),
    [(1, 1, True), (1, 2, False), (2, 2, True), (2, 3, True), (2, 4, False), (3, 5, True)],
)
def test_a_majority_is_more_than_half(reachable: int, members: int, found: bool) -> None:
    assert may_resolve(reachable, members, 0.0) is found


async def test_an_end_that_waits_is_dropped_when_another_one_delivered_it() -> None:
    others = Others()
    others.answers["nrt"] = {"ended": [["chat", GROUP, 3.0]]}
    await others.ask()
    assert others.cluster.is_overtaken(Delivery("chat", RESOLVED), deduplicates=False)
    assert not others.cluster.is_overtaken(Delivery("mail", RESOLVED), deduplicates=False)
    firing = replace(RESOLVED, occasion=MessageType.FIRING, firing=(failing(),))
    assert not others.cluster.is_overtaken(Delivery("chat", firing), deduplicates=False)
    # An end of before this outage is another one.
    old = replace(RESOLVED, since=NOW - 1)
    assert not others.cluster.is_overtaken(Delivery("chat", old), deduplicates=False)


async def test_an_end_that_waits_is_dropped_when_it_fires_again_elsewhere() -> None:
    others = Others()
    others.answers["nrt"] = {"open": [GROUP]}
    await others.ask()
    for deduplicates in (True, False):
        found = others.cluster.is_overtaken(Delivery("chat", RESOLVED), deduplicates=deduplicates)
        assert found


def entry(opened: float, owner: str = "") -> NotificationLogEntry:
    """A receiver that was notified."""
    alert = failing()
    return NotificationLogEntry(alert.severity, (), opened, opened, opened, owner)


def answer(
    undelivered: Mapping[tuple[str, str], float],
    ended: Mapping[tuple[str, str], float],
    *,
    openings: tuple[tuple[str, str], ...] = (),
    views: bool = True,
) -> MemberAnswer:
    """What a sender answers that has notified 100 s ago."""
    known = {KEY: entry(NOW - 100)} if views else {}
    own = LocalState({}, known, undelivered, ended, openings=openings)
    question = read_query(b'{"groups": ["g"]}')
    return build_answer(question, LocalMember("a" * 16, "lax"), {}, own, NOW)


def test_only_what_a_receiver_has_accepted_is_claimed() -> None:
    assert answer({}, {}).owns == (KEY,)
    # The first message waits: another one may send it.
    assert answer({KEY: NOW - 1}, {}, openings=(KEY,)).owns == ()
    # An update waits: for a while it is still this one's.
    assert answer({KEY: NOW - 1}, {}).owns == (KEY,)
    assert answer({KEY: NOW - 60}, {}).owns == ()
    assert answer({KEY: NOW - 60}, {}).pending == ((*KEY, 60.0),)


def test_an_end_is_claimed_when_it_is_delivered() -> None:
    waits = answer({KEY: NOW - 1}, {KEY: NOW - 1}, views=False)
    assert (waits.ended, waits.ends) == ((), (KEY,))
    late = answer({KEY: NOW - 60}, {KEY: NOW - 60}, views=False)
    assert (late.ended, late.ends) == ((), ())
    taken = answer({}, {KEY: NOW - 1}, views=False)
    assert (taken.ended, taken.ends) == (((*KEY, 1.0),), ())


@pytest.mark.parametrize(
    ("age", "measured", "is_open"),
    [(5.0, True, True), (21.0, True, False), (5.0, False, False)],
)
def test_only_a_present_measurement_holds_a_group_open(
    age: float, measured: bool, is_open: bool
) -> None:
    check = toy("c", interval=10.0)
    alert = replace(failing(), identity=replace(failing().identity, check="c"))
    trouble = SuspectedAlert(alert.identity, NOW - 50, ObservedSeverity(alert.severity, True))
    own = LocalState({"c": GROUP}, suspected=[trouble], shared=[alert.identity])
    looks = {"c": LastResult(check, NOW - age, measured)}
    question = read_query(b'{"groups": ["g"]}')
    found = build_answer(question, LocalMember("a" * 16, "lax"), looks, own, NOW)
    assert (GROUP in found.open) is is_open


async def test_lists_in_other_orders_make_one_order_and_not_two_senders() -> None:
    """Either of two members, each first in its own list, comes to the same order."""
    others = Others()
    me = others.cluster.id
    others.answers["fra"] = {"order": [IDS["fra"], me]}
    others.answers["nrt"] = {"order": []}
    await others.ask()
    fra = others.cluster.peers.others[0]
    # This probe isn't in its own list: both go by region, and fra comes before lax.
    assert others.cluster.peers.is_ahead(fra, "lax")
    assert not others.cluster.peers.is_ahead(fra, "ams")


def test_when_a_group_was_resolved_outlives_a_restart() -> None:
    kept = EndedGroups()
    documents = kept.documents({KEY: NOW})
    assert kept.documents({KEY: NOW}) == {}
    found = {name: text for name, text in documents.items() if text is not None}
    again = EndedGroups()
    assert again.restore({**found, "ended:no json": "x", "view:[]": "{}"}) == {KEY: NOW}
    assert again.documents({}) == {**dict.fromkeys(found), "ended:no json": None}


def test_what_a_member_says_of_a_group_defaults_to_nothing() -> None:
    assert GroupAnswer(NOW) == GroupAnswer(NOW, ended={}, pending={}, opened={})


def sends_at(losses: Mapping[float, set[str]], ahead: tuple[str, ...]) -> float:
    """After how many seconds a probe notifies, with these ahead of it, of which some are lost."""
    turn, gone = None, set[str]()
    for second in range(200):
        gone |= losses.get(float(second), set())
        left = [name for name in ahead if name not in gone]
        turn = next_turn(turn, 0.0, frozenset(left), float(second))
        others = [OtherMember(name, ahead=True, sees=True) for name in left]
        if elect(None, False, others, second - turn.at, 0.0).role is Role.SEND:
            return second
    raise AssertionError("never")


@pytest.mark.parametrize("second", [0.0, 3.0, 8.0, 9.0])
def test_two_that_lose_the_first_one_at_once_do_not_both_notify(second: float) -> None:
    fra = sends_at({second: {"lax"}}, ("lax",))
    nrt = sends_at({second: {"lax"}}, ("lax", "fra"))
    assert fra == second
    # Time to hear of what fra has sent.
    assert nrt >= fra + NOTIFY_TIMEOUT_SECONDS


def test_all_lost_in_turn_delay_a_notification_by_no_more_than_their_time() -> None:
    ahead = ("lax", "fra", "nrt")
    losses = {9.0: {"lax"}, 18.0: {"fra"}, 27.0: {"nrt"}}
    assert sends_at({}, ahead) == 3 * NOTIFY_TIMEOUT_SECONDS
    assert sends_at(losses, ahead) <= 4 * NOTIFY_TIMEOUT_SECONDS
