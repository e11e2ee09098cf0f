"""Who is about to notify a chat instead of another one, or again, knows what the others did."""

import asyncio

import pytest
from msgspec.structs import replace
from pydantic import SecretStr

from alerts.cluster.decisions.leader import NOTIFY_TIMEOUT_SECONDS, OtherMember, elect
from alerts.cluster.membership import members
from alerts.cluster.membership.client import InvalidAnswer
from alerts.cluster.membership.member import GONE_SECONDS
from alerts.cluster.membership.members import Members
from alerts.cluster.membership.peers_plan import PeersPlan
from alerts.cluster.protocol.messages import MemberAnswer, QueriedCheck, Query, write
from alerts.cluster.protocol.responder import sending_of
from alerts.cluster.roles import BOUND_SECONDS, MAX_HOLD_SECONDS, RECENT_SECONDS
from alerts.model import Delivery, MessageType
from alerts.role import Assignment, Role
from tests.alerts.cluster.test_roles import GROUP, NOW, Others, entry
from tests.alerts.samples import failing, sample_message
from tests.clocks import Clock

FIRING = replace(
    sample_message(firing=(failing(),)), occasion=MessageType.FIRING, key=GROUP, at=NOW
)
ME, FRA = "0" * 16, "f" * 16
QUERY = Query(asks=(QueriedCheck(check="a", younger=1.0),), groups=(GROUP,))


class Slow:
    """fra, which answers each question when ``answers`` has something for it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(members, "ROUND_SECONDS", 0.05)
        self.clock, self.questions = Clock(NOW), list[asyncio.Future[MemberAnswer]]()
        plan = PeersPlan(("http://fra:1",), SecretStr("0f-all-three-pr0bes"))
        self.peers = Members(plan, ME, self.clock, self._post)
        self.came = asyncio.Event()
        self.peers.on_late_answer = self.came.set

    async def answer(self, number: int, **said: object) -> None:
        """Its answer to a question comes, after the round was over."""
        self.came.clear()
        document = {"id": FRA, "region": "fra", **said}
        self.questions[number].set_result(MemberAnswer.model_validate(document))
        await self.came.wait()

    async def _post(self, url: str, body: bytes, token: str) -> bytes:
        self.questions.append(asyncio.get_running_loop().create_future())
        return write(await self.questions[-1])


async def test_an_answer_after_the_round_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(monkeypatch)
    await slow.peers.query_members([QUERY])
    assert slow.peers.reachable == []
    slow.clock.pass_(4.0)
    await slow.answer(0, owns=[["chat", GROUP]])
    (fra,) = slow.peers.reachable
    assert fra.groups[GROUP].owns == {"chat"}
    # What it says may be as old as the question.
    assert (fra.groups[GROUP].answered_at, fra.checks["a"].answered_at, fra.answered_at) == (
        NOW,
        NOW,
        NOW + 4,
    )
    # That it is slow is still shown, and counted once a round.
    assert fra.problem == "no answer within 2 s"
    assert slow.peers.failures == 1
    slow.peers.cancel()


async def test_a_member_that_is_always_slow_is_never_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(monkeypatch)
    for number in range(5):
        await slow.peers.query_members([QUERY])
        slow.clock.pass_(GONE_SECONDS - 1)
        await slow.answer(number)
        assert [each.name for each in slow.peers.reachable] == ["fra"]
    slow.clock.pass_(GONE_SECONDS + 1)
    await slow.peers.query_members([QUERY])
    assert slow.peers.reachable == []
    slow.peers.cancel()


async def test_an_answer_to_an_earlier_question_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = Slow(monkeypatch)
    for _ in range(2):
        await slow.peers.query_members([QUERY])
        slow.clock.pass_(1.0)
    await slow.answer(1, owns=[["chat", GROUP]])
    await slow.answer(0)
    (fra,) = slow.peers.reachable
    assert fra.groups[GROUP].owns == {"chat"}


async def test_a_late_refusal_is_no_second_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(monkeypatch)
    await slow.peers.query_members([QUERY])
    slow.questions[0].set_exception(InvalidAnswer("it answers 500"))
    await slow.came.wait()
    assert (slow.peers.failures, slow.peers.problems) == (1, [("fra:1", "no answer within 2 s")])


async def test_no_question_outlives_the_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(monkeypatch)
    await slow.peers.query_members([QUERY])
    slow.peers.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert slow.questions[0].cancelled()


@pytest.mark.parametrize("ahead", [True, False])
def test_one_that_is_sending_gets_its_time_wherever_it_stands(ahead: bool) -> None:
    def role(sending: float | None) -> Role:
        others = [OtherMember("fra", ahead=ahead, sees=True, sending=sending)]
        return elect(None, False, others, 100.0, 0.0).role

    assert role(NOTIFY_TIMEOUT_SECONDS - 1) is Role.WAIT
    assert role(NOTIFY_TIMEOUT_SECONDS) is Role.SEND
    assert role(None) is Role.SEND


def test_what_waits_its_turn_behind_others_is_on_its_way_as_long_as_these_arrive() -> None:
    first = Delivery("slack", FIRING)
    failed = replace(first, error="answers 503", attempts=1)
    update = Delivery("slack", replace(FIRING, occasion=MessageType.CHANGED))
    assert sending_of([first], {}) == {("slack", GROUP): NOW}
    assert sending_of([first], {"slack": NOW + 30}) == {("slack", GROUP): NOW + 30}
    assert sending_of([first], {"slack": NOW - 30, "webhook": NOW + 9}) == {("slack", GROUP): NOW}
    assert sending_of([failed, update], {}) == {}


def assigned(others: Others, owner: str | None = None, *, over: bool = False) -> Assignment:
    """This probe's part in the group that ``owner`` has notified of."""
    view = None if owner is None else entry(NOW - 60, owner)
    return others.cluster.roles.assign("chat", GROUP, view, over)


