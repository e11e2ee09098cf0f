"""What users lose by what one run found: said once for one cause, as notifications say it."""

from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from alerts.evaluation.verdict import evaluate
from alerts.model import Severity
from alerts.notification.title import firing_title
from alerts.runbooks.library import RunbookLibrary
from alerts.state.annotations import failing
from probe.core.causes import Cause
from probe.core.kind import Check
from probe.core.model import Limits, Sample, Status, Threshold, Verdict
from probe.once.incidents import OWN_NETWORK, RunFindings, incidents_of
from probe.paircam.health import DOWN
from probe.report.model import RunIncident
from tests.alerts.checks import plan_of_everything
from tests.fake_kind import TOY_SECONDS, result_of, toy, toy_kind

CHECKS = plan_of_everything()


def found_with(failures: Mapping[str, Cause], status: Status = Status.FAILED) -> list[RunIncident]:
    """The incidents of a run of everything in which the checks whose names begin so fail."""
    results = {}
    for check in CHECKS:
        causes = [cause for start, cause in failures.items() if check.name.startswith(start)]
        results[check.name] = (
            result_of(check.name, status, causes[0]) if causes else result_of(check.name)
        )
    return list(incidents_of(RunFindings(CHECKS, results, (), "lax"), RunbookLibrary()))


def test_a_dead_backend_is_one_incident_that_says_each_loss_once() -> None:
    names = ("health", "ready", "engineio", "signaling", "turn-issued", "call-issued")
    (only,) = found_with(dict.fromkeys(names, Cause.CONNECT_REFUSED))
    assert only.verdict is Verdict.CRITICAL
    assert only.losses == (
        "The backend is down",
        "Users can't connect: signaling fails",
        "Users get no working TURN server",
    )
    assert only.runbook == "backend-down"
    assert only.places == ("paircam.live",)
    assert set(names) <= set(only.checks)


def test_two_faults_at_once_are_two_incidents_the_worse_first() -> None:
    turn = dict.fromkeys(("turn-primary", "allocation-primary"), Cause.ALLOCATION_QUOTA)
    worse, other = found_with({**turn, "health": Cause.HTTP_STATUS})
    assert (worse.verdict, worse.losses) == (Verdict.CRITICAL, ("The backend is down",))
    assert (other.verdict, other.losses) == (Verdict.WARNING, ("A TURN relay fails",))
    assert worse.runbook == "backend-down"
    assert other.runbook == "turn-failing"


def test_the_same_loss_at_two_providers_is_said_once() -> None:
    primary, backup = ("turn-primary", "allocation-primary"), ("turn-backup", "allocation-backup")
    silent = dict.fromkeys(primary, Cause.DEADLINE)
    issued = dict.fromkeys(("turn-issued", "allocation-issued"), Cause.DEADLINE)
    refused = dict.fromkeys(backup, Cause.AUTH_REJECTED)
    (only,) = found_with({**silent, **refused, **issued})
    assert only.losses == ("No TURN relay works", "Users get no working TURN server")
    assert {"a.example:3478", "b.example:3478"} <= set(only.places)


def test_the_words_are_those_of_a_notification() -> None:
    check = next(check for check in CHECKS if check.name == "turn-issued")
    result = result_of(check.name, Status.FAILED, Cause.DEADLINE)
    (only,) = found_with({"turn-issued": Cause.DEADLINE})
    alert = failing(check, result, "lax")
    alert = replace(alert, severity=Severity(only.verdict.value))
    assert firing_title([alert]).startswith(f"{only.losses[0]}: ")
    assert only.runbook == alert.runbook
    first, *others = only.steps
    named = '"a TURN server does not relay"'
    assert first.replace(f"{named} (`probe runbook turn-failing`)", named) != first
    assert [first.replace(" (`probe runbook turn-failing`)", ""), *others] == [
        *RunbookLibrary().steps(alert)
    ]


