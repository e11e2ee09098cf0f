"""Every whole expression of the rules, of annotations and of variables, evaluated by the real
Prometheus on what a real daemon exports: it has data, or has it once what it looks for is there."""

import asyncio
import json
import re
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerts.prometheus.rules import rules_file
from dashboards.dashboards import boards
from dashboards.grafana import as_json
from probe.kinds import KINDS
from tests.daemon.prometheus.stage import quick_rules
from tests.daemon.running import PATIENCE
from tests.dashboards.scene import Scene, asked, scene

# A day is fifteen seconds, so that the windows of error budgets pass.
FACTOR = 6000
OFTEN = "interval = 1\nretry = 1\nfor = 1\n"
# `ready` fails long before it is reported, and `frontend` misses what is no limit: both burn.
PAGES = f"""\
[[http]]
name = "health"
{OFTEN}
[[http]]
name = "ready"
interval = 1
retry = 1
for = 3600
[[http]]
name = "frontend"
{OFTEN}thresholds = {{ probe_http_response_seconds = {{ objective = 0.000001 }} }}
"""
OTHERS = f"""\
[[redis]]
name = "redis"
url = "redis://127.0.0.1:1"
{OFTEN}
[[postgres]]
name = "postgres"
url = "postgres://probe@127.0.0.1:1/x"
{OFTEN}
[[http]]
name = "page"
url = "http://127.0.0.1:1/"
{OFTEN}
[[signaling]]
name = "signaling"
interval = 3
retry = 1
for = 1
[[turn]]
name = "turn-primary-udp"
interval = 4
retry = 1
for = 1
[[allocation]]
name = "allocation-primary-udp"
interval = 5
retry = 1
for = 1
[[call]]
name = "call-primary-udp"
interval = 10
retry = 1
for = 1
"""
SELF = {"ProbeAbsent", "ProbeRegionSilent"}
BROKEN = {"BackendDown", "ErrorBudgetBurn"}
# Of OTHERS, three from the start.
DOWN = {"RedisDown", "PostgresDown", "HttpTargetDown"}
CUT = {"SignalingDown", "TurnRelayDown", "TurnAllocationDown", "CallDown"}


@dataclass
class Seen:
    """What had data so far: expressions, and alerts that fired, by name."""

    scene: Scene
    wanted: dict[str, str]
    alerts: set[str] = field(default_factory=set)

    async def look(self) -> None:
        """Ask for all that had none yet; every rule has to be evaluated without an error."""
        prometheus = self.scene.prometheus
        for name, expr in list(self.wanted.items()):
            if await prometheus.query(expr):
                del self.wanted[name]
        firing = await prometheus.query('ALERTS{alertstate="firing"}')
        self.alerts |= {each["metric"]["alertname"] for each in firing}
        assert await prometheus.unhealthy_rules() == []

    async def until(self, alerts: set[str]) -> None:
        """Look until all of these fire, or have."""
        async with asyncio.timeout(PATIENCE):
            while not alerts <= self.alerts:
                await self.look()
                await asyncio.sleep(0.2)

    async def firing(self) -> set[str]:
        """What fires now: names, each with its check."""
        found = await self.scene.prometheus.query('ALERTS{alertstate="firing"}')
        return {
            f"{each['metric']['alertname']} {each['metric'].get('check', '')}".strip()
            for each in found
        }


def expressions() -> dict[str, str]:
    """All of them, each as its reader asks for it. An alert about the probe itself is asked without
    its limit: that it has something to compare is what can be wrong."""
    found: dict[str, str] = {}
    groups = yaml.safe_load(rules_file(KINDS))["groups"]
    for number, rule in enumerate(rule for group in groups for rule in group["rules"]):
        if "record" in rule:
            found[f"{number} {rule['record']}"] = rule["expr"]
        elif rule["alert"] not in SELF and "probe_" in rule["expr"]:
            without = re.sub(r"(?:==|>) [\d.]+(?=\))", ">= 0", rule["expr"])
            if "probe:" not in without:
                found[f"{number} {rule['alert']}"] = without
    for name, expr in _of_boards():
        found.setdefault(name, asked(expr))
    return found


