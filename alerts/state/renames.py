"""Checks that have another name from a reload or a start on: their alerts go on under it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from msgspec import structs

from alerts.model import Fingerprint, Labels
from alerts.state.alert_records import AlertRecords
from alerts.state.record import AlertRecord
from probe.core.kind import Check

# What a check is, whatever its name: its kind, its target, its labels.
_Subject = tuple[str, str, Labels]


def rename(
    records: AlertRecords, checks: Mapping[str, Check], known: Collection[str]
) -> dict[Fingerprint, Fingerprint]:
    """Give the alerts of a check that is gone to the one that does the same and is not ``known``:
    it has had no result. Returns the new identities by the old ones; none where several come
    into question, on either side."""
    gone: dict[_Subject, set[str]] = {}
    for identity, record in records.active.items():
        subject = _subject_of(record) if identity.check not in checks else None
        if subject is not None:
            gone.setdefault(subject, set()).add(identity.check)
    new = _by_subject(
        check
        for check in (checks.values() if gone else ())
        if check.name not in known and not records.active_of(check.name)
    )
    return _moved(records, _pairs(gone, new))


def renamed_checks(before: Mapping[str, Check], after: Mapping[str, Check]) -> dict[str, str]:
    """The new names by the old ones of checks that a reload renames, failing or not."""
    gone = _by_subject(each for name, each in before.items() if name not in after)
    new = _by_subject(each for name, each in after.items() if name not in before)
    return _pairs(gone, new)


def _by_subject(checks: Iterable[Check]) -> dict[_Subject, set[str]]:
    found: dict[_Subject, set[str]] = {}
    for check in checks:
        labels = tuple(check.table.labels.items())
        found.setdefault((check.kind.name, check.table.target, labels), set()).add(check.name)
    return found


def _pairs(gone: Mapping[_Subject, set[str]], new: Mapping[_Subject, set[str]]) -> dict[str, str]:
    """The names of what there is one of on both sides."""
    return {
        next(iter(old)): next(iter(new[subject]))
        for subject, old in gone.items()
        if len(old) == len(new.get(subject, ())) == 1
    }


def _moved(records: AlertRecords, names: Mapping[str, str]) -> dict[Fingerprint, Fingerprint]:
    found = {each: structs.replace(each, check=names[each.check]) for each in _of(records, names)}
    for old, new in found.items():
        records.add(new, _under(records.pop(old), new))
    return found


def _of(records: AlertRecords, names: Collection[str]) -> Iterable[Fingerprint]:
    return [identity for identity in records if identity.check in names]


def _under(record: AlertRecord, identity: Fingerprint) -> AlertRecord:
    """A record with alerts of another identity."""
    annotate = record.annotate
    return replace(
        record,
        annotate=None
        if annotate is None
        else lambda: structs.replace(annotate(), identity=identity),
        alert=None if record.alert is None else structs.replace(record.alert, identity=identity),
        first=None if record.first is None else structs.replace(record.first, identity=identity),
    )


def _subject_of(record: AlertRecord) -> _Subject | None:
    alert = record.alert if record.annotate is None else record.annotate()
    return None if alert is None else (alert.kind, alert.target, alert.labels)
