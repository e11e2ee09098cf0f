"""Labels called like ours get ``exported_`` before them, as Prometheus does it."""

import pytest

from probe.core.recorder import Recorder
from probe.core.thresholds import all_signals
from probe.kinds import KINDS
from probe.untrusted.labels import OF_ALERT_METRICS, exported, exported_names
from tests.fake_kind import TOY_SECONDS, toy_kind

OURS = frozenset({"check", "kind", "severity"})


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ((), ()),
        ((("disk", "a"),), (("disk", "a"),)),
        ((("kind", "ssd"), ("disk", "a")), (("exported_kind", "ssd"), ("disk", "a"))),
        (
            (("kind", "a"), ("exported_kind", "b")),
            (("exported_exported_kind", "a"), ("exported_kind", "b")),
        ),
        (
            (("exported_kind", "b"), ("severity", "a")),
            (("exported_kind", "b"), ("exported_severity", "a")),
        ),
    ],
)
def test_what_is_called_like_ours_is_renamed_and_nothing_else(
    given: tuple[tuple[str, str], ...], wanted: tuple[tuple[str, str], ...]
) -> None:
    assert exported(given, OURS) == wanted


def test_a_name_of_ours_that_is_the_new_name_is_not_taken() -> None:
    ours = OURS | {"exported_kind"}
    assert exported_names(["kind"], ours) == {"kind": "exported_exported_kind"}


def test_no_signal_of_the_built_in_kinds_is_called_otherwise_in_metrics_about_alerts() -> None:
    for signal in all_signals(KINDS):
        assert not OF_ALERT_METRICS & set(signal.labels), signal.name


@pytest.mark.parametrize("name", ["signal", "value", "values", "total", "self"])
def test_a_value_may_have_a_label_called_like_a_parameter(name: str) -> None:
    signal = type(TOY_SECONDS)("probe_toy_x", TOY_SECONDS.unit, "A toy's.", labels=(name,))
    record = Recorder()
    record.sample(signal, 1.0, **{name: "a"})
    record.sample_median(signal, [1.0], **{name: "b"})
    record.sample_ratio(signal, 1.0, 2.0, **{name: "c"})
    assert [sample.labels for sample in record.samples] == [{name: each} for each in "abc"]
    assert toy_kind(signals=(signal,)).signals == (signal,)
