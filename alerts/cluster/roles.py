"""This probe's role in each group at each receiver, by what the other members last said."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress

from alerts.cluster.agreement import Agreement
from alerts.cluster.decisions.leader import (
    NotifyTurn,
    OtherMember,
    elect,
    next_turn,
    owner_of,
)
from alerts.cluster.membership.member import Member
from alerts.cluster.membership.members import Members
from alerts.model import Delivery, MessageType
from alerts.notification.notification_log import Key, NotificationLogEntry
from alerts.role import THIS_PROBE, Assignment, Role

# What a probe is about to send waits so long for the others' answer on it; a round takes less.
BOUND_SECONDS = 5.0
# What the others said is known to be recent for so long; what has waited for longer is held
# until they are asked again, for so long at most.
RECENT_SECONDS, MAX_HOLD_SECONDS = 3.0, 10.0


class Roles:
    """``undelivered`` are keys of which a message waits for its receiver, ``ended`` is when this
    probe resolved a group, ``round_began`` and ``round_at`` when the last round of queries began
    and ended; ``query_now`` starts one. ``deduplicating`` are notifiers whose
    service recognises a group by its key, and is sent it by every probe."""

    def __init__(
        self,
        peers: Members,
        agreement: Agreement,
        region: str,
        now: Callable[[], float],
        query_now: Callable[[], None],
    ) -> None:
        self._peers, self._agreement, self._region = peers, agreement, region
        self._now, self._query_now = now, query_now
        self._reopened: set[Key] = set()
        self._turns: dict[Key, NotifyTurn] = {}
        self.undelivered: Collection[Key] = ()
        self.ended: Mapping[Key, float] = {}
        self.deduplicating: Collection[str] = ()
        self.round_began = self.round_at = self._flushed_round = float("-inf")
        # Since when this probe is about to notify, and holds what has waited.
        self._pending_since: dict[Key, float] = {}
        self._held_since: dict[int, float] = {}
        # When the last round began whose answers are acted upon, and are being acted upon.
        self._settled_began = self._settling_began = float("-inf")
        self._settled = asyncio.Event()

    def assign(
        self, notifier: str, subject: str, view: NotificationLogEntry | None, over: bool
    ) -> Assignment:
        """Whether this probe is the one that notifies people of a group."""
        now = self._now()
        others = [self._other(each, notifier, subject, now) for each in self._peers.reachable]
        begun = self._agreement.begun(subject)
        owner = view.owner if view else None
        before = frozenset(each.name for each in others if each.ahead and each.sees)
        turn = next_turn(self._turns.get((notifier, subject)), begun, before, now)
        self._turns[notifier, subject] = turn
        found = elect(
            owner,
            over,
            others,
            now - turn.at,
            now - view.opened if view else 0.0,
            agreed=self._agreement.is_agreed(subject),
            pending=(notifier, subject) in self.undelivered,
            lost=self._is_lost(owner, notifier, subject),
            ended=self._ended_ago(notifier, subject, now),
        )
        if view is not None:
            del self._turns[notifier, subject]
            self._note_reopening((notifier, subject), found)
        takes_over = found.role is Role.REPEAT or (found.role is Role.SEND and owner != THIS_PROBE)
        if not takes_over or not others:
            self._pending_since.pop((notifier, subject), None)
        elif not self._has_round_since(self._pending_since.setdefault((notifier, subject), now)):
            # A probe that has just notified says so when it is asked now.
            self._query_now()
            return Assignment(Role.WAIT)
        return found

    def owner_elsewhere(self, notifier: str, subject: str) -> str | None:
        """Which other probe has notified people of a group that is not due here yet."""
        now = self._now()
        others = [self._other(each, notifier, subject, now) for each in self._peers.reachable]
        return owner_of(others, self._ended_ago(notifier, subject, now))

    def _ended_ago(self, notifier: str, subject: str, now: float) -> float | None:
        at = self.ended.get((notifier, subject))
        return None if at is None else now - at

    def flushed(self, deduplicating: Collection[str]) -> None:
        """What the others said in the last round is taken into account from now on."""
        self.deduplicating, self._flushed_round = deduplicating, self.round_at
        self._settling_began = self.round_began

    def is_up_to_date(self, delivery: Delivery) -> bool:
        """Whether what the others said of a message that is about to be sent is recent: one of
        them may have sent it while it waited, or while its receiver could not be reached."""
        if not self._peers.others:
            return True
        now, number = self._now(), delivery.number
        is_new = not delivery.attempts and now - delivery.message.at <= RECENT_SECONDS
        is_recent = now - self._flushed_round <= RECENT_SECONDS
        if is_new or is_recent or delivery.notifier in self.deduplicating:
            self._held_since.pop(number, None)
            return True
        if now - self._held_since.setdefault(number, now) >= MAX_HOLD_SECONDS:
            del self._held_since[number]
            return True
        self._query_now()
        return False

    async def once_connected(self, delivery: Delivery) -> None:
        """A receiver can be reached, and a message is about to be sent to it. If a member could not
        be asked of late, the network may have healed this very moment, and the message been sent by
        others before: they are asked again first. What they have overtaken is withdrawn."""
        is_keyed = delivery.notifier in self.deduplicating
        if is_keyed or delivery.message.occasion is MessageType.NOTE or not self._peers.problems:
            return
        queried_at = self._now()
        self._query_now()
        with suppress(TimeoutError):
            async with asyncio.timeout(BOUND_SECONDS):
                while self._settled_began < queried_at:
                    await self._settled.wait()

    def settled(self) -> None:
        """What the last round has overtaken is withdrawn by now."""
        self._settled_began = self._settling_began
        self._settled.set()
        self._settled.clear()

    def _has_round_since(self, at: float) -> bool:
        return self.round_began >= at or self._now() - at >= BOUND_SECONDS

    def is_overtaken(self, delivery: Delivery, *, is_open: bool, deduplicates: bool) -> bool:
        """Whether a message that waits is no longer true for the cluster: another member has
        resolved the group at this receiver, or sees it as firing again (``is_open``)."""
        message = delivery.message
        if message.occasion is not MessageType.RESOLVED:
            return False
        if is_open or deduplicates:
            return is_open
        answers = [member.groups.get(message.key) for member in self._peers.reachable]
        ends = [answer.ended.get(delivery.notifier) for answer in answers if answer]
        return any(end is not None and end >= message.since for end in ends)

    def _note_reopening(self, key: Key, found: Assignment) -> None:
        """From when on each member waits for those before it to open a group again."""
        if found.role is not Role.REOPEN:
            self._reopened.discard(key)
        elif key not in self._reopened:
            self._reopened.add(key)
            self._agreement.begin_again(key[1])

    def _other(self, member: Member, notifier: str, subject: str, now: float) -> OtherMember:
        answer, ahead = member.groups.get(subject), self._peers.is_ahead(member, self._region)
        if answer is None:
            return OtherMember(member.name, ahead)
        # Among those without a majority, what one of them has sent is as good as this one's.
        is_trusted = member.is_trusted(now) or not self._peers.has_majority

        def age(times: Mapping[str, float]) -> float | None:
            return now - times[notifier] if notifier in times else None

        return OtherMember(
            member.name,
            ahead=ahead,
            sees=answer.sees,
            owns=notifier in answer.owns and is_trusted,
            holds=notifier in answer.holds,
            ends=notifier in answer.ends and is_trusted,
            ended=age(answer.ended),
            sending=age(answer.sending),
            opened=age(answer.opened),
        )

    def _is_lost(self, owner: str | None, notifier: str, subject: str) -> bool:
        """Whether the last message of the owner was still pending when it last answered."""
        answers = [each.groups.get(subject) for each in self._peers.others if each.name == owner]
        return owner != THIS_PROBE and any(
            notifier in answer.pending for answer in answers if answer
        )
