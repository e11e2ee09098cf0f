"""What the rules make of what probes export: regions, silences of a probe, sites, names."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alerts.prometheus.alert_rules import alert_names
from probe.core.thresholds import Symptom
from probe.kinds import KINDS
from probe.kinds.http import KIND as HTTP
from tests.alerts.prometheus.alert_worlds import (
    PAGE,
    START,
    WORLDS,
    failing,
    one_of_two_regions_makes_no_page,
    passing,
    the_only_region_decides_alone,
    world,
)
from tests.alerts.prometheus.worlds import (
    STEP,
    Seen,
    World,
    labelled,
    steady,
    verdicts,
)


@world
def staging_is_judged_beside_production() -> World:
    """Each fails in one region of two: nothing is agreed. Then staging in both."""
    staging = [failing("lax", 20, 100, job="staging"), failing("fra", 80, 40, job="staging")]
    made = World(300, [*staging, failing("lax", 20, 100), passing("fra")])
    made.expect(60 * STEP, 0, **PAGE)
    made.expect(90 * STEP, 1, **PAGE)
    made.expect(90 * STEP, 1, **PAGE, job="staging")
    return made


@world
def values_have_names_by_what_is_wrong() -> World:
    made = World(80)
    cases = {
        "slow": "BackendSlow",
        "degraded": "BackendDegraded",
        "certificate": "CertificateExpiring",
    }
    for region in ("lax", "fra"):
        for symptom in cases:
            seen = passing(region, check=symptom)
            own = {**seen.labels, "signal": "probe_x", "symptom": symptom, "phase": "tls"}
            fires = labelled("probe_alert_severity", own)
            made.checks.append(
                Seen(check=symptom, region=region, more={fires: f"_x20 {steady(2, 40)}"})
            )
    for symptom, name in cases.items():
        made.expect(30 * STEP, 1, alertname=name, check=symptom, scope="global", phase="tls")
        made.expect(30 * STEP, 2, alertname=name, check=symptom, scope="region")
    return made


@world
def what_is_no_component_of_ours_is_an_alert_of_the_check() -> World:
    made = World(80, [failing("lax", 20, 40, component="Plugin")])
    made.expect(START + STEP, 1, alertname="CheckDown", severity="critical")
    return made


@world
def foreign_metrics_of_the_same_names_count_for_nothing() -> World:
    """A blackbox_exporter next to the probe, and a CI run's pushed result."""
    made = World(120, [passing("lax"), passing("fra")])
    for place in ({"job": "blackbox", "instance": "https://example.org"}, {"job": "pushgateway"}):
        made.more[labelled("probe_success", place)] = steady(0, 120)
        made.more[labelled("probe_duration_seconds", place)] = steady(9, 120)
    made.always((40 * STEP, 110 * STEP), 0, scope="global")
    made.always((40 * STEP, 110 * STEP), 0, scope="region")
    return made


@world
def no_data_is_a_warning() -> World:
    seen = passing("lax")
    own = {**seen.labels, "signal": "no-data", "symptom": "no-data"}
    made = World(120, [Seen(more={labelled("probe_alert_severity", own): f"_x20 {steady(1, 60)}"})])
    made.expect(19 * STEP, 0, alertname="CheckNoData")
    made.expect(22 * STEP, 1, alertname="CheckNoData", severity="warning", region="lax")
    made.expect(22 * STEP, 0, severity="critical")
    return made


TOY_IS_DOWN = {
    "job": "probe",
    "check": "toy",
    "kind": "toy",
    "component": "Backend",
    "service": "toys",
    "subject": "toy",
    "signal": "failing",
    "symptom": "down",
}


@world
def the_page_says_cause_phase_status_address_and_links() -> World:
    seen = failing("lax", 20, 40)
    public = "https://probe.example.org"
    info = {
        **seen.labels,
        "signal": "failing",
        "phase": "request",
        "cause": "http_status",
        "runbook_url": f"{public}/runbooks/backend-down",
        "dashboard_url": "https://grafana.example.org/d/x",
    }
    status = labelled("probe_http_status_code", {**seen.labels})
    made = World(100, [seen])
    made.more |= {
        labelled("probe_alert_info", info): f"_x20 {steady(1, 40)}",
        status: steady(503, 100),
    }
    texts = {
        "description": "Phase request. Cause http_status. Status 503. test://toy",
        "runbook_url": info["runbook_url"],
        "dashboard_url": info["dashboard_url"],
    }
    everywhere = {"severity": "critical", "scope": "global"}
    local = {"severity": "warning", "scope": "region", "region": "lax", "target": "test://toy"}
    alerts = [
        {
            "exp_labels": {**TOY_IS_DOWN, **scope},
            "exp_annotations": {"summary": summary, **texts},
        }
        for scope, summary in ((everywhere, "toy is down"), (local, "toy is down, seen from lax"))
    ]
    made.texts.append({"eval_time": "7m", "alertname": "BackendDown", "exp_alerts": alerts})
    return made


def test_every_world_is_as_expected(tmp_path: Path) -> None:
    """In one run of promtool."""
    made = {name: make() for name, make in WORLDS.items()}
    found = verdicts(tmp_path, [HTTP], made)
    assert {name: text for name, text in found.items() if text} == {}


def test_a_world_that_expects_the_wrong_thing_is_found(tmp_path: Path) -> None:
    wrong = one_of_two_regions_makes_no_page()
    wrong.expect(50 * STEP, 7, alertname="BackendDown")
    found = verdicts(tmp_path, [HTTP], {"right": the_only_region_decides_alone(), "wrong": wrong})
    assert (found["right"], "7" in found["wrong"]) == ("", True)


def test_every_alert_fires_by_its_own_name_and_no_other(tmp_path: Path) -> None:
    """Each component in two regions, with everything else that is wrong besides."""
    made, names = World(60), alert_names(KINDS)
    assert len(names) >= 50
    for number, (name, (which, symptom)) in enumerate(names.items()):
        found = re.fullmatch(r'component="(\w+)"', which)
        own = {"check": f"check-{number}", "component": found[1] if found else "Plugin"}
        for region in ("lax", "fra"):
            made.checks.append(wrong_in(region, symptom, own))
        made.expect(30 * STEP, 1, alertname=name, check=own["check"], scope="global")
        made.expect(30 * STEP, 1, check=own["check"], scope="global")
    assert verdicts(tmp_path, KINDS, {"all": made}) == {"all": ""}


def wrong_in(region: str, symptom: Symptom, own: Mapping[str, Any]) -> Seen:
    """A check that fails, or has one value that is beyond its limit."""
    if symptom is Symptom.DOWN:
        return failing(region, 20, 40, 0, **own)
    labels = {**passing(region, **own).labels, "signal": "probe_x", "symptom": symptom.value}
    fires = labelled("probe_alert_severity", labels)
    return passing(region, **own, more={fires: f"_x20 {steady(2, 40)}"})


def test_every_component_has_its_alert() -> None:
    names = alert_names(KINDS)
    for name in ("TurnRelayDown", "BackendDown", "SignalingSlow", "CheckDown", "CheckSlow"):
        assert name in names
