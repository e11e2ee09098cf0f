"""An alert's labels as one set: what a receiver that knows alerts by their labels is sent, and what
matchers name. What a check or a value calls like a label of ours is ``exported_NAME`` there."""

import re
from collections.abc import Collection, Iterable, Mapping

from alerts.model import Alert
from probe.core.kind import Check
from probe.core.thresholds import FAILING, signals_of_check
from probe.report.text.sanitize import clean
from probe.untrusted.labels import Pairs, exported, exported_names

# Labels of every alert; the region is that of one which one probe sends.
COMMON = frozenset({"alertname", "check", "kind", "rule", "severity", "region"})


def label_set(alert: Alert) -> dict[str, str]:
    """All labels of an alert: its identity where alerts are known by their labels."""
    return _with_common(alert, given_labels(alert))


def label_sets(alerts: Iterable[Alert], before: Collection[dict[str, str]]) -> list[dict[str, str]]:
    """Those of alerts of which ``before`` are open: what a version that renamed nothing opened
    keeps its labels to the end; of several alerts that it called alike, the first one."""
    found, free = [], list(before)
    for alert in alerts:
        labels = label_set(alert)
        old = _with_common(alert, dict((*alert.labels, *alert.identity.labels)))
        if old != labels and old in free and labels not in before:
            free.remove(old)
            labels = old
        found.append(labels)
    return found


def given_labels(alert: Alert) -> dict[str, str]:
    """Labels of an alert besides those of every alert: its check's, which give way to those, and
    its value's, which give way to both."""
    check = dict(exported(alert.labels, COMMON))
    return check | dict(exported(alert.identity.labels, COMMON | check.keys()))


def labels_of_check(check: Check) -> dict[str, str]:
    """The labels that all alerts of a check have."""
    labels = dict(exported(check.table.labels.items(), COMMON))
    return {**labels, "check": check.name, "kind": check.kind.name}


def labels_of_value(check: Check, rule: str, labels: Mapping[str, str]) -> Pairs:
    """A value's labels under their own names, from an alert's without those that are COMMON."""
    own = dict(exported(check.table.labels.items(), COMMON))
    found = [each.labels for each in signals_of_check(check) if each.name == rule]
    measured = exported_names(found[0] if found else (), COMMON | own.keys())
    names = {sent: name for name, sent in measured.items()}
    return tuple((names.get(name, name), text) for name, text in labels.items() if name not in own)


def common_labels(alert: Alert) -> dict[str, str]:
    """Those that every alert has."""
    return {
        "alertname": "ProbeCheckFailing" if alert.identity.rule == FAILING else "ProbeAlert",
        "check": clean(alert.identity.check),
        "kind": clean(alert.kind),
        "rule": clean(alert.identity.rule),
        "severity": alert.severity.value,
        # Without one it is the same alert from every probe, so the cluster has it once.
        **({"region": clean(alert.region)} if alert.region else {}),
    }


def _with_common(alert: Alert, given: Mapping[str, str]) -> dict[str, str]:
    own = {_label(name): clean(value) for name, value in given.items()}
    return {**own, **common_labels(alert)}


def _label(name: str) -> str:
    """A name that every version of Alertmanager accepts: an invalid one is refused for good."""
    plain = re.sub(r"[^a-zA-Z0-9_]", "_", name)
    return plain if plain[:1].isalpha() or plain[:1] == "_" else f"_{plain}"
