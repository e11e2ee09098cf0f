"""What the operators of two sites are sent while things break, by the real programs.

Times are a twentieth of the real ones; ``tests/alerts/prometheus`` has the same scenarios with
promtool, at their real length.
"""

import asyncio
from pathlib import Path

import pytest

from tests.daemon.prometheus.stage import FACTOR, REGIONS, Stage, stage
from tests.daemon.running import PATIENCE

pytestmark = pytest.mark.parts

PRODUCTION = {("probe", region) for region in REGIONS}
OUTAGE = 300 / FACTOR
# Longer than notification delays, `keep_firing_for` and the short windows of error budgets.
AFTER = 900 / FACTOR
DOWN = "HttpTargetDown"


@pytest.mark.nightly
async def test_what_is_sent_while_things_break(tmp_path: Path) -> None:
    async with stage(tmp_path) as made:
        await _one_region_cut_off(made)
        await _staging_beside_production(made)
        await _five_minutes_of_outage(made)
        await _a_probe_killed_while_an_alert_fires(made)
        burns = await made.prometheus.query('ALERTS{alertname="ErrorBudgetBurn"}')
        assert burns == []
        assert all("Burn" not in name for each in made.site.sent for name in each.all)


async def _quiet(made: Stage, job: str = "probe") -> None:
    """Wait until nothing fires about a job."""
    await _gone(made, f'ALERTS{{alertstate="firing", job="{job}"}}')


async def _gone(made: Stage, expr: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while await made.prometheus.query(expr):  # noqa: ASYNC110
            await asyncio.sleep(0.2)


async def _one_region_cut_off(made: Stage) -> None:
    """A warning of that region, and no page."""
    made.site.broken = {("probe", "lax")}
    await made.prometheus.until(f'ALERTS{{alertname="{DOWN}", alertstate="firing", region="lax"}}')
    (warning,) = await made.site.until("slack", 1)
    assert warning.firing == (f"{DOWN} lax",)
    await asyncio.sleep(OUTAGE)
    made.site.broken = set()
    assert (await made.site.until("slack", 2))[-1].status == "resolved"
    await _quiet(made)
    assert made.site.to("pagerduty") == []


async def _staging_beside_production(made: Stage) -> None:
    """Each site has trouble in one region: nothing is agreed. Then staging is down by itself."""
    made.site.sent.clear()
    made.site.broken = {("probe", "fra"), ("staging", "lax")}
    for job in ("probe", "staging"):
        assert (await made.site.until("slack", 1, job))[0].status == "firing"
    await asyncio.sleep(OUTAGE)
    assert [each for each in made.site.sent if each.receiver == "pagerduty"] == []
    made.site.broken = {("staging", region) for region in REGIONS}
    (page,) = await made.site.until("pagerduty", 1, "staging")
    assert page.firing == (DOWN,)
    made.site.broken = set()
    assert (await made.site.until("pagerduty", 2, "staging"))[-1].status == "resolved"
    await _quiet(made)
    await _quiet(made, "staging")
    assert made.site.to("pagerduty") == []


async def _five_minutes_of_outage(made: Stage) -> None:
    """On a Prometheus that has minutes of history: one page, one resolve, and nothing after."""
    made.site.sent.clear()
    made.site.broken = set(PRODUCTION)
    (page,) = await made.site.until("pagerduty", 1)
    assert (page.status, page.firing) == ("firing", (DOWN,))
    await asyncio.sleep(OUTAGE)
    made.site.broken = set()
    assert [each.status for each in await made.site.until("pagerduty", 2)] == ["firing", "resolved"]
    await _quiet(made)
    count = len(made.site.sent)
    await asyncio.sleep(AFTER)
    assert len(made.site.sent) == count, made.site.sent[count:]
    assert [each.status for each in made.site.to("pagerduty")] == ["firing", "resolved"]
    assert made.site.to("slack")[-1].status == "resolved"
    assert made.site.to("pagerduty", "staging") == []


async def _a_probe_killed_while_an_alert_fires(made: Stage) -> None:
    """Nothing is resolved; one alert says that its region is silent, until it is back."""
    made.site.sent.clear()
    made.site.broken = set(PRODUCTION)
    await made.site.until("pagerduty", 1)
    await made.kill("probe", "lax")
    silent = 'ALERTS{alertname="ProbeRegionSilent", alertstate="firing"}'
    (alert,) = await made.prometheus.until(silent)
    assert alert["metric"]["region"] == "lax"
    await asyncio.sleep(OUTAGE)
    assert [each.status for each in made.site.sent if each.status == "resolved"] == []
    assert len(made.site.to("pagerduty")) == 1
    notified = {name for each in made.site.to("slack") for name in each.firing if "Silent" in name}
    assert notified == {"ProbeRegionSilent lax"}
    await made.start("probe", "lax")
    await _gone(made, silent)
    assert len(made.site.to("pagerduty")) == 1
    made.site.broken = set()
    assert (await made.site.until("pagerduty", 2))[-1].status == "resolved"
    await _quiet(made)


@pytest.mark.proof
async def test_a_limit_changed_in_probe_toml_pages_and_its_end_resolves(tmp_path: Path) -> None:
    async with stage(tmp_path) as made:
        await _a_limit_changed(made)


def _limit(critical: float) -> str:
    return (
        "[http.thresholds.probe_http_response_seconds]\n"
        f"warning = {critical / 2:.7f}\ncritical = {critical:.7f}\n"
        "window = 0\nhold = 1\nclear = 1\n"
    )


async def _a_limit_changed(made: Stage) -> None:
    """The rules are what they were."""
    for job, region in PRODUCTION:
        await made.configure(job, region, _limit(0.000002))
    (page,) = await made.site.until("pagerduty", 1)
    assert page.firing == ("HttpTargetSlow",)
    shown = await made.prometheus.query('probe_threshold{job="probe", level="critical"} < 0.00001')
    assert len(shown) == len(REGIONS)
    for job, region in PRODUCTION:
        await made.configure(job, region, _limit(30.0))
    await _gone(made, 'ALERTS{job="probe"}')
    async with asyncio.timeout(PATIENCE):
        while made.site.to("pagerduty")[-1].status != "resolved":  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    assert [each.status for each in made.site.to("pagerduty")] == ["firing", "resolved"]
