"""JSON to contract."""

import json
import math
from datetime import timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from probe.core.model import Evaluation, Limits, Sample, Status, Verdict
from probe.report.json import run
from probe.report.model import Report
from tests.report import samples

CHECK_KEYS = [
    "name", "kind", "target", "labels", "status", "verdict", "duration_seconds", "phases",
    "failure", "samples", "facts",
]  # fmt: skip
EVALUATION_KEYS = [
    "check", "signal", "labels", "aggregation", "value", "unit", "objective", "warning",
    "critical", "verdict",
]  # fmt: skip


def parse(report: Report) -> dict[str, Any]:
    """Parse as strictly as JSON's standard is: no NaN."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    text = run.render(report)
    assert text.endswith("}\n")
    parsed = json.loads(text, parse_constant=refuse)
    assert isinstance(parsed, dict)
    return parsed


def test_the_document_has_the_contract_s_keys_in_its_order() -> None:
    document = parse(samples.turn_partial())
    assert list(document) == [
        "schema", "verdict", "started_at", "duration_seconds", "region", "version",
        "checks", "evaluations", "skipped", "retried", "incidents",
    ]  # fmt: skip
    assert all(list(check) == CHECK_KEYS for check in document["checks"])
    assert all(list(each) == EVALUATION_KEYS for each in document["evaluations"])
    assert document["schema"] == 1
    assert document["started_at"] == "2026-01-01T00:00:00Z"


def test_a_failed_check_carries_phase_cause_message_and_hint() -> None:
    first, *_ = parse(samples.redis_down())["checks"]
    assert (first["status"], first["verdict"]) == ("failed", "critical")
    assert list(first["failure"]) == ["phase", "cause", "message", "hint"]
    assert first["failure"]["cause"] == "service_down"


def test_a_good_check_has_a_null_failure_and_its_samples() -> None:
    call = parse(samples.all_ok())["checks"][-1]
    assert call["failure"] is None
    assert call["samples"] == [
        {
            "signal": "probe_call_open_seconds",
            "value": value,
            "unit": "seconds",
            "labels": {"path": path},
        }
        for value, path in ((0.31, "direct"), (1.204, "relayed"))
    ]


def test_an_evaluation_carries_its_three_limits() -> None:
    last = parse(samples.turn_partial())["evaluations"][-1]
    limits = [last[key] for key in ("objective", "warning", "critical")]
    assert limits == [0.2, 1.0, None]
    assert (last["aggregation"], last["value"], last["verdict"]) == ("p95", 1.2, "warning")


def test_what_was_skipped_is_listed_with_its_reason() -> None:
    listed = parse(samples.skipped())["skipped"]
    assert listed[0] == {"kind": "fly", "reason": "FLY_API_TOKEN is not set"}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_number_is_null(value: float) -> None:
    row = samples.health()
    found = replace(row.result, samples=(Sample(samples.CODE, value),), duration=value)
    threshold = replace(samples.WAIT, limits=Limits(value, value, value))
    evaluation = Evaluation("health", threshold, {}, value, Verdict.UNKNOWN)
    report = samples.report(Verdict.OK, replace(row, result=found))
    document = parse(replace(report, evaluations=(evaluation,), duration=value))
    assert document["duration_seconds"] is None
    assert document["checks"][0]["samples"][0]["value"] is None
    assert document["evaluations"][0]["value"] is None
    assert document["evaluations"][0]["critical"] is None


def test_a_start_in_another_zone_is_reported_in_utc() -> None:
    started = samples.STARTED.astimezone(timezone(timedelta(hours=-8)))
    document = parse(replace(samples.all_ok(), started_at=started))
    assert document["started_at"] == "2026-01-01T00:00:00Z"


def test_a_missed_objective_leaves_a_check_ok() -> None:
    row = replace(samples.health(), verdict=Verdict.OBJECTIVE_MISSED)
    document = parse(samples.report(Verdict.OBJECTIVE_MISSED, row))
    assert document["verdict"] == document["checks"][0]["verdict"] == "ok"


def test_checks_stand_in_the_order_of_the_plan_and_unknown_is_its_own_status() -> None:
    document = parse(samples.unknown())
    names = [check["name"] for check in document["checks"]]
    assert names == ["health", "signaling", "turn-primary-udp"]
    assert document["checks"][-1]["status"] == Status.UNKNOWN.value
    assert run.render(samples.unknown()) == run.render(samples.unknown())


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_survives_as_it_is_and_the_document_stays_ascii(text: str) -> None:
    rendered = run.render(samples.hostile(text))
    assert rendered.isascii()
    assert "##" not in rendered
    message = json.loads(rendered)["checks"][0]["failure"]["message"]
    assert message == text.encode("utf-8", "replace").decode()
