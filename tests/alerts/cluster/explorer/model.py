"""A small model of a cluster for exhaustive search: three members, two checks, one group.

Everything that decides is the product's own (``judge``, ``elect``, ``may_resolve``); around it
stands the least of a member: what it saw, what the others last said, what it has sent and what
waits. An action is one look, one ask, one delivery, or one thing that happens to the network,
the target or a process; the explorer tries them in every order.
"""

import copy

from alerts.cluster.quorum import RESOLVE_ALONE_SECONDS
from alerts.role import MINE, Role
from tests.alerts.cluster.explorer.member import CHAT, CHECKS, NAMES, PAGER, Node
from tests.alerts.cluster.explorer.rules import answer, is_held, judge_checks, reachable, role_of


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
        other.nodes = {name: node.copied() for name, node in self.nodes.items()}
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
                node.said[other.name] = answer(other, self.now)
        node.round_at = self.now
        if len(reachable(node, self.now)) + 1 > len(NAMES) / 2:
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
        judge_checks(node, self.now)
        fires = any(state and state.is_global for state in node.states)
        node.begun = (node.begun or self.now) if fires else None
        node.over_since = None if fires else (node.over_since or self.now)
        for receiver in (CHAT, PAGER):
            if fires:
                self._fire(node, receiver)
            elif receiver in node.views and not is_held(node, self.now):
                self._end(node, receiver)
        self._withdraw_overtaken(node)

    def _fire(self, node: Node, receiver: str) -> None:
        view = node.views.get(receiver)
        if receiver == PAGER:
            is_closed = view is not None and role_of(node, PAGER, False, self.now)[0] is Role.REOPEN
            if view is None or is_closed:
                self._send(node, receiver, fires=True)
            return
        role, owner = role_of(node, receiver, False, self.now)
        if role is Role.REOPEN:
            del node.views[receiver]
            node.begun, view = self.now, None
            role, owner = role_of(node, receiver, False, self.now)
        if role is Role.STANDBY:
            if view is not None and view[1] == MINE:
                self._withdraw(node, receiver)
            node.views[receiver] = (view[0] if view else self.now, owner)
        elif role is Role.REPEAT or (role is Role.SEND and view is None):
            self._send(node, receiver, fires=True)

    def _end(self, node: Node, receiver: str) -> None:
        role, owner = (
            (Role.SEND, MINE) if receiver == PAGER else role_of(node, receiver, True, self.now)
        )
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
        there = reachable(node, self.now)
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
