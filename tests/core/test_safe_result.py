"""A result that leaves the runner holds no secret, no odd character, and nothing endless."""

from datetime import UTC, datetime

import pytest

from probe.core.causes import Cause
from probe.core.model import Failure, Result, Sample, Signal, Status, Unit
from probe.core.outcome.safe_result import MAX_LABEL_SETS, safe_result
from probe.diagnostics.redact import Redactor

SECRET = "pass-of-the-target-9x8"
MACHINE = Signal("probe_x_bytes", Unit.BYTES, "X.", ("machine",), ephemeral=True)
STATE = Signal("probe_y", Unit.COUNT, "Y.", ("state",))


def result(*samples: Sample, message: str = "", facts: dict[str, str] | None = None) -> Result:
    failure = Failure("body", Cause.HTTP_STATUS, message, "hint")
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Result("x", Status.FAILED, at, 1.0, {}, samples, failure, facts or {})


def test_message_facts_and_names_of_what_comes_and_goes_are_redacted() -> None:
    given = result(
        Sample(MACHINE, 1.0, {"machine": SECRET}),
        message=f"it says {SECRET}",
        facts={f"f {SECRET}": SECRET},
    )
    assert SECRET not in str(safe_result(given, Redactor([SECRET]).clean))


def test_a_password_that_is_a_word_of_ours_renames_no_series() -> None:
    given = result(Sample(STATE, 1.0, {"state": "active"}))
    (sample,) = safe_result(given, Redactor(["active"]).clean).samples
    assert sample.labels == {"state": "active"}


@pytest.mark.parametrize("label", ["a\ud800", "a\nb", "\x1b[31m", "x" * 1000])
def test_a_label_is_printable_encodable_and_bounded(label: str) -> None:
    (sample,) = safe_result(result(Sample(MACHINE, 1.0, {"machine": label})), str).samples
    (found,) = sample.labels.values()
    assert len(found) <= 256
    assert found.isprintable()
    assert found.encode().decode() == found


def test_labels_that_are_the_same_once_they_are_cut_are_one_series() -> None:
    given = result(*(Sample(MACHINE, 1.0, {"machine": "x" * 300 + str(i)}) for i in range(9)))
    assert len(safe_result(given, str).samples) == 1


def test_series_messages_and_facts_are_few() -> None:
    given = result(
        *(Sample(MACHINE, 1.0, {"machine": str(number)}) for number in range(1000)),
        message="x" * 100_000,
        facts={str(number): "x" * 10_000 for number in range(1000)},
    )
    safe = safe_result(given, str)
    assert len(safe.samples) == MAX_LABEL_SETS
    assert safe.failure is not None
    assert len(safe.failure.message) == 500
    assert len(str(safe.facts)) < 20_000