@pytest.mark.parametrize(("owner", "over"), [(None, False), ("gone", False), ("gone", True)])
async def test_the_others_are_asked_before_a_group_is_taken_over(
    owner: str | None, over: bool
) -> None:
    others = Others()
    await others.ask()
    others.clock.pass_(0.5)
    assert assigned(others, owner, over=over).role is Role.WAIT
    assert others.cluster.query_now.is_set()
    others.answers["nrt"] = {"owns": [["chat", GROUP]]}
    await others.ask()
    assert assigned(others, owner, over=over) == Assignment(Role.STANDBY, "nrt")


async def test_an_answer_counts_however_late_it_is_used_and_is_waited_for_within_a_bound() -> None:
    others = Others()
    await others.ask()
    others.clock.pass_(1.0)
    assert assigned(others).role is Role.WAIT
    others.clock.pass_(0.5)
    await others.ask()
    # A busy machine uses it seconds later.
    others.clock.pass_(3.0)
    assert assigned(others).role is Role.SEND
    silent = Others()
    await silent.ask()
    silent.clock.pass_(1.0)
    assert assigned(silent).role is Role.WAIT
    silent.clock.pass_(BOUND_SECONDS)
    assert assigned(silent).role is Role.SEND


async def test_what_is_tried_again_or_has_waited_leaves_after_the_others_were_asked() -> None:
    others, new = Others(), Delivery("chat", FIRING, number=1)
    roles = others.cluster.roles
    await others.ask()
    roles.flushed(["pager"])
    tried = replace(new, attempts=1, error="broke off")
    assert roles.is_up_to_date(tried)
    others.clock.pass_(RECENT_SECONDS + 1)
    for delivery in (tried, replace(new, number=2)):
        others.cluster.query_now.clear()
        assert not roles.is_up_to_date(delivery)
        assert others.cluster.query_now.is_set()
    # A pager recognises what it has, and what is new was decided just now.
    assert roles.is_up_to_date(replace(tried, notifier="pager"))
    assert roles.is_up_to_date(replace(new, message=replace(FIRING, at=others.clock())))
    await others.ask()
    # Answers that no flush has taken into account are no reason.
    assert not roles.is_up_to_date(tried)
    roles.flushed(["pager"])
    assert roles.is_up_to_date(tried)


async def test_who_hears_no_more_sends_after_a_while() -> None:
    others, tried = Others(), Delivery("chat", FIRING, number=1, attempts=1)
    await others.ask()
    others.clock.pass_(60.0)
    assert not others.cluster.roles.is_up_to_date(tried)
    others.clock.pass_(MAX_HOLD_SECONDS)
    assert others.cluster.roles.is_up_to_date(tried)


async def test_a_probe_without_others_waits_for_none() -> None:
    alone = Others()
    alone.cluster = type(alone.cluster)(PeersPlan(), "lax", now=alone.clock)
    old = Delivery("chat", FIRING, number=1, attempts=1)
    alone.clock.pass_(60.0)
    assert alone.cluster.roles.is_up_to_date(old)
