"""Labels of a check or of a value that are called like an alert's own: each alert is one of its
own, as a person reads it, and the same one before and after an update."""

from typing import Any

import pytest

from alerts.model import MessageType, Severity
from alerts.notifiers.alertmanager import alerts_of
from alerts.silence.matcher import matches
from alerts.state.annotations import limit_exceeded
from alerts.state.labels import COMMON, label_set, label_sets, labels_of_value
from probe.core.kind import Check
from probe.core.model import Evaluation, Verdict
from probe.core.thresholds import thresholds_of
from tests.alerts.samples import failing, sample_message
from tests.kinds.telemetry.fly_checks import fly

LABELS = ("rule", "severity", "kind", "check", "alertname")
RULE = "probe_own_x_ratio"


def queried(*labels: str) -> Check:
    """A check with a query of the operator's own."""
    query = {"name": "x_ratio", "query": "x", "unit": "ratio", "warning": 0.5}
    return fly("paircam", "queries", queries=[{**query, "labels": labels}])


def beyond(check: Check, /, **labels: str) -> Any:
    """The alert about one of its values."""
    (threshold,) = (each for each in thresholds_of(check) if each.signal.name == RULE)
    found = Evaluation(check.name, threshold, labels, 0.9, Verdict.WARNING, 1)
    return limit_exceeded(check, found, "lax", "")


def test_each_label_of_ours_says_what_we_mean_and_each_value_is_an_alert_of_its_own() -> None:
    check = queried(*LABELS)
    sets = [
        label_set(beyond(check, **{**dict.fromkeys(LABELS, "a"), name: "b"})) for name in LABELS
    ]
    for found in sets:
        assert found["severity"] == "warning"
        assert (found["check"], found["kind"], found["rule"]) == (check.name, "fly", RULE)
        assert found["alertname"] == "ProbeAlert"
    assert len({tuple(sorted(found.items())) for found in sets}) == len(LABELS)
    assert sets[1]["exported_severity"] == "b"


def test_labels_of_a_check_give_way_too_and_a_values_to_those() -> None:
    alert = failing(labels=(("severity", "low"), ("provider", "primary")))
    found = label_set(alert)
    assert found["severity"] == "critical"
    assert found["exported_severity"] == "low"
    both = failing(
        labels=(("provider", "primary"),),
        identity=type(alert.identity)("health", RULE, (("provider", "mine"),)),
    )
    assert label_set(both)["provider"] == "primary"
    assert label_set(both)["exported_provider"] == "mine"


@pytest.mark.parametrize("names", [LABELS, ("exported_kind", "kind"), ("exported_job",), ()])
def test_what_a_receiver_has_open_is_recognized_by_its_labels(names: tuple[str, ...]) -> None:
    check = queried(*names)
    alert = beyond(check, **{name: f"of-{name}" for name in names})
    apart = {name: text for name, text in label_set(alert).items() if name not in COMMON}
    assert sorted(labels_of_value(check, RULE, apart)) == sorted(alert.identity.labels)


def test_matchers_name_what_a_receiver_is_sent() -> None:
    alert = beyond(queried("severity"), severity="low")
    assert matches(("severity=warning", "exported_severity=low"), alert)
    assert not matches(("severity=low",), alert)
    assert matches(("low",), alert)
    assert alert.severity is Severity.WARNING


def test_what_an_older_version_opened_keeps_its_labels_to_its_end() -> None:
    check = queried("severity")
    low, high = (beyond(check, severity=each) for each in ("low", "high"))
    # Both were this one alert.
    old = {name: text for name, text in label_set(low).items() if name != "exported_severity"}
    first, second = label_sets([low, high], [old])
    assert first == old
    assert second == label_set(high)
    # Also after the first of them is over, and after a restart of the new version.
    assert label_sets([high], [old, second]) == [second]
    assert label_sets([low, high], [first, second]) == [first, second]
    message = sample_message(MessageType.RESOLVED, firing=(), resolved=(low, high))
    ended = [each["labels"] for each in alerts_of(message, [first, second])]
    assert ended == [first, second]
    # An alert that begins later has the new labels.
    assert label_sets([low], []) == [label_set(low)]
