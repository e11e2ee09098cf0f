"""Groups that stay open although this probe would resolve them, by what the others last said."""

from collections.abc import Callable, Collection

from alerts.cluster.agreement import NOT_QUERIED_SECONDS
from alerts.cluster.decisions import quorum
from alerts.cluster.decisions.scoped_alert import local_group
from alerts.cluster.membership.members import Members


class OpenGroups:
    """``is_ready``: the others have been asked since the start. ``query_now`` starts a round.
    ``quorum_at`` is when a majority last answered, in seconds of ``now``."""

    def __init__(
        self,
        peers: Members,
        region: str,
        now: Callable[[], float],
        is_ready: Callable[[], bool],
        query_now: Callable[[], None],
    ) -> None:
        self._peers, self._region, self._now = peers, region, now
        self._is_ready, self._query_now = is_ready, query_now
        self._over_since: dict[str, float] = {}
        self.quorum_at = now()

    def is_open_at_peer(self, subject: str) -> bool:
        """Whether another probe sees a group as the target's fault now."""
        now, majority = self._now(), self._peers.has_majority
        answers = [(member, member.groups.get(subject)) for member in self._peers.reachable]
        return any(
            answer.open and (member.is_trusted(now) or not majority)
            for member, answer in answers
            if answer
        )

    def is_kept(self, subject: str, *, fires: bool) -> bool:
        """Whether a group may not be resolved yet although this probe would.

        ``fires``: something of it fires here, if not at the severity that was sent.
        """
        now = self._now()
        if fires:
            self._over_since.pop(subject, None)
        since = now if fires else self._over_since.setdefault(subject, now)
        if not self._is_ready():
            return True
        if subject.endswith(local_group("", self._region)):
            return False
        if not fires and self._is_not_queried(subject, since) and now - since < NOT_QUERIED_SECONDS:
            self._query_now()
            return True
        if self.is_open_at_peer(subject):
            return True
        waited = now - max(since, self.quorum_at)
        return not quorum.may_resolve(len(self._peers.reachable) + 1, self._peers.count, waited)

    def forget_all_but(self, subjects: Collection[str]) -> None:
        """Other groups are of no interest any more."""
        self._over_since = {key: at for key, at in self._over_since.items() if key in subjects}

    def _is_not_queried(self, subject: str, since: float) -> bool:
        """Whether a member has not been asked for a group since then."""
        answers = [member.groups.get(subject) for member in self._peers.reachable]
        return any(answer is None or answer.answered_at < since for answer in answers)
