"""The status page's JSON twin."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from probe.core.model import Limits, Sample, Verdict
from probe.history.model import TimeBucket
from probe.report.json import status
from probe.report.status import Overview
from tests.report import status_samples as samples
from tests.report.html.status_extremes import hostile
from tests.report.samples import CODE

KEYS = [
    "schema", "verdict", "generated_at", "started_at", "region", "version", "checks", "notices",
    "skipped",
]  # fmt: skip
CHECK_KEYS = [
    "name", "kind", "target", "labels", "interval_seconds", "verdict", "since", "last_run",
    "next_run", "status", "duration_seconds", "phases", "failure", "samples", "facts",
    "evaluations", "day", "troubles", "availability", "age_seconds", "outdated",
]  # fmt: skip


def parse(overview: Overview) -> dict[str, Any]:
    """Parse as strictly as JSON's standard is: no NaN."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    text = status.render(overview)
    assert text.isascii()
    assert text.endswith("}\n")
    parsed = json.loads(text, parse_constant=refuse)
    assert isinstance(parsed, dict)
    return parsed


def test_the_document_has_the_contract_s_keys_in_its_order() -> None:
    document = parse(samples.outage())
    assert list(document) == KEYS
    assert all(list(check) == CHECK_KEYS for check in document["checks"])
    assert (document["schema"], document["verdict"]) == (1, "critical")
    assert document["generated_at"] == "2026-01-01T03:36:00Z"
    assert document["started_at"] == "2025-12-28T22:48:00Z"


def test_a_broken_check_reports_all_that_its_card_does() -> None:
    _, health, *_ = parse(samples.outage())["checks"]
    assert (health["name"], health["verdict"], health["status"]) == ("health", "critical", "failed")
    assert health["since"] == "2026-01-01T03:12:00Z"
    assert health["last_run"] == "2026-01-01T03:35:54Z"
    assert health["next_run"] == "2026-01-01T03:36:04Z"
    assert list(health["failure"]) == ["phase", "cause", "message", "hint"]
    assert health["failure"]["cause"] == "service_down"
    assert health["troubles"][0] == {
        "start": "2026-01-01T03:12:00Z",
        "end": None,
        "verdict": "critical",
        "phase": "body",
        "cause": "service_down",
        "message": "redis is down",
        "runs": 144,
    }


def test_a_day_has_its_bounds_its_limits_and_its_buckets() -> None:
    _, health, *_ = parse(samples.outage())["checks"]
    day = health["day"]
    assert list(day) == ["start", "end", "signal", "unit", "limits", "buckets"]
    assert (day["start"], day["end"]) == ("2025-12-31T03:36:00Z", "2026-01-01T03:36:00Z")
    assert day["signal"] == "probe_http_first_byte_seconds"
    assert day["limits"] == {"objective": 0.5, "warning": 1.0, "critical": 2.0}
    assert len(day["buckets"]) == 96
    assert day["buckets"][-1] == {
        "ok": 0, "objective_missed": 0, "unknown": 0, "warning": 0, "critical": 90,
        "median": None, "greatest": None,
    }  # fmt: skip


def test_a_check_that_has_not_run_is_null_where_nothing_is_known() -> None:
    new = parse(samples.outage())["checks"][-1]
    known = ("verdict", "since", "last_run", "status", "duration_seconds", "failure")
    assert [new[key] for key in known] == [None] * len(known)
    assert new["next_run"] == "2026-01-01T03:36:36Z"
    assert (new["phases"], new["samples"], new["facts"]) == ({}, [], {})


def test_a_breached_limit_is_reported() -> None:
    slow = next(each for each in parse(samples.outage())["checks"] if each["verdict"] == "warning")
    [evaluation] = slow["evaluations"]
    assert (evaluation["value"], evaluation["warning"]) == (0.532, 0.4)
    assert (evaluation["aggregation"], evaluation["verdict"]) == ("p95", "warning")


def test_notices_and_what_was_skipped_are_reported() -> None:
    document = parse(samples.outage())
    assert document["notices"][0] == {
        "verdict": "critical",
        "title": "Backend unhealthy",
        "text": "notified #oncall at 03:14 UTC, not acknowledged",
        "since": "2026-01-01T03:14:00Z",
        "link": "https://example.com/runbooks/backend",
    }
    assert document["skipped"][0] == {"kind": "fly", "reason": "FLY_API_TOKEN is not set"}


def test_checks_stand_in_the_order_of_the_plan() -> None:
    names = [check["name"] for check in parse(samples.outage())["checks"]]
    assert names == [row.name for row in samples.outage().rows]


def test_a_missed_objective_leaves_verdicts_ok() -> None:
    row = replace(samples.health(), verdict=Verdict.OBJECTIVE_MISSED)
    document = parse(samples.overview(Verdict.OBJECTIVE_MISSED, row))
    assert document["verdict"] == document["checks"][0]["verdict"] == "ok"


def test_what_is_no_number_and_no_moment_is_null() -> None:
    row = replace(
        samples.health(), samples=(Sample(CODE, math.nan),), duration=math.inf, since=1e30,
        limits=Limits(math.nan, math.inf), day=(TimeBucket({Verdict.OK: 1}, math.nan, math.inf),),
    )  # fmt: skip
    [check] = parse(samples.overview(Verdict.OK, row))["checks"]
    assert check["samples"][0]["value"] is None
    assert (check["duration_seconds"], check["since"]) == (None, None)
    assert set(check["day"]["limits"].values()) == {None}
    assert check["day"]["buckets"][0]["median"] is None


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_survives_as_it_is(text: str) -> None:
    document = parse(hostile(text))
    whole = text.encode("utf-8", "replace").decode()
    assert document["checks"][0]["failure"]["message"] == whole
    assert document["notices"][0]["title"] == whole


def test_availability_is_by_time_and_says_what_it_leaves_out() -> None:
    _, health, *_ = parse(samples.outage())["checks"]
    found = health["availability"]
    assert list(found) == [
        "ratio", "up_seconds", "down_seconds", "unknown_seconds", "gap_seconds",
    ]  # fmt: skip
    measured = found["up_seconds"] + found["down_seconds"]
    assert found["ratio"] == pytest.approx(found["up_seconds"] / measured, abs=1e-6)
    assert sum(list(found.values())[1:]) == pytest.approx(86400, abs=1)


def test_a_row_reports_its_age_and_whether_it_is_outdated() -> None:
    first, *others = samples.rows()
    overview = samples.overview(Verdict.OK, replace(first, outdated=True), *others)
    checks = parse(overview)["checks"]
    assert [check["outdated"] for check in checks] == [True, *(False for _ in others)]
    assert checks[0]["age_seconds"] == 6.0
