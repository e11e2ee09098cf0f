"""A card says all that is broken now, and nothing that has recovered."""

from typing import Any

import pytest
from msgspec.structs import replace

from probe.history.incidents.model import Incident, IncidentAlert, IncidentSeverity
from probe.report.html.incident_view import IncidentView, view_of
from probe.report.markdown import incident_markdown
from tests.report import board_samples as boards
from tests.report.html.status_days import ago
from tests.report.incident_samples import alert, incident

BACKEND, RELAY = "The backend is down", "Users get no working TURN server"


def of(check: str, service: str, loss: str, runbook: str, **changes: Any) -> IncidentAlert:
    """A critical alert of a service; its summary is its cause in words."""
    row = replace(boards.plan()[0], name=check)
    made = alert(row, f"{check} fails", "body", "service_down", service=service, loss=loss)
    return replace(made, runbook=runbook, **changes)


HEALTH = of("health", "backend", BACKEND, "service-down")
SIGNALING = of("signaling", "backend", "Users can't connect", "signaling-failing", since=ago(23))
ISSUED = of("issued", "TURN servers", RELAY, "turn-issued-failing", since=ago(20))
SLOW = of(
    "slow", "calls", "Calls are slow", "relay-slow", severity=IncidentSeverity.WARNING
)  # fmt: skip


def view(*alerts: IncidentAlert, **changes: object) -> IncidentView:
    return view_of(
        incident("3 checks fail: backend and TURN servers", alerts, **changes),
        lambda each: (f"step of {each.check}",),
    )


def test_two_faults_at_once_are_both_in_the_headline_and_the_evidence() -> None:
    found = view(HEALTH, SIGNALING, ISSUED, SLOW)
    assert found.headline == f"{BACKEND}; {RELAY}"
    assert [each.check for each in found.evidence[:2]] == ["health", "issued"]
    assert found.runbook == "/runbooks/service-down"
    assert found.more_runbooks == (("TURN servers", "/runbooks/turn-issued-failing"),)


def test_one_fault_has_one_headline_and_one_runbook() -> None:
    found = view(HEALTH, SIGNALING, SLOW)
    assert (found.headline, found.more_runbooks) == (BACKEND, ())
    assert [each.check for each in found.evidence] == ["health", "signaling", "slow"]


def test_what_has_recovered_is_not_said_to_be_down() -> None:
    over = replace(HEALTH, ended=ago(5))
    found = view(over, ISSUED)
    assert (found.headline, found.runbook) == (RELAY, "/runbooks/turn-issued-failing")
    assert found.steps == ("step of issued",)
    assert [each.check for each in found.evidence] == ["issued", "health"]


def test_an_incident_that_is_over_is_still_about_what_it_was() -> None:
    alerts = (replace(HEALTH, ended=ago(5)), replace(ISSUED, ended=ago(1)))
    found = view(*alerts, ended=ago(1))
    assert found.headline == f"{BACKEND}; {RELAY}"
    assert found.runbook == "/runbooks/service-down"


def test_a_loss_without_words_leaves_the_title() -> None:
    found = view(replace(HEALTH, loss=""), ISSUED)
    assert found.headline == "3 checks fail: backend and TURN servers"


@pytest.mark.parametrize("affected", [(), ("health",), ("health", "frontend")])
def test_a_check_with_an_alert_is_not_said_to_have_none(affected: tuple[str, ...]) -> None:
    one: Incident = incident("The backend is down", (HEALTH,), affected=affected)
    others = tuple(name for name in affected if name != "health")
    assert view_of(one).without_alert == others
    assert ("Also failing: frontend" in incident_markdown(one, ago(0))) == bool(others)
    assert "Also failing: health" not in incident_markdown(one, ago(0))
