"""A small model of a cluster for exhaustive search: three members, two checks, one group.

Everything that decides is the product's own; around it is the least of a member: what it saw, what
the others last said, what it has sent and what waits. An action is one look, one ask, one step of
a delivery, or one thing that happens to the network, the target or a process; the explorer tries
them in every order.
"""

import copy

from msgspec.structs import replace

from alerts.cluster.decisions.quorum import RESOLVE_ALONE_SECONDS
from tests.alerts.cluster.explorer.member import CHAT, CHECKS, NAMES, Node, Waiting
from tests.alerts.cluster.explorer.rules import Decision, answer_of


class World:
    """``faults`` counts what went wrong but the target, ``slow`` the long waits."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.nodes = {name: Node(name, quorum_at=self.now) for name in NAMES}
        self.bad = {name: [False, False] for name in NAMES}
        self.cut: set[frozenset[str]] = set()
        self.deaf: set[str] = set()
        self.chat: list[bool] = []
        self.paged, self.early, self.pages, self.faults, self.slow = False, False, 0, 0, 0
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
        """The same for states that behave the same."""
        parts: list[object] = [self.bad, sorted(map(sorted, self.cut)), sorted(self.deaf)]
        parts += [self.paged, self.chat[-3:], self.pages, self.early]
        parts += [bool(self.faults), bool(self.slow)]
        return repr([*parts, *(node.key(self.now) for node in self.nodes.values())])

    # What can happen.

    def look(self, name: str, check: int) -> None:
        """One check of one member has a result."""
        node = self.nodes[name]
        node.looked[check] = self.now
        if self.bad[name][check]:
            node.since[check] = node.since[check] if node.since[check] is not None else self.now
        else:
            node.since[check], node.states[check] = None, None
        self._settle(node)

    def ask(self, name: str) -> None:
        """One member asks all others."""
        node = self.nodes[name]
        for other in self.nodes.values():
            if other is not node and other.alive and frozenset({name, other.name}) not in self.cut:
                node.said[other.name] = answer_of(other, self.now)
        node.round_at = self.now
        if Decision(node, self.now).has_majority:
            node.quorum_at = self.now
        self._settle(node)

    def begin(self, name: str) -> None:
        """The oldest message that may leave is on its way."""
        node = self.nodes[name]
        if node.attempt is None and node.queue:
            may_leave = Decision(node, self.now).may_leave(node.queue[0])
            node.attempt = node.queue[0] if may_leave and name not in self.deaf else None

    def arrive(self, name: str, *, answered: bool) -> None:
        """What is on its way reaches its receiver; its answer comes, or is lost."""
        node = self.nodes[name]
        if node.attempt is None:
            return
        if not answered:
            self.faults += 1
        self._take(node, node.attempt)
        self._over(node, node.attempt, failed=not answered)

    def fail(self, name: str) -> None:
        """What is on its way doesn't reach its receiver."""
        node = self.nodes[name]
        self.faults += 1
        if node.attempt is not None:
            self._over(node, node.attempt, failed=True)

    def deliver(self, name: str) -> None:
        """The oldest message that may leave is delivered."""
        self.begin(name)
        self.arrive(name, answered=True)

    def set_bad(self, names: tuple[str, ...], check: int) -> None:
        """From now on these see one check failing, and no others."""
        for name in NAMES:
            self.bad[name][check] = name in names
        self.ever_bad |= {*names}

    def _settle(self, node: Node) -> None:
        Decision(node, self.now).settle()

    def _take(self, node: Node, message: Waiting) -> None:
        """A receiver takes a message."""
        if message.receiver == CHAT:
            self.chat.append(message.fires)
            return
        self.pages += message.fires and not self.paged
        self.early |= self.paged and not message.fires and self._is_early(node)
        self.paged = message.fires

    def _over(self, node: Node, message: Waiting, *, failed: bool) -> None:
        """An attempt is over; what failed is tried again, after the others are asked."""
        node.attempt, place = None, node.queue.index(message)
        node.queue[place : place + 1] = [replace(message, failed=True)] if failed else []
        self._settle(node)

    def _is_early(self, node: Node) -> bool:
        """Whether two others see the group while this one resolves it without patience."""
        others = [each for each in self.nodes.values() if each is not node and each.alive]
        sees = any(
            all(each.since[check] is not None and each.looked[check] for each in others)
            for check in CHECKS
        )
        waited = self.now - (node.over_since or self.now)
        return sees and len(others) > 1 and waited < RESOLVE_ALONE_SECONDS
