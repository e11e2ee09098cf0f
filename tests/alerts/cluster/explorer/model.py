"""A small model of a cluster for exhaustive search: three members, two checks, one group.

Everything that decides is the product's own (``judge``, ``elect``, ``may_resolve``); around it
stands the least of a member: what it saw, what the others last said, what it has sent and what
waits. An action is one look, one ask, one delivery, or one thing that happens to the network,
the target or a process; the explorer tries them in every order.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from alerts.cluster.leader import HANDOVER_SECONDS, Other, Turn, elect, next_turn
from alerts.cluster.member import GONE_SECONDS, TRUST_SECONDS
from alerts.cluster.quorum import (
    RESOLVE_ALONE_SECONDS,
    Circumstances,
    MemberVote,
    QuorumState,
    Scope,
    Vote,
    judge,
    may_resolve,
)
from alerts.model import Alert, Fingerprint, Severity
from alerts.role import MINE, Role

NAMES = ("lax", "fra", "nrt")
CHECKS = (0, 1)
CHAT, PAGER = "chat", "pager"
ALERTS = tuple(
    Alert(
        Fingerprint(f"c{check}", "failing"),
        Severity.CRITICAL,
        since=0.0,
        fired=0.0,
        summary="fails",
        kind="toy",
        target="t",
        region="",
        runbook="any",
    )
    for check in CHECKS
)


@dataclass(frozen=True)
class Said:
    """What a member last answered, and when."""

    heard: float
    looked: tuple[float | None, ...]
    since: tuple[float | None, ...]
    sees: bool
    open: bool
    owns: bool
    holds: bool
    pending: bool
    ended: dict[str, float]
    quorum_at: float
    opened: float | None
    ends: bool


@dataclass
class Node:
    """One member. ``since`` is when a check began to fail, ``queue`` what waits for receivers
    as (receiver, fires, at)."""

    name: str
    alive: bool = True
    since: list[float | None] = field(default_factory=lambda: [None, None])
    looked: list[float | None] = field(default_factory=lambda: [None, None])
    states: list[QuorumState | None] = field(default_factory=lambda: [None, None])
    said: dict[str, Said] = field(default_factory=dict)
    views: dict[str, tuple[float, str]] = field(default_factory=dict)
    queue: list[tuple[str, bool, float]] = field(default_factory=list)
    ended: dict[str, float] = field(default_factory=dict)
    begun: float | None = None
    over_since: float | None = None
    turn: Turn | None = None
    quorum_at: float = 0.0
    round_at: float | None = None

    def restart(self, now: float) -> None:
        """What is kept on the disk stays: failing checks, views and the queue."""
        kept = Node(
            self.name, since=self.since, views=self.views, queue=self.queue, ended=self.ended
        )
        self.__dict__.update(kept.__dict__, quorum_at=now)


class World:
    """The members, the target as each sees it, the links, and the receivers."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.nodes = {name: Node(name, quorum_at=self.now) for name in NAMES}
        self.bad = {name: [False, False] for name in NAMES}
        self.cut: set[frozenset[str]] = set()
        self.deaf: set[str] = set()
        self.chat: list[bool] = []
        self.paged, self.early, self.pages, self.faults = False, False, 0, 0
        self.ever_bad: set[str] = set()

    def clone(self) -> "World":
        """A copy that shares nothing that changes."""
        other = copy.copy(self)
        other.nodes = {name: _copied(node) for name, node in self.nodes.items()}
        other.bad = {name: [*each] for name, each in self.bad.items()}
        other.cut, other.deaf, other.chat = {*self.cut}, {*self.deaf}, [*self.chat]
        other.ever_bad = {*self.ever_bad}
        return other

    def key(self) -> str:
        """The same for states that behave the same: times count by their age, up to a limit."""

        def age(at: float | None) -> object:
            return None if at is None else min(self.now - at, 250.0)

        parts: list[object] = [self.bad, sorted(map(sorted, self.cut)), sorted(self.deaf)]
        parts += [self.paged, self.chat[-3:], self.pages, self.early]
        for node in self.nodes.values():
            parts += [node.alive, [*map(age, node.since)], [*map(age, node.looked)]]
            parts += [
                [(s and (s.scope.value, age(s.disputed_since), s.agreed)) for s in node.states]
            ]
            parts += [[(r, age(at), owner) for r, (at, owner) in sorted(node.views.items())]]
            parts += [[(r, fires, age(at)) for r, fires, at in node.queue]]
            parts += [
                age(node.begun),
                age(node.over_since),
                node.turn and (age(node.turn.at), sorted(node.turn.before)),
                age(node.quorum_at),
                age(node.round_at),
            ]
            for name, said in sorted(node.said.items()):
                flags = (said.sees, said.open, said.owns, said.holds, said.pending)
                parts += [name, age(said.heard), flags, age(said.quorum_at)]
                parts += [[*map(age, said.looked)], [*map(age, said.since)]]
        return repr(parts)

    # What can happen.

    def look(self, name: str, check: int) -> None:
        """One check of one member has a result."""
        node = self.nodes[name]
        node.looked[check] = self.now
        if self.bad[name][check]:
            node.since[check] = node.since[check] if node.since[check] is not None else self.now
        else:
            node.since[check], node.states[check] = None, None
        self.settle(node)

    def ask(self, name: str) -> None:
        """One member asks all others."""
        node = self.nodes[name]
        for other in self.nodes.values():
            if other is not node and other.alive and frozenset({name, other.name}) not in self.cut:
                node.said[other.name] = self._answer(other)
        node.round_at = self.now
        if len(self._there(node)) + 1 > len(NAMES) / 2:
            node.quorum_at = self.now
        self.settle(node)

    def deliver(self, name: str) -> None:
        """The oldest message that may leave does."""
        node = self.nodes[name]
        if not node.queue or not self._may_leave(node, node.queue[0]):
            return
        receiver, fires, _ = node.queue.pop(0)
        if receiver == CHAT:
            self.chat.append(fires)
        else:
            self.pages += fires and not self.paged
            self.early |= self.paged and not fires and self._is_early(node)
            self.paged = fires
        self.settle(node)

    def set_bad(self, names: tuple[str, ...], check: int) -> None:
        """From now on these see one check failing, and no others."""
        for name in NAMES:
            self.bad[name][check] = name in names
        self.ever_bad |= {*names}

    def settle(self, node: Node) -> None:
        """Judge, and bring what is to be sent up to date."""
        self._judge(node)
        fires = any(state and state.is_global for state in node.states)
        node.begun = (node.begun or self.now) if fires else None
        node.over_since = None if fires else (node.over_since or self.now)
        for receiver in (CHAT, PAGER):
            if fires:
                self._fire(node, receiver)
            elif receiver in node.views and not self._is_held(node):
                self._end(node, receiver)
        self._withdraw_overtaken(node)

    def _judge(self, node: Node) -> None:
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
            votes = [self._vote(node, name, check, since) for name in NAMES if name != node.name]
            closed = any(
                at > (node.begun or self.now)
                for said in self._there(node).values()
                for at in said.ended.values()
            )
            around = Circumstances(node.looked[check] or 0.0, closed)
            node.states[check] = judge(alert, node.name, votes, waits, self.now, around)

    def _vote(self, node: Node, name: str, check: int, since: float) -> MemberVote:
        said = self._there(node).get(name)
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

    def _fire(self, node: Node, receiver: str) -> None:
        view = node.views.get(receiver)
        if receiver == PAGER:
            is_closed = view is not None and self._elect(node, PAGER, False)[0] is Role.REOPEN
            if view is None or is_closed:
                self._send(node, receiver, fires=True)
            return
        role, owner = self._elect(node, receiver, False)
        if role is Role.REOPEN:
            del node.views[receiver]
            node.begun, view = self.now, None
            role, owner = self._elect(node, receiver, False)
        if role is Role.STANDBY:
            if view is not None and view[1] == MINE:
                self._withdraw(node, receiver)
            node.views[receiver] = (view[0] if view else self.now, owner)
        elif role is Role.REPEAT or (role is Role.SEND and view is None):
            self._send(node, receiver, fires=True)

    def _end(self, node: Node, receiver: str) -> None:
        role, owner = (Role.SEND, MINE) if receiver == PAGER else self._elect(node, receiver, True)
        if role in (Role.STANDBY, Role.FORGET):
            self._withdraw(node, receiver)
        if role is Role.STANDBY:
            node.views[receiver] = (node.views[receiver][0], owner)
        elif role is Role.FORGET:
            del node.views[receiver]
        elif role is Role.SEND:
            del node.views[receiver]
            node.ended[receiver] = self.now
            opening = (receiver, True)
            if any(each[:2] == opening for each in node.queue) and receiver == CHAT:
                # Merged: nobody has heard of it.
                self._withdraw(node, receiver)
                node.ended.pop(receiver, None)
            else:
                node.queue = [each for each in node.queue if each[0] != receiver]
                node.queue.append((receiver, False, self.now))

    def _elect(self, node: Node, receiver: str, over: bool) -> tuple[Role, str]:
        there, view = self._there(node), node.views.get(receiver)
        place, majority = NAMES.index(node.name), len(there) + 1 > len(NAMES) / 2
        others = [
            Other(
                name,
                ahead=NAMES.index(name) < place,
                sees=said.sees,
                owns=said.owns and (self.now - said.quorum_at <= TRUST_SECONDS or not majority),
                holds=said.holds,
                ends=said.ends and (self.now - said.quorum_at <= TRUST_SECONDS or not majority),
                ended=self.now - said.ended[receiver] if receiver in said.ended else None,
                opened=None if said.opened is None else self.now - said.opened,
            )
            for name, said in sorted(there.items(), key=lambda each: NAMES.index(each[0]))
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
            pending=any(each[0] == receiver for each in node.queue),
            lost=last is not None and last.pending,
            ended=self.now - node.ended[receiver] if receiver in node.ended else None,
        )
        is_stale = node.round_at is None or self.now - node.round_at > 1.0
        if view is None and others and is_stale and found.role is Role.SEND:
            return Role.WAIT, MINE
        return found.role, found.owner

    def _is_held(self, node: Node) -> bool:
        there, since = self._there(node), node.over_since or self.now
        if node.round_at is None or any(said.heard < since for said in there.values()):
            return True
        majority = len(there) + 1 > len(NAMES) / 2
        for said in there.values():
            trusted = self.now - said.quorum_at <= TRUST_SECONDS
            if said.open and (trusted or not majority):
                return True
        waited = self.now - max(since, node.quorum_at)
        return not may_resolve(len(there) + 1, len(NAMES), waited)

    def _send(self, node: Node, receiver: str, *, fires: bool) -> None:
        node.views[receiver] = (self.now, MINE)
        node.queue = [each for each in node.queue if each[:2] != (receiver, fires)]
        node.queue.append((receiver, fires, self.now))

    def _withdraw(self, node: Node, receiver: str) -> None:
        if any(each[:2] == (receiver, False) for each in node.queue):
            # An end that nobody has been sent is no end.
            node.ended.pop(receiver, None)
        node.queue = [each for each in node.queue if each[0] != receiver]

    def _withdraw_overtaken(self, node: Node) -> None:
        there = self._there(node)
        is_open = any(said.open for said in there.values())
        for receiver, fires, at in [*node.queue]:
            ends = [said.ended[receiver] for said in there.values() if receiver in said.ended]
            by_other = is_open or (receiver == CHAT and any(end >= at - 60 for end in ends))
            if not fires and by_other:
                node.queue.remove((receiver, fires, at))
                node.ended.pop(receiver, None)

    def _may_leave(self, node: Node, message: tuple[str, bool, float]) -> bool:
        if node.name in self.deaf or node.round_at is None or None in node.looked:
            return False
        return not message[1] or any(since is not None for since in node.since)

    def _is_early(self, node: Node) -> bool:
        """Whether two others see the group while this one resolves it without patience."""
        others = [each for each in self.nodes.values() if each is not node and each.alive]
        sees = any(
            all(each.since[check] is not None and each.looked[check] for each in others)
            for check in CHECKS
        )
        waited = self.now - (node.over_since or self.now)
        return sees and len(others) > 1 and waited < RESOLVE_ALONE_SECONDS

    def _there(self, node: Node) -> dict[str, Said]:
        return {
            name: said for name, said in node.said.items() if self.now - said.heard <= GONE_SECONDS
        }

    def _answer(self, node: Node) -> Said:
        waiting = {receiver: at for receiver, _, at in node.queue}
        chat = node.views.get(CHAT)
        is_late = (CHAT, True) in [each[:2] for each in node.queue] or (
            self.now - waiting.get(CHAT, self.now) >= HANDOVER_SECONDS
        )
        ending = chat is None and CHAT in waiting and CHAT in node.ended
        fails = [since is not None for since in node.since]
        return Said(
            heard=self.now,
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


def _copied(node: Node) -> Node:
    other = copy.copy(node)
    for name in ("since", "looked", "states", "queue"):
        setattr(other, name, [*getattr(node, name)])
    for name in ("said", "views", "ended"):
        setattr(other, name, {**getattr(node, name)})
    return other


def actions(world: World) -> Iterator[tuple[str, object]]:
    """Everything that can happen next: its name, and a function that lets it happen."""
    for name, node in world.nodes.items():
        if not node.alive:
            yield f"restart {name}", lambda w, n=name: w.nodes[n].restart(w.now)
            continue
        for check in CHECKS:
            yield f"look {name} {check}", lambda w, n=name, c=check: w.look(n, c)
        yield f"ask {name}", lambda w, n=name: w.ask(n)
        if node.queue and name not in world.deaf:
            yield f"deliver {name}", lambda w, n=name: w.deliver(n)
        yield f"crash {name}", lambda w, n=name: _crash(w, n)
    for names in ((), ("lax",), ("fra", "nrt"), NAMES):
        for check in CHECKS:
            yield f"bad {check} {names}", lambda w, n=names, c=check: w.set_bad(n, c)
    if world.cut or world.deaf:
        yield "heal", lambda w: (w.cut.clear(), w.deaf.clear())
    yield "cut lax", lambda w: _cut(w, "lax")
    yield "cut lax from receivers", lambda w: _deafen(w, "lax")
    for seconds in (4.0, 16.0, 70.0, 190.0):
        yield f"wait {seconds:g}", lambda w, s=seconds: _wait(w, s)


def _crash(world: World, name: str) -> None:
    world.nodes[name].alive = False
    world.faults += 1


def _cut(world: World, name: str) -> None:
    world.cut |= {frozenset({name, other}) for other in NAMES if other != name}
    world.faults += 1


def _deafen(world: World, name: str) -> None:
    world.deaf.add(name)
    world.faults += 1


def _wait(world: World, seconds: float) -> None:
    world.now += seconds
