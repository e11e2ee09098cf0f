"""Alert groups that a receiver may hold open from before a start that found nothing stored."""

from collections.abc import Collection, Iterable, Mapping

from alerts.cluster.cluster import Cluster
from alerts.cluster.decisions.scoped_alert import local_group
from alerts.model import Delivery, MessageType
from alerts.notification.notification_log import Key, NotificationLogEntry

# Among several probes, all of which may just have started, what works here may be failing for
# others that have yet to confirm it.
SETTLE_SECONDS = 60.0


class UnknownGroups:
    """``keys`` are notifier and group of each. Times are in seconds, on the pipeline's clock."""

    def __init__(self, cluster: Cluster | None, region: str) -> None:
        self._cluster, self._here = cluster, local_group("", region)
        self._works_since: dict[Key, float] = {}
        self.keys: set[Key] = set()

    @property
    def groups(self) -> set[str]:
        """The groups, whatever the notifier."""
        return {group for _, group in self.keys}

    def note_sent(self, deliveries: Iterable[Delivery]) -> None:
        """These are sent: what is resolved by one of them is no longer unknown."""
        self.keys -= {
            (each.notifier, each.message.key)
            for each in deliveries
            if each.message.occasion is MessageType.RESOLVED
        }

    def over(
        self,
        firing: Collection[str],
        pending: Collection[str],
        views: Mapping[Key, NotificationLogEntry],
        now: float,
    ) -> list[Key]:
        """What is to be resolved now: the group works, and no other probe sees it as failing.
        What fires and was accepted (``views``) gets its resolve in its time, so it is no longer
        unknown. What was refused gets none: it is unknown until it is over."""
        if not self.keys or (self._cluster is not None and not self._cluster.is_ready):
            return []
        self.keys -= {
            key
            for key in self.keys
            if (view := views.get(key)) is not None and view.accepted and key[1] in firing
        }
        bad = {*firing, *pending}
        for key in self.keys:
            names = {key[1], key[1].removesuffix(self._here)}
            if names & bad or key in views or self._is_held(key[1]):
                self._works_since.pop(key, None)
            else:
                self._works_since.setdefault(key, now)
        settle = SETTLE_SECONDS if self._cluster is not None else 0.0
        found = sorted(key for key, since in self._works_since.items() if now - since >= settle)
        self.keys -= set(found)
        for key in found:
            del self._works_since[key]
        return found

    def _is_held(self, group: str) -> bool:
        return self._cluster is not None and self._cluster.open_groups.is_kept(group, fires=False)
