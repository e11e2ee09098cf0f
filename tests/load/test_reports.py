"""Every report of one load, with odd values and text from a hostile target."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from probe.core.causes import Cause
from probe.core.model import CheckFailed, NotMeasured, Verdict
from probe.load.measurement.statistics import ITERATION, LoadStatistics
from probe.load.plan import LoadPlan, Spending
from probe.load.report import html_report, json_report, junit, table
from probe.load.result import LoadResult, notes, step_rows
from probe.load.verdict import Objectives, evaluate, verdict_of
from probe.report.formats import Style
from tests.report.ci.junit_schema import violations as schema_violations
from tests.report.html.axe import violations
from tests.report.html.site import serving
from tests.servers.chromium import Tab

PLAN = LoadPlan(10, 60.0)
HOSTILE = "\x1b[31m</script><b>##[error] ::error:: \u202e" + "x" * 500


def result(found: LoadStatistics, plan: LoadPlan = PLAN) -> LoadResult:
    objectives = evaluate(found, Objectives())
    return LoadResult(
        plan=plan,
        target="http://127.0.0.1:3000",
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        region="local",
        version="0.1.0",
        limit=Spending(1000, 2000, 3000),
        statistics=found,
        objectives=objectives,
        verdict=verdict_of(objectives),
        lost=("worker 2 was killed by SIGKILL",),
    )


def measured(plan: LoadPlan = PLAN, *, slow: float = 0.01) -> LoadStatistics:
    found = LoadStatistics(plan)
    for number in range(100):
        for step in ("health", "response", "session", "round_trip", "call", ITERATION):
            found.passed(step, number * 0.6, slow + number / 10_000)
    found.iterations = found.completed = 100
    found.elapsed = 60.0
    return found


FORMS: dict[str, Callable[[LoadResult], str]] = {
    "table": lambda of: table.render(of, Style(colour=False, width=120)),
    "json": json_report.render,
    "junit": junit.render,
    "html": html_report.render,
}


def everything(of: LoadResult) -> dict[str, str]:
    return {form: render(of) for form, render in FORMS.items()}


@pytest.mark.parametrize("form", ["table", "json", "junit", "html"])
def test_every_report_names_errors_causes_and_lost_workers(form: str) -> None:
    found = measured()
    found.aborted("session", 30.0, CheckFailed(Cause.DEADLINE, "no answer within 10 s"))
    found.aborted("health", 31.0, NotMeasured(Cause.RATE_LIMITED, "status 429"))
    text = FORMS[form](result(found))
    assert "deadline" in text
    assert "rate_limited" in text
    if form != "junit":
        assert "worker 2 was killed by SIGKILL" in text


def test_a_load_without_any_measurement_has_all_reports_and_is_not_decided() -> None:
    empty = result(LoadStatistics(PLAN))
    texts = everything(empty)
    assert empty.verdict is Verdict.UNKNOWN
    assert json.loads(texts["json"])["steps"] == []
    assert [*schema_violations(texts["junit"])] == []


def test_text_of_a_hostile_target_breaks_no_report() -> None:
    found = measured()
    found.aborted("health", 1.0, CheckFailed(Cause.BODY_INVALID, HOSTILE, phase="body"))
    texts = everything(result(found))
    assert all("\x1b" not in text and "\u202e" not in text for text in texts.values())
    assert all("##[error]" not in text for text in texts.values())
    assert "<b>" not in texts["html"]
    assert json.loads(texts["json"])["errors"][0]["phase"] == "body"
    assert [*schema_violations(texts["junit"])] == []


def test_colours_are_for_terminals_alone() -> None:
    found = result(measured())
    assert "\x1b[" in table.render(found, Style(colour=True, width=80))
    assert "\x1b[" not in table.render(found, Style(colour=False, width=80))


def test_a_missed_objective_is_the_generators_own_where_its_loop_was_late() -> None:
    found = measured(slow=0.25)
    assert result(found).verdict is Verdict.OBJECTIVE_MISSED
    for _ in range(200):
        found.own.lag.record(0.2)
    late = result(found)
    assert late.verdict is Verdict.UNKNOWN
    assert "add --workers" in table.render(late, Style())


def test_each_objective_says_how_sure_its_figure_is() -> None:
    """Of 100 samples, and wider by what the generator may have added, on the lower side alone."""
    quiet, late = measured(), measured()
    for _ in range(200):
        late.own.lag.record(0.012)
    found = {each.name: each for each in result(quiet).objectives}
    p95 = found["response time p95"]
    assert p95.value == pytest.approx(0.0194, abs=2e-4)
    assert p95.low == pytest.approx(0.019, abs=2e-4)
    assert p95.high == pytest.approx(0.0199, abs=2e-4)
    wider = {each.name: each for each in result(late).objectives}[p95.name]
    assert wider.low == pytest.approx(0.007, abs=3e-4)
    assert (wider.value, wider.high, wider.verdict) == (p95.value, p95.high, p95.verdict)
    calls = found["calls connected"]
    assert calls.low == pytest.approx(0.963, abs=1e-3)
    assert calls.high == 1.0
    words = table.render(result(quiet), Style())
    assert "calls connected: 100 % of 100 (95 %: 96.3 to 100 %)" in words
    document = json.loads(json_report.render(result(quiet)))
    assert {each["name"]: each["low"] for each in document["objectives"]} == {
        name: each.low for name, each in found.items()
    }


def test_a_generator_without_cpu_left_decides_nothing_against_the_target() -> None:
    found = measured(slow=0.25)
    found.own.busiest = 0.97
    assert result(found).verdict is Verdict.UNKNOWN
    assert any("short of CPU" in note for note in notes(result(found)))


def test_the_corrected_p95_shows_what_a_stall_has_hidden() -> None:
    found = measured()
    for _ in range(4):
        found.passed("round_trip", 59.0, 30.0)
    row = next(each for each in step_rows(result(found)) if each.name == "round_trip")
    assert row.p95 is not None
    assert row.corrected_p95 is not None
    assert row.p95 < 0.1
    assert row.corrected_p95 > 10


def test_an_open_model_says_that_latencies_count_from_the_intended_start() -> None:
    plan = replace(PLAN, rate=5.0)
    found = measured(plan)
    found.not_started = 7
    texts = everything(result(found, plan))
    assert "intended start" in texts["table"]
    assert "7 arrivals found no free user" in texts["table"]
    omission = json.loads(texts["json"])["coordinated_omission"]
    assert omission["corrected_by"] == "intended_start"
    assert result(found, plan).verdict is Verdict.OBJECTIVE_MISSED


def test_a_clock_that_was_set_and_a_suspended_machine_are_named() -> None:
    found = measured()
    found.own.clock_step, found.own.suspended = -3600.0, 42.0
    said = " ".join(notes(result(found)))
    assert "set by -3600.0 s" in said
    assert "suspended for 42 s" in said


def test_shares_of_workers_make_one_result() -> None:
    one, other = measured(), measured(slow=0.1)
    one.aborted("session", 3.0, CheckFailed(Cause.DEADLINE, "no answer"))
    one.own.cpu, one.own.elapsed = 30.0, 60.0
    whole = LoadStatistics(PLAN)
    for part in (one, other):
        whole.add(json.loads(json.dumps(part.dump())))
    assert whole.step("round_trip").passed == 200
    assert whole.step("round_trip").latency.count == 200
    assert sum(whole.errors.values()) == 1
    assert whole.iterations == 200
    assert whole.own.busiest == 0.5
    assert whole.timeline.slots[0].passed == sum(
        part.timeline.slots[0].passed for part in (one, other)
    )


@pytest.mark.parametrize("document", [{}, {"steps": 3}, {"steps": {"a": {}}}, []])
def test_what_is_no_share_of_a_worker_is_refused(document: object) -> None:
    with pytest.raises(ValueError, match="no statistics"):
        LoadStatistics(PLAN).add(document)  # type: ignore[arg-type]


def test_a_load_of_days_needs_no_more_memory_than_one_of_minutes() -> None:
    short, long = LoadStatistics(LoadPlan(1, 120.0)), LoadStatistics(LoadPlan(1, 86_400.0))
    for found, duration in ((short, 120), (long, 86_400)):
        for number in range(20_000):
            found.passed("health", number * duration / 20_000, 0.001 * (1 + number % 50))
    assert len(long.timeline.slots) <= len(short.timeline.slots)
    assert len(json.dumps(long.dump())) <= 1.5 * len(json.dumps(short.dump()))


@pytest.mark.parametrize(
    ("size", "scheme"), [((1280, 800), "light"), ((390, 844), "dark"), ((640, 400), "light")]
)
async def test_the_page_is_whole_and_legible_on_any_screen(
    tab: Tab, size: tuple[int, int], scheme: str
) -> None:
    # Labels of charts were 4 px high on a phone, most columns of the steps out of sight, and the
    # names of lines too faint in the dark.
    document = html_report.render(result(measured()))
    async with serving({"load": lambda: (document, "")}) as site:
        await tab.screen(*size, scheme=scheme)
        await tab.open(f"{site.address}/show/load")
        hidden = "document.querySelector('.wide').scrollWidth - innerWidth"
        label = "document.querySelector('svg text').getBoundingClientRect().height"
        assert await tab.evaluate(hidden) <= 0
        assert await tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert await tab.evaluate(label) >= 9
        assert await violations(tab) == []
