"""What passes at last is not what passed at once: every report says so."""

import json
from collections.abc import Sequence

import pytest

from probe import once
from probe.config.check_plan import CheckPlan
from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckFailed, Verdict
from probe.core.recorder import Recorder
from probe.once import OnceOptions, run_once
from probe.report.formats import FORMATS, Style
from probe.report.model import Report
from tests.fake_kind import ToyTable, toy, toy_kind


async def report_of(causes: Sequence[Cause], monkeypatch: pytest.MonkeyPatch) -> Report:
    """A run of a check that meets these in turn and passes then, next to a good one."""
    left = list(causes)

    async def run(table: ToyTable, record: Recorder, context: Context) -> None:
        with record.phase("finish"):
            if left and table.name == "flaky":
                raise CheckFailed(left.pop(0), "it did not work")

    monkeypatch.setattr(once, "PAUSE_SECONDS", 0.0)
    kind = toy_kind(run=run)
    plan = CheckPlan((toy("flaky", kind), toy("good", kind)))
    return await run_once(plan, OnceOptions(wait=60.0), context=Context())


def texts_of(report: Report) -> dict[str, str]:
    """It in every format."""
    return {name: render(report, Style()) for name, render in FORMATS.items()}


async def test_a_flaky_check_passes_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    report = await report_of([Cause.HTTP_STATUS, Cause.CONNECT_REFUSED], monkeypatch)
    assert (report.verdict, report.exit_code) == (Verdict.OK, 0)
    texts = texts_of(report)
    for name in ("table", "github", "junit"):
        assert "retried: flaky twice (connect_refused)" in texts[name].replace("\\_", "_"), name
    assert json.loads(texts["json"])["retried"] == [
        {
            "check": "flaky",
            "rounds": 2,
            "cause": "connect_refused",
            "message": "it did not work",
        }
    ]


async def test_nothing_is_said_where_every_check_passes_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = texts_of(await report_of([], monkeypatch))
    assert json.loads(texts["json"])["retried"] == []
    assert all("retried:" not in text for name, text in texts.items() if name != "json")