def _of_boards() -> Iterator[tuple[str, str]]:
    for board in boards(KINDS):
        document = json.loads(as_json(board))
        for each in document["annotations"]["list"]:
            # A minute is longer than this test.
            yield f"annotation {each['name']}", re.sub(r"offset 1m", "offset 3s", each["expr"])
        for each in document["templating"]["list"]:
            query = each.get("query")
            text = query["query"] if isinstance(query, dict) else query
            if parts := re.fullmatch(r"label_values\((.*), (\w+)\)", str(text)):
                yield f"variable {each['name']}", f"count by ({parts[2]}) ({parts[1]}) > 0"


@asynccontextmanager
async def watched(folder: Path, tables: str) -> AsyncIterator[Seen]:
    """A scene, with what had data while all was well."""
    async with scene(folder, rules=quick_rules(FACTOR), tables=tables) as made:
        seen = Seen(made, expressions())
        await made.prometheus.until("probe:objective:error")
        # Before the first scrape there was no probe.
        await made.prometheus.until('absent(ALERTS{alertname="ProbeAbsent"})')
        await seen.look()
        yield seen


async def _broken(seen: Seen) -> None:
    """The backend answers 500: that is reported once by region and once for all, and budgets of
    what isn't reported burn. As it recovers, nothing fires any more but budgets."""
    lab = seen.scene.lab
    lab.set_knob("backend.status", "500")
    await seen.until(BROKEN)
    found = await seen.scene.prometheus.query('ALERTS{alertname="BackendDown"}')
    assert {(each["metric"]["check"], each["metric"]["severity"]) for each in found} == {
        ("health", "critical"),
        ("health", "warning"),
    }
    lab.set_knob("backend.status", "200")
    async with asyncio.timeout(PATIENCE):
        while any(each.startswith("BackendDown") for each in await seen.firing()):
            await seen.look()
            await asyncio.sleep(0.2)
    while "annotation Recoveries" in seen.wanted:
        await seen.look()
        await asyncio.sleep(0.2)


async def _killed(seen: Seen) -> None:
    """A probe that is killed amid an outage is reported, and resolves nothing."""
    seen.scene.lab.set_knob("backend.status", "500")
    await seen.scene.prometheus.until('ALERTS{alertname="BackendDown", severity="critical"}')
    await seen.scene.running.stop(signal.SIGKILL)
    await seen.until({"ProbeRegionSilent"})
    await seen.look()
    assert "BackendDown health" in await seen.firing()


def _left(seen: Seen, allowed: dict[str, str]) -> dict[str, str]:
    return {name: expr for name, expr in seen.wanted.items() if name not in allowed}


# Why nothing is there; each is proven elsewhere.
LATER: dict[str, Any] = {
    "annotation Starts of a probe": "the daemon is not started a second time",
    "annotation Deployments": "the application is not restarted",
}


@pytest.mark.parts
async def test_every_expression_of_rules_and_annotations_has_data_once(tmp_path: Path) -> None:
    async with watched(tmp_path, PAGES) as seen:
        assert seen.alerts <= {"ErrorBudgetBurn"}
        await _broken(seen)
        assert seen.alerts == BROKEN
        await _killed(seen)
        assert seen.alerts == BROKEN | {"ProbeRegionSilent"}
        assert _left(seen, LATER) == {}


@pytest.mark.proof
@pytest.mark.parts
async def test_each_fault_fires_its_alerts_and_no_other(tmp_path: Path) -> None:
    async with watched(tmp_path, PAGES + OTHERS) as seen:
        await seen.until(DOWN)
        assert seen.alerts <= DOWN | {"ErrorBudgetBurn"}
        lab = seen.scene.lab
        for knob, value in (("primary.silent", "true"), ("backend.signaling", "off")):
            lab.set_knob(knob, value)
        await seen.until(CUT)
        assert seen.alerts <= DOWN | CUT | {"ErrorBudgetBurn", "TurnFallbackDegraded"}
        firing = await seen.firing()
        assert not {each for each in firing if "backup" in each}
        await _broken(seen)
        await _killed(seen)
        assert _left(seen, LATER) == {}
