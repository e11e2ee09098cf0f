"""A new kind of check is one file and one line: everything else follows from it."""

import json

from probe.config.check_plan import make_plan
from probe.core.context import Context
from probe.core.environment import Variables
from probe.core.kind import DerivedChecks
from probe.core.model import Limits, Threshold, Verdict
from probe.core.thresholds import all_signals, thresholds_of
from probe.kinds import KINDS
from probe.once import OnceOptions, run_once
from probe.report.formats import FORMATS, Style
from tests.fake_kind import TOY_SECONDS, toy_kind

NEW = toy_kind(
    derive=lambda _: DerivedChecks([{"name": "toy-one"}], ["TOY_TWO is not set"]),
    thresholds=(Threshold(TOY_SECONDS, Limits(warning=-1.0)),),
)


def test_its_signals_join_the_catalogue() -> None:
    assert TOY_SECONDS in all_signals((*KINDS, NEW))


async def test_it_is_planned_run_judged_and_reported_in_every_format() -> None:
    plan = make_plan((*KINDS, NEW), Variables({}), {})
    assert [check.name for check in plan.checks] == ["toy-one"]
    assert [threshold.signal for threshold in thresholds_of(plan.checks[0])] == [TOY_SECONDS]
    report = await run_once(plan, OnceOptions(), context=Context())
    assert report.verdict is Verdict.WARNING
    texts = {name: render(report, Style()) for name, render in FORMATS.items()}
    assert all("toy-one" in text for text in texts.values())
    assert "TOY_TWO is not set" in texts["table"]
    document = json.loads(texts["json"])
    assert document["evaluations"][0]["signal"] == TOY_SECONDS.name
    assert {"kind": "toy", "reason": "TOY_TWO is not set"} in document["skipped"]