def blaming(named: str, failures: Mapping[str, Cause]) -> list[RunIncident]:
    """The incidents of a run whose health checks name these services as down, and whose signaling
    stays silent once it is open, where they fail."""
    results = {check.name: result_of(check.name) for check in CHECKS}
    for name, cause in failures.items():
        result = result_of(name, Status.FAILED, cause)
        assert result.failure is not None
        phase = "session" if name == "signaling" else "body"
        facts = {DOWN: named} if cause is Cause.SERVICE_DOWN else {}
        failure = replace(result.failure, phase=phase, message=f"{named} is down")
        results[name] = replace(result, facts=facts, failure=failure)
    return list(incidents_of(RunFindings(CHECKS, results, (), "lax"), RunbookLibrary()))


@pytest.mark.parametrize(
    ("named", "failures", "runbook"),
    [
        ("redis", {"health": Cause.SERVICE_DOWN, "redis": Cause.CONNECT_REFUSED}, "service-down"),
        ("redis, pubsub", {"ready": Cause.SERVICE_DOWN, "redis": Cause.DEADLINE}, "service-down"),
        ("database", {"ready": Cause.SERVICE_DOWN, "postgres": Cause.DEADLINE}, "service-down"),
        ("", {"signaling": Cause.DEADLINE, "redis": Cause.DEADLINE}, "signaling-failing"),
    ],
)
def test_a_service_and_what_finds_that_it_is_down_are_one_incident(
    named: str, failures: Mapping[str, Cause], runbook: str
) -> None:
    (only,) = blaming(named, failures)
    assert (only.verdict, {*only.checks}) == (Verdict.CRITICAL, {*failures})
    assert only.runbook == runbook


@pytest.mark.parametrize(
    ("named", "failures"),
    [
        ("postgres", {"health": Cause.SERVICE_DOWN, "redis": Cause.CONNECT_REFUSED}),
        ("", {"health": Cause.TLS_INVALID, "redis": Cause.CONNECT_REFUSED}),
        ("", {"signaling": Cause.AUTH_REJECTED, "redis": Cause.CONNECT_REFUSED}),
    ],
)
def test_a_service_that_nobody_blames_is_an_incident_of_its_own(
    named: str, failures: Mapping[str, Cause]
) -> None:
    worse, other = blaming(named, failures)
    assert (worse.verdict, other.verdict) == (Verdict.CRITICAL, Verdict.WARNING)
    assert other.checks == ("redis",)


def test_nobody_loses_anything_by_the_own_network() -> None:
    everything = dict.fromkeys((check.name for check in CHECKS), Cause.OWN_NETWORK)
    (only,) = found_with(everything, Status.UNKNOWN)
    assert (only.verdict, only.losses) == (Verdict.UNKNOWN, (OWN_NETWORK,))
    assert only.runbook == "probe-itself"


def test_what_is_not_measured_says_nothing_about_users() -> None:
    (only,) = found_with({"metered": Cause.RATE_LIMITED}, Status.UNKNOWN)
    assert only.losses == ("Not known: it could not be measured",)


def one_of(*checks: Check, seconds: float | None = None) -> RunIncident:
    results = {
        check.name: result_of(check.name, samples={TOY_SECONDS: seconds})
        if seconds is not None
        else result_of(check.name, Status.FAILED)
        for check in checks
    }
    threshold = Threshold(TOY_SECONDS, Limits(warning=1.0))
    samples = [Sample(TOY_SECONDS, seconds)] if seconds is not None else []
    evaluations = [each for check in checks for each in evaluate(check.name, threshold, samples)]
    found = RunFindings(checks, results, evaluations, "lax")
    (only,) = incidents_of(found, RunbookLibrary(), "https://probe.example")
    return only


def test_a_value_beyond_a_limit_is_named_with_its_limit() -> None:
    only = one_of(toy(kind=toy_kind(thresholds=())), seconds=1.5)
    assert (only.verdict, only.losses) == (Verdict.WARNING, ("toy: toy 1.5 s is above 1 s",))


def test_a_check_whose_loss_is_not_known_fails() -> None:
    only = one_of(toy("page"))
    assert only.losses == ("page fails",)
    assert only.link == f"https://probe.example/runbooks/{only.runbook}"


def test_the_first_step_fits_the_cause() -> None:
    (unresolved,) = found_with({"frontend": Cause.DNS_FAILED})
    (silent,) = found_with({"frontend": Cause.DEADLINE})
    assert unresolved.steps[0].startswith("The name does not resolve")
    assert silent.steps[0].startswith("Who answers?")
