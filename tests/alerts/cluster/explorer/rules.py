"""What a member makes of what the others said, by the product's own rules (``judge``, ``elect``,
``may_resolve``), and what it answers them."""

from collections.abc import Mapping

from msgspec.structs import replace

from alerts.cluster.decisions.leader import HANDOVER_SECONDS, OtherMember, elect, next_turn
from alerts.cluster.decisions.quorum import (
    Circumstances,
    MemberVote,
    QuorumState,
    Scope,
    Vote,
    judge,
    may_resolve,
)
from alerts.cluster.membership.member import GONE_SECONDS, TRUST_SECONDS
from alerts.cluster.roles import BOUND_SECONDS, RECENT_SECONDS
from alerts.model import Severity
from alerts.role import THIS_PROBE, Role
from tests.alerts.cluster.explorer.member import (
    ALERTS,
    CHAT,
    CHECKS,
    NAMES,
    PAGER,
    Node,
    Said,
    Waiting,
)


class Decision:
    """One member at one moment."""

    def __init__(self, node: Node, now: float) -> None:
        self.node, self.now = node, now
        self.there: Mapping[str, Said] = {
            name: said for name, said in node.said.items() if now - said.answered_at <= GONE_SECONDS
        }
        self.has_majority = len(self.there) + 1 > len(NAMES) / 2

    def settle(self) -> None:
        """Judge, and bring what is to be sent up to date."""
        node = self.node
        self._judge()
        fires = any(state and state.is_global for state in node.states)
        node.begun = (node.begun or self.now) if fires else None
        node.over_since = None if fires else (node.over_since or self.now)
        for receiver in (CHAT, PAGER):
            if fires:
                self._fire(receiver)
            elif receiver in node.views and not self._is_held():
                self._end(receiver)
        self._withdraw_overtaken()

    def may_leave(self, message: Waiting) -> bool:
        """Whether a message may be sent now."""
        node, now = self.node, self.now
        if node.round_at is None or None in node.looked:
            return False
        is_new = not message.failed and now - message.at <= RECENT_SECONDS
        is_recent = is_new or now - node.round_at <= RECENT_SECONDS
        if message.receiver == CHAT and node.said and not is_recent:
            return False
        return not message.fires or any(since is not None for since in node.since)

    def _judge(self) -> None:
        node = self.node
        for check in CHECKS:
            since, before = node.since[check], node.states[check]
            if since is None:
                node.states[check] = None
                continue
            waits = before or QuorumState(Scope.WAITING, Severity.CRITICAL, "")
            if node.looked[check] is None or node.round_at is None:
                node.states[check] = replace(waits, agreed=False)
                continue
            alert = replace(ALERTS[check], since=since, fired=since)
            votes = [self._vote(name, check, since) for name in NAMES if name != node.name]
            begun = node.begun or self.now
            closed = any(at > begun for said in self.there.values() for at in said.ended.values())
            around = Circumstances(node.looked[check] or 0.0, closed)
            node.states[check] = judge(alert, node.name, votes, waits, self.now, around)

    def _vote(self, name: str, check: int, since: float) -> MemberVote:
        said = self.there.get(name)
        if said is None:
            return MemberVote(name, Vote.SILENT)
        if said.answered_at < since:
            return MemberVote(name, Vote.NOT_QUERIED)
        looked = said.looked[check]
        if looked is None:
            return MemberVote(name, Vote.SILENT)
        if said.since[check] is not None:
            return MemberVote(name, Vote.BAD, Severity.CRITICAL)
        return MemberVote(name, Vote.FINE if looked >= since else Vote.SILENT)

    def _fire(self, receiver: str) -> None:
        node, view = self.node, self.node.views.get(receiver)
        if receiver == PAGER:
            is_closed = view is not None and self._elect(PAGER, False)[0] is Role.REOPEN
            if view is None or is_closed:
                self._send(receiver, fires=True)
            return
        role, owner = self._elect(receiver, False)
        if role is Role.REOPEN:
            del node.views[receiver]
            node.begun, view = self.now, None
            role, owner = self._elect(receiver, False)
        if role is Role.STANDBY:
            if view is not None and view[1] == THIS_PROBE:
                node.withdraw(receiver)
            node.views[receiver] = (view[0] if view else self.now, owner)
        elif role is Role.REPEAT or (role is Role.SEND and view is None):
            self._send(receiver, fires=True)

    def _end(self, receiver: str) -> None:
        node = self.node
        role, owner = (Role.SEND, THIS_PROBE) if receiver == PAGER else self._elect(receiver, True)
        if role in (Role.STANDBY, Role.FORGET):
            node.withdraw(receiver)
        if role is Role.STANDBY:
            node.views[receiver] = (node.views[receiver][0], owner)
        elif role is Role.FORGET:
            del node.views[receiver]
        elif role is Role.SEND:
            del node.views[receiver]
            self._send_end(receiver)

    def _send_end(self, receiver: str) -> None:
        node = self.node
        opening = [each for each in node.queue if each.receiver == receiver and each.fires]
        # Merged, unless the receiver may have taken the first message.
        is_unheard = opening and not opening[0].failed and node.attempt not in opening
        node.queue = [each for each in node.queue if each.receiver != receiver]
        node.end_attempt(receiver)
        if is_unheard and receiver == CHAT:
            return
        node.ended[receiver] = self.now
        node.queue.append(Waiting(receiver, False, self.now))

    def _elect(self, receiver: str, over: bool) -> tuple[Role, str]:
        node, view = self.node, self.node.views.get(receiver)
        others = [
            self._other(name, self.there[name], receiver) for name in NAMES if name in self.there
        ]
        last = node.said.get(view[1]) if view else None
        begun = self.now if node.begun is None else node.begun
        before = frozenset(each.name for each in others if each.ahead and each.sees)
        node.turn = next_turn(None if view else node.turn, begun, before, self.now)
        found = elect(
            view[1] if view else None,
            over,
            others,
            self.now - node.turn.at,
            self.now - view[0] if view else 0.0,
            agreed=any(state and state.agreed for state in node.states),
            pending=any(each.receiver == receiver for each in node.queue),
            lost=last is not None and last.pending,
            ended=self.now - node.ended[receiver] if receiver in node.ended else None,
        )
        is_mine = view is not None and view[1] == THIS_PROBE
        takes_over = found.role is Role.REPEAT or (found.role is Role.SEND and not is_mine)
        if receiver != CHAT:
            return found.role, found.owner
        if not takes_over or not others:
            node.wants = None
        elif not self._has_asked():
            return Role.WAIT, THIS_PROBE
        return found.role, found.owner

    def _other(self, name: str, said: Said, receiver: str) -> OtherMember:
        counts = self.now - said.quorum_at <= TRUST_SECONDS or not self.has_majority
        return OtherMember(
            name,
            ahead=NAMES.index(name) < NAMES.index(self.node.name),
            sees=said.sees,
            owns=said.owns and counts,
            holds=said.holds,
            ends=said.ends and counts,
            sending=None if said.sending is None else self.now - said.sending,
            ended=self.now - said.ended[receiver] if receiver in said.ended else None,
            opened=None if said.opened is None else self.now - said.opened,
        )

    def _has_asked(self) -> bool:
        """Whether the others were asked since this member is about to take the group over."""
        node = self.node
        node.wants = self.now if node.wants is None else node.wants
        is_asked = node.round_at is not None and node.round_at > node.wants
        return is_asked or self.now - node.wants >= BOUND_SECONDS

    def _is_held(self) -> bool:
        node, there = self.node, self.there
        since = node.over_since or self.now
        if node.round_at is None or any(said.answered_at < since for said in there.values()):
            return True
        for said in there.values():
            trusted = self.now - said.quorum_at <= TRUST_SECONDS
            if said.open and (trusted or not self.has_majority):
                return True
        waited = self.now - max(since, node.quorum_at)
        return not may_resolve(len(there) + 1, len(NAMES), waited)

    def _send(self, receiver: str, *, fires: bool) -> None:
        node = self.node
        node.views[receiver] = (self.now, THIS_PROBE)
        same = [each for each in node.queue if (each.receiver, each.fires) == (receiver, fires)]
        node.queue = [each for each in node.queue if each not in same]
        if node.attempt in same:
            node.attempt = None
        node.queue.append(Waiting(receiver, fires, self.now))

    def _withdraw_overtaken(self) -> None:
        node = self.node
        is_open = any(said.open for said in self.there.values())
        for each in [*node.queue]:
            ends = [said.ended.get(each.receiver, 0.0) for said in self.there.values()]
            by_other = is_open or (
                each.receiver == CHAT and any(end >= each.at - 60 for end in ends)
            )
            if not each.fires and by_other and each in node.queue:
                node.withdraw(each.receiver, each)


def answer_of(node: Node, now: float) -> Said:
    """What a member answers another one."""
    waiting = {each.receiver: each for each in node.queue}
    chat, last = node.views.get(CHAT), waiting.get(CHAT)
    openings = [each for each in node.queue if each.receiver == CHAT and each.fires]
    is_late = bool(openings) or (last is not None and now - last.at >= HANDOVER_SECONDS)
    sending = [each.at for each in openings if not each.failed]
    fails = [since is not None for since in node.since]
    return Said(
        answered_at=now,
        looked=tuple(node.looked),
        since=tuple(
            since if node.looked[check] is not None else None
            for check, since in enumerate(node.since)
        ),
        sees=any(fails),
        open=any(
            state is not None and state.is_global and fails[check]
            for check, state in enumerate(node.states)
            if node.looked[check] is not None
        ),
        owns=not is_late and chat is not None and chat[1] == THIS_PROBE,
        ends=not is_late and chat is None and last is not None and CHAT in node.ended,
        holds=chat is not None and chat[1] != THIS_PROBE,
        pending=last is not None,
        sending=max(sending, default=None),
        ended={name: at for name, at in node.ended.items() if name not in waiting},
        quorum_at=node.quorum_at,
        opened=chat[0] if chat else None,
    )
