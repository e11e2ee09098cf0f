"""What is beyond a limit is said in words, never under the name of a metric alone."""

import pytest

from probe.core.causes import Cause
from probe.core.model import (
    Evaluation,
    Limits,
    LimitSide,
    Signal,
    Status,
    Threshold,
    Unit,
    Verdict,
)
from probe.kinds import KINDS
from probe.report.text.phrases import headline, limit_sentence
from tests.report import samples

LIMITED = {threshold.signal.name: threshold for kind in KINDS for threshold in kind.thresholds}


def beyond(threshold: Threshold, value: float) -> str:
    """The sentence about a value, as of an alert."""
    labels = dict.fromkeys(threshold.signal.labels, "x")
    return limit_sentence(Evaluation("check", threshold, labels, value, Verdict.WARNING, 1))


@pytest.mark.parametrize("name", LIMITED)
def test_every_signal_with_a_limit_has_a_name_for_people(name: str) -> None:
    signal = LIMITED[name].signal
    shown = signal.display_name or signal.column
    assert shown
    assert "_" not in shown


@pytest.mark.parametrize("bad", LimitSide)
def test_a_yes_or_no_is_a_sentence(bad: LimitSide) -> None:
    signal = Signal("probe_x", Unit.BOOLEAN, "", display_name="open relay")
    threshold = Threshold(signal, Limits(warning=0.5), bad=bad)
    wanted = "no, should be yes" if bad is LimitSide.BELOW else "yes, should be no"
    value = 0.0 if bad is LimitSide.BELOW else 1.0
    assert beyond(threshold, value) == f"open relay: {wanted}"


def test_a_label_without_a_value_leaves_no_gap() -> None:
    signal = Signal("probe_x", Unit.BYTES, "", ("source", "zone"), display_name="memory")
    threshold = Threshold(signal, Limits(warning=1e6))
    labels = {"source": "app", "zone": ""}
    found = limit_sentence(Evaluation("check", threshold, labels, 2e6, Verdict.WARNING, 1))
    assert found == "memory 2 MB is above 1 MB (source app)"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("probe_redis_writes_refused", "full, so that writes are refused"),
        ("probe_fly_machine_up", "machine x is down"),
        ("probe_fly_machine_lost", "machine x stopped reporting metrics"),
        (
            "probe_turn_backup_in_use",
            "every primary TURN server fails: users depend on the backup",
        ),
    ],
)
def test_a_yes_or_no_is_never_glued_to_its_labels(name: str, said: str) -> None:
    threshold = LIMITED[name]
    labels = {**dict.fromkeys(threshold.signal.labels, "x"), "machine_region": ""}
    evaluation = Evaluation("check", threshold, labels, 1.0, Verdict.WARNING, 1)
    assert limit_sentence(evaluation) == said


def test_figures_name_their_labels_apart_from_the_value() -> None:
    """It was "memory app lab-1 lab 120 MB" and "backup in use probe no"."""
    threshold = LIMITED["probe_memory_used_bytes"]
    labels = {"source": "app", "machine": "m1", "machine_region": "lax"}
    found = limit_sentence(Evaluation("app", threshold, labels, 4.8e8, Verdict.WARNING, 1))
    assert found == "memory 480 MB is above 300 MB (source app, machine m1, region lax)"


@pytest.mark.parametrize(
    ("causes", "said"),
    [
        ((Cause.OWN_NETWORK, Cause.OWN_NETWORK), "our own network is down: 2 checks not measured"),
        (
            (Cause.OWN_NETWORK, Cause.RATE_LIMITED),
            "health: could not be measured: why (and 1 more)",
        ),
        ((Cause.RATE_LIMITED,), "health: could not be measured: why"),
    ],
)
def test_our_own_network_is_the_headline_where_it_is_why_for_all(
    causes: tuple[Cause, ...], said: str
) -> None:
    rows = [
        samples.broken(
            row,
            Verdict.UNKNOWN,
            samples.failure("connect", cause, "why"),
            status=Status.UNKNOWN,
        )
        for row, cause in zip((samples.health(), samples.signaling()), causes, strict=False)
    ]
    assert headline(samples.report(Verdict.UNKNOWN, *rows)) == said
