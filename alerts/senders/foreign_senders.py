"""Other probes that use a receiver under the same keys and are no members of this cluster.

Two clusters (or two lone probes, or a stray one with other PROBE_PEERS) that share a routing key
and names of alert groups resolve each other's incidents. Neither can ask the other; what their
messages say of their senders is read back from the receiver.
"""

import logging
from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct

from alerts.senders.mark import SenderMark, SentBy

# An earlier process of this probe, or one that it replaces, may have sent until then.
START_SECONDS = 120.0
# A member that has just started is known by then: it is asked at least so often.
MEMBER_SECONDS = 90.0
# How long one that was seen is reported.
REPORTED_SECONDS = 86400.0
MAX_REPORTED = 20

logger = logging.getLogger(__name__)


class KnownSenders(Struct, frozen=True):
    """Whose messages are this cluster's: ``ids`` of this process and of every member that has
    answered in its life, and digests of their PROBE_PEERS. ``peers`` is this probe's own digest,
    ``all_answer``: no member is missing, so that an unknown process is none of them."""

    ids: Collection[str]
    peers: str = ""
    digests: Collection[str] = ()
    all_answer: bool = True


class ForeignSender(Struct, frozen=True):
    """Another probe's mark in an incident of this one's, seen at a receiver."""

    notifier: str
    group: str
    mark: SenderMark
    seen_at: float

    @property
    def text(self) -> str:
        """What is wrong and what to do, for people."""
        who = f"a probe in region {self.mark.region}" if self.mark.region else "a probe"
        which = "with other PROBE_PEERS" if self.mark.peers else "without PROBE_PEERS"
        return (
            f"{who} {which} that is no member of this cluster sends to the same {self.notifier}"
            f" under the same keys ({self.group}): each resolves the other's incidents. Give it a"
            " key or names of alert groups of its own, or the same PROBE_PEERS"
        )


class ForeignSenders:
    """Those seen lately. ``started`` is when this process began, by the wall clock."""

    def __init__(self, started: float) -> None:
        self._started = started
        self._found: dict[tuple[str, str, str], ForeignSender] = {}
        self._logged: set[str] = set()
        # When a process was first seen that is no known one.
        self._unknown: dict[str, float] = {}

    def update(
        self, notifier: str, found: Iterable[SentBy], known: KnownSenders, now: float
    ) -> None:
        """What a receiver says of its open incidents; ``now`` is by the wall clock."""
        for each in found:
            mark = each.mark
            if mark.id not in known.ids:
                self._unknown.setdefault(mark.id, now)
            if self._is_foreign(mark, known, now):
                who = (notifier, mark.region, mark.peers)
                self._found[who] = ForeignSender(notifier, each.key, mark, now)
        self._forget(known, now)
        texts = {each.text for each in self.found}
        for text in sorted(texts - self._logged):
            logger.warning("%s", text)
        self._logged = texts

    @property
    def found(self) -> list[ForeignSender]:
        """The newest first."""
        newest = sorted(self._found.values(), key=lambda each: -each.seen_at)
        return newest[:MAX_REPORTED]

    @property
    def counts(self) -> Mapping[str, int]:
        """How many there are, by notifier."""
        names = [notifier for notifier, _, _ in self._found]
        return {name: names.count(name) for name in sorted(set(names))}

    def _is_foreign(self, mark: SenderMark, known: KnownSenders, now: float) -> bool:
        if mark.id in known.ids or mark.at < self._started + START_SECONDS:
            return False
        if mark.peers and (mark.peers == known.peers or mark.peers in known.digests):
            # The same list elsewhere, as of two networks with the same names, or a new process
            # of a member, which answers soon. What is posted again and again has a recent time.
            first = min(mark.at, self._unknown.get(mark.id, now))
            return known.all_answer and now - first >= MEMBER_SECONDS
        return True

    def _forget(self, known: KnownSenders, now: float) -> None:
        """What was seen long ago, and a member that has answered since."""
        self._found = {
            who: each
            for who, each in self._found.items()
            if now - each.seen_at < REPORTED_SECONDS and each.mark.id not in known.ids
        }
        self._unknown = {
            id: at for id, at in self._unknown.items() if now - at < 2 * REPORTED_SECONDS
        }
