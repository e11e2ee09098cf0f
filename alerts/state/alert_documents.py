"""The texts of alerts that have changed since they were last stored."""

from collections.abc import Iterable, Iterator, Sequence

from alerts.model import Fingerprint
from alerts.state.alert_records import AlertRecords
from alerts.state.machine import State
from alerts.state.record import AlertRecord, dump, name_of

# Alerts that a turn of the event loop is for.
PIECE = 50


def pieces(identities: Sequence[Fingerprint]) -> Iterator[Sequence[Fingerprint]]:
    """In order, so many at a time as a turn of the event loop is for."""
    return (identities[at : at + PIECE] for at in range(0, len(identities), PIECE))


class AlertDocuments:
    """``changed`` are the alerts to be stored. A text can be made before it is asked for, one
    alert after the other: it counts as long as nothing of its alert has changed since."""

    def __init__(self, records: AlertRecords) -> None:
        self._records = records
        self.changed: set[Fingerprint] = set()
        self._prepared: dict[Fingerprint, tuple[tuple[object, ...], str]] = {}

    def prepare(self, identities: Iterable[Fingerprint]) -> None:
        """Make the texts of those that have changed."""
        for identity in self.changed.intersection(identities):
            kept = self._records.get(identity)
            if kept is not None and kept.state != State():
                self._prepared[identity] = (_version(kept), dump(identity, kept))

    def take(self) -> dict[str, str | None]:
        """What has changed since the last call, by name; None: to be dropped."""
        found = {name_of(identity): self._text(identity) for identity in self.changed}
        self.changed.clear()
        self._prepared.clear()
        return found

    def _text(self, identity: Fingerprint) -> str | None:
        kept = self._records.get(identity)
        if kept is None or kept.state == State():
            return None
        version, text = self._prepared.get(identity, ((), ""))
        parts = _version(kept)
        is_same = len(version) == len(parts) and all(
            one is other for one, other in zip(version, parts, strict=True)
        )
        return text if is_same else dump(identity, kept)


def _version(kept: AlertRecord) -> tuple[object, ...]:
    """What a text is made of; none of it is changed in place."""
    return (kept.state, kept.heard, kept.alert, kept.annotate, kept.first)
