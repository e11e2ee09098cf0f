"""All records of alerts, and apart from them those that wait for something.

Of a thousand checks that pass, thousands of records have nothing to do: what happens again and
again asks only for the others.
"""

import math
from collections.abc import Iterator

from alerts.model import Alert, Fingerprint
from alerts.state.machine import AlertState, ObservedLevel, next_time
from alerts.state.record import AlertRecord
from probe.core.thresholds import FAILING, NO_DATA


class AlertRecords:
    """Records by identity, in the order in which they were added. ``active`` are those whose
    alert is pending or fires."""

    def __init__(self) -> None:
        self._all: dict[Fingerprint, AlertRecord] = {}
        self.active: dict[Fingerprint, AlertRecord] = {}
        self._active_of: dict[str, dict[Fingerprint, AlertRecord]] = {}
        self._with_status: set[str] = set()

    def __iter__(self) -> Iterator[Fingerprint]:
        return iter(self._all)

    def __contains__(self, identity: Fingerprint) -> bool:
        return identity in self._all

    def get(self, identity: Fingerprint) -> AlertRecord | None:
        """A record, if there is one."""
        return self._all.get(identity)

    def add(self, identity: Fingerprint, record: AlertRecord) -> AlertRecord:
        """Keep a record, in place of another of the same identity."""
        self._all[identity] = record
        if identity.rule in (FAILING, NO_DATA):
            self._with_status.add(identity.check)
        self.settle(identity, record)
        return record

    def has_status(self, check: str) -> bool:
        """Whether there may be a record of a check's failing, or of its having no data."""
        return check in self._with_status

    def pop(self, identity: Fingerprint) -> AlertRecord:
        """Drop a record. Raises KeyError."""
        self._rest(identity)
        return self._all.pop(identity)

    def settle(self, identity: Fingerprint, record: AlertRecord) -> None:
        """The state of a record may be another one now."""
        if record.state.stage is AlertState.OK:
            self._rest(identity)
        elif self.active.get(identity) is not record:
            self.active[identity] = record
            self._active_of.setdefault(identity.check, {})[identity] = record

    def _rest(self, identity: Fingerprint) -> None:
        if self.active.pop(identity, None) is not None:
            mine = self._active_of[identity.check]
            del mine[identity]
            if not mine:
                del self._active_of[identity.check]

    def active_of(self, check: str) -> dict[Fingerprint, AlertRecord]:
        """Those of one check that wait for something."""
        return self._active_of.get(check, {})

    def unheard(self, check: str, before: float) -> list[Fingerprint]:
        """Alerts on values of a check that no result has said anything of since then."""
        return [
            identity
            for identity, kept in self.active_of(check).items()
            if identity.rule not in (FAILING, NO_DATA) and kept.heard < before
        ]

    @property
    def firing(self) -> list[Alert]:
        """Everything that fires, the oldest first."""
        found = [
            kept.alert for kept in self.active.values() if kept.state.stage is AlertState.FIRING
        ]
        return sorted(filter(None, found), key=lambda alert: (alert.since, str(alert.identity)))

    @property
    def pending(self) -> dict[str, float]:
        """Checks that fail, and not yet for long enough to fire: when each will, in seconds since
        1970; infinity where a result decides that."""
        found = {}
        for identity, kept in self.active.items():
            if kept.state.stage is AlertState.PENDING and identity.rule == FAILING:
                due = None if kept.stale else next_time(kept.state, kept.terms)
                found[identity.check] = math.inf if due is None else due
        return found

    @property
    def recovering(self) -> set[Fingerprint]:
        """Alerts that fire although the last result was good, or that no result of this
        process has confirmed yet."""
        return {identity for identity, kept in self.active.items() if _recovers(kept)}

    def is_recovering(self, check: str) -> bool:
        """Whether any of a check's alerts is."""
        return any(_recovers(kept) for kept in self.active_of(check).values())

    def is_seen_bad(self, check: str) -> bool:
        """Whether the newest result of a check confirms something that fires. What an earlier
        process saw, too long ago, confirms nothing."""
        return any(
            kept.state.stage is AlertState.FIRING and not _recovers(kept)
            for kept in self.active_of(check).values()
        )


def _recovers(kept: AlertRecord) -> bool:
    return kept.state.stage is AlertState.FIRING and (
        kept.stale or kept.state.seen is ObservedLevel.GOOD
    )
