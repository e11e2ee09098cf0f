"""Who belongs to this cluster, by what its members answered in this process's life.

A probe with other PROBE_PEERS may ask this one and not be asked, or be asked and not ask: each side
counts the members differently. It shows in who asks, and in the lists that members report.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from msgspec import Struct

from alerts.senders.foreign_senders import KnownSenders
from alerts.senders.mark import peers_digest
from probe.report.text.sanitize import clean

# A member that has just started is asked within 30 s, and asks within 30 s.
NOTICED_SECONDS = 90.0
MAX_IDS, MAX_QUERIERS = 1000, 100


class AnsweringMember(Struct, frozen=True):
    """What a member that answers says of itself: its process, the name by which it is shown, a
    digest of its PROBE_PEERS, and the processes that it knows in the order of that list."""

    id: str
    name: str
    peers: str
    order: tuple[str, ...]


@dataclass(slots=True)
class _Querier:
    region: str
    first: float
    last: float


class Membership:
    """``entries`` is PROBE_PEERS, ``id`` this process; ``now`` gives seconds."""

    def __init__(self, entries: Iterable[str], id: str, now: Callable[[], float]) -> None:
        self.digest, self._id, self._now = peers_digest(entries), id, now
        self._ids: dict[str, None] = {}
        self._digests: set[str] = set()
        self._queriers: dict[str, _Querier] = {}
        self._unlisted: dict[str, tuple[str, float]] = {}
        self._all_answer = True

    def note_querier(self, id: str, region: str) -> None:
        """A probe has asked this one, with the token."""
        now = self._now()
        if id and id != self._id:
            querier = self._queriers.pop(id, None) or _Querier(region, now, now)
            querier.last = now
            self._queriers[id] = querier
        while len(self._queriers) > MAX_QUERIERS:
            del self._queriers[next(iter(self._queriers))]

    def note_round(self, members: Iterable[AnsweringMember], *, all_answer: bool) -> None:
        """These members answer; ``all_answer``: no other one is missing."""
        now, members = self._now(), list(members)
        self._all_answer = all_answer
        self._ids |= {each.id: None for each in members}
        while len(self._ids) > MAX_IDS:
            del self._ids[next(iter(self._ids))]
        self._digests = {each.peers for each in members if each.peers}
        self._unlisted = {
            each.id: (each.name, self._unlisted.get(each.id, ("", now))[1])
            for each in members
            if each.order and self._id not in each.order
        }
        self._queriers = {
            id: each for id, each in self._queriers.items() if now - each.last <= NOTICED_SECONDS
        }

    @property
    def known(self) -> KnownSenders:
        """Whose messages are this cluster's."""
        return KnownSenders({*self._ids, self._id}, self.digest, self._digests, self._all_answer)

    @property
    def problems(self) -> list[str]:
        """Probes on one side's list only, and what to do."""
        now = self._now()
        found = [
            f"{name} does not ask this probe: its PROBE_PEERS lacks this one, or its way here"
            " is cut. Use the same PROBE_PEERS everywhere"
            for name, since in self._unlisted.values()
            if now - since >= NOTICED_SECONDS
        ]
        strays = [
            clean(each.region)
            for id, each in self._queriers.items()
            if id not in self._ids and each.last - each.first >= NOTICED_SECONDS
        ]
        if not self._all_answer:
            # The unknown one may be a member that can ask this probe and not be asked.
            return found
        return found + [
            f"a probe in region {region} asks this one, and PROBE_PEERS here does not name it:"
            " use the same PROBE_PEERS everywhere, or give it a token and pager key of its own"
            for region in sorted(set(strays))
        ]
