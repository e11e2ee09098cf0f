"""This probe's role in each group at each receiver, by what the other members last said."""

from collections.abc import Callable, Collection, Mapping

from alerts.cluster.agreement import Agreement
from alerts.cluster.leader import NOTIFY_TIMEOUT_SECONDS, Other, Turn, elect, next_turn
from alerts.cluster.member import Member
from alerts.cluster.members import Members
from alerts.cluster.responder import Key
from alerts.model import Delivery, MessageType
from alerts.notification.notification_log import NotificationLogEntry
from alerts.role import MINE, Assignment, Role

# What fires waits so long for the others' first answer on it; asking takes less.
BOUND_SECONDS = 5.0
# Before people are notified of something new, the others were asked so shortly before.
RECENT_SECONDS = 1.0


class Roles:
    """``undelivered`` are keys of which a message waits for its receiver, ``ended`` is when this
    probe resolved a group, ``round_at`` when the others were last asked; ``ask_now`` has them
    asked at once."""

    def __init__(
        self,
        peers: Members,
        agreement: Agreement,
        region: str,
        now: Callable[[], float],
        ask_now: Callable[[], None],
    ) -> None:
        self._peers, self._agreement, self._region = peers, agreement, region
        self._now, self._ask_now = now, ask_now
        self._reopened: set[Key] = set()
        self._turns: dict[Key, Turn] = {}
        self.undelivered: Collection[Key] = ()
        self.ended: Mapping[Key, float] = {}
        self.round_at = float("-inf")

    def assign(
        self, notifier: str, subject: str, view: NotificationLogEntry | None, over: bool
    ) -> Assignment:
        """Whether this probe is the one that notifies people of a group."""
        now = self._now()
        others = [self._other(each, notifier, subject, now) for each in self._peers.reachable]
        begun = self._agreement.begun(subject)
        waited = now - begun
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
            ended=now - self.ended[notifier, subject]
            if (notifier, subject) in self.ended
            else None,
        )
        if view is not None:
            del self._turns[notifier, subject]
            self._note_reopening((notifier, subject), found)
        timeout = NOTIFY_TIMEOUT_SECONDS * len(others) + BOUND_SECONDS
        is_stale = now - self.round_at > RECENT_SECONDS and waited < timeout
        if view is None and others and is_stale and found.role is Role.SEND:
            # A probe that has just notified says so when it is asked now.
            self._ask_now()
            return Assignment(Role.WAIT)
        return found

    def is_overtaken(self, delivery: Delivery, *, is_open: bool, deduplicates: bool) -> bool:
        """Whether a message that waits is no longer true for the cluster: another member has
        resolved the group at this receiver, or sees it as firing again (``is_open``)."""
        message = delivery.message
        if message.occasion is not MessageType.RESOLVED:
            return False
        if is_open or deduplicates:
            return is_open
        words = [member.groups.get(message.key) for member in self._peers.reachable]
        ends = [word.ended.get(delivery.notifier) for word in words if word]
        return any(end is not None and end >= message.since for end in ends)

    def _note_reopening(self, key: Key, found: Assignment) -> None:
        """From when on each member waits for those before it to open a group again."""
        if found.role is not Role.REOPEN:
            self._reopened.discard(key)
        elif key not in self._reopened:
            self._reopened.add(key)
            self._agreement.begin_again(key[1])

    def _other(self, member: Member, notifier: str, subject: str, now: float) -> Other:
        word, ahead = member.groups.get(subject), self._peers.is_ahead(member, self._region)
        if word is None:
            return Other(member.name, ahead)
        # Among those without a majority, what one of them has sent is as good as this one's.
        counts = member.counts(now) or not self._peers.has_majority

        def age(times: Mapping[str, float]) -> float | None:
            return now - times[notifier] if notifier in times else None

        return Other(
            member.name,
            ahead=ahead,
            sees=word.sees,
            owns=notifier in word.owns and counts,
            holds=notifier in word.holds,
            ends=notifier in word.ends and counts,
            ended=age(word.ended),
            pending=age(word.pending),
            opened=age(word.opened),
        )

    def _is_lost(self, owner: str | None, notifier: str, subject: str) -> bool:
        """Whether the last message of the owner was still pending when it last answered."""
        words = [each.groups.get(subject) for each in self._peers.others if each.name == owner]
        return owner != MINE and any(notifier in word.pending for word in words if word)
