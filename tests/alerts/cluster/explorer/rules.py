"""What a member makes of what the others said, by the product's own rules (``judge``, ``elect``,
``may_resolve``), and what it answers them."""

from dataclasses import replace

from alerts.cluster.leader import HANDOVER_SECONDS, Other, elect, next_turn
from alerts.cluster.member import GONE_SECONDS, TRUST_SECONDS
from alerts.cluster.quorum import (
    Circumstances,
    MemberVote,
    QuorumState,
    Scope,
    Vote,
    judge,
    may_resolve,
)
from alerts.model import Severity
from alerts.role import MINE, Role
from tests.alerts.cluster.explorer.member import ALERTS, CHAT, CHECKS, NAMES, Node, Said


def reachable(node: Node, now: float) -> dict[str, Said]:
    """What those that answered lately said."""
    return {name: said for name, said in node.said.items() if now - said.heard <= GONE_SECONDS}


def judge_checks(node: Node, now: float) -> None:
    """Judge each failing check by the votes of all."""
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
        votes = [_vote(node, name, check, since, now) for name in NAMES if name != node.name]
        closed = any(
            at > (node.begun or now)
            for said in reachable(node, now).values()
            for at in said.ended.values()
        )
        around = Circumstances(node.looked[check] or 0.0, closed)
        node.states[check] = judge(alert, node.name, votes, waits, now, around)


def _vote(node: Node, name: str, check: int, since: float, now: float) -> MemberVote:
    said = reachable(node, now).get(name)
    if said is None:
        return MemberVote(name, Vote.SILENT)
    if said.heard < since:
        return MemberVote(name, Vote.UNASKED)
    looked = said.looked[check]
    if looked is None:
        return MemberVote(name, Vote.SILENT)
    if said.since[check] is not None:
        return MemberVote(name, Vote.BAD, Severity.CRITICAL)
    return MemberVote(name, Vote.FINE if looked >= since else Vote.SILENT)


def role_of(node: Node, receiver: str, over: bool, now: float) -> tuple[Role, str]:
    """What the member does about a receiver, and who else does it."""
    there, view = reachable(node, now), node.views.get(receiver)
    place, majority = NAMES.index(node.name), len(there) + 1 > len(NAMES) / 2
    others = [
        Other(
            name,
            ahead=NAMES.index(name) < place,
            sees=said.sees,
            owns=said.owns and (now - said.quorum_at <= TRUST_SECONDS or not majority),
            holds=said.holds,
            ends=said.ends and (now - said.quorum_at <= TRUST_SECONDS or not majority),
            ended=now - said.ended[receiver] if receiver in said.ended else None,
            opened=None if said.opened is None else now - said.opened,
        )
        for name, said in sorted(there.items(), key=lambda each: NAMES.index(each[0]))
    ]
    last = node.said.get(view[1]) if view else None
    begun = now if node.begun is None else node.begun
    before = frozenset(each.name for each in others if each.ahead and each.sees)
    node.turn = next_turn(None if view else node.turn, begun, before, now)
    found = elect(
        view[1] if view else None,
        over,
        others,
        now - node.turn.at,
        now - view[0] if view else 0.0,
        agreed=any(state and state.agreed for state in node.states),
        pending=any(each[0] == receiver for each in node.queue),
        lost=last is not None and last.pending,
        ended=now - node.ended[receiver] if receiver in node.ended else None,
    )
    is_stale = node.round_at is None or now - node.round_at > 1.0
    if view is None and others and is_stale and found.role is Role.SEND:
        return Role.WAIT, MINE
    return found.role, found.owner


def is_held(node: Node, now: float) -> bool:
    """Whether an end waits for what others say."""
    there, since = reachable(node, now), node.over_since or now
    if node.round_at is None or any(said.heard < since for said in there.values()):
        return True
    majority = len(there) + 1 > len(NAMES) / 2
    for said in there.values():
        trusted = now - said.quorum_at <= TRUST_SECONDS
        if said.open and (trusted or not majority):
            return True
    waited = now - max(since, node.quorum_at)
    return not may_resolve(len(there) + 1, len(NAMES), waited)


def answer(node: Node, now: float) -> Said:
    """What the member answers when it is asked."""
    waiting = {receiver: at for receiver, _, at in node.queue}
    chat = node.views.get(CHAT)
    is_late = (CHAT, True) in [each[:2] for each in node.queue] or (
        now - waiting.get(CHAT, now) >= HANDOVER_SECONDS
    )
    ending = chat is None and CHAT in waiting and CHAT in node.ended
    fails = [since is not None for since in node.since]
    return Said(
        heard=now,
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
        owns=not is_late and chat is not None and chat[1] == MINE,
        ends=not is_late and ending,
        holds=chat is not None and chat[1] != MINE,
        pending=CHAT in waiting,
        ended={name: at for name, at in node.ended.items() if name not in waiting},
        quorum_at=node.quorum_at,
        opened=chat[0] if chat else None,
    )
