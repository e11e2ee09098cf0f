"""Which relay's failure another makes up for, as users would feel it."""

import pytest

from alerts.evaluation.verdict import judge
from probe.config.check_plan import make_plan
from probe.core.causes import Cause
from probe.core.environment import Variables
from probe.core.model import Status, Verdict
from probe.kinds import KINDS
from tests.fake_kind import result_of

VARIABLES = {
    "BACKEND_URL": "https://example.org",
    "TURN_URLS": "turn:a,turn:a?transport=tcp",
    "TURN_USERNAME": "probe",
    "TURN_PASSWORD": "x",
}
TURN, CALL = "turn-primary-udp,turn-primary-tcp", "call-primary-udp,call-primary-tcp"


def verdicts(failed: str) -> dict[str, Verdict]:
    """The verdicts on the failed checks, where all others are well."""
    checks = make_plan(KINDS, Variables(VARIABLES), {}).checks
    broken = failed.split(",")
    results = {
        check.name: result_of(
            check.name, Status.FAILED if check.name in broken else Status.OK, Cause.AUTH_REJECTED
        )
        for check in checks
    }
    assert set(broken) <= set(results)
    judged = judge(checks, results).checks
    return {name: judged[name] for name in broken}


@pytest.mark.parametrize(
    ("failed", "verdict"),
    [
        ("turn-primary-udp", Verdict.WARNING),
        ("call-primary-tcp", Verdict.WARNING),
        (TURN, Verdict.WARNING),
        (f"{TURN},turn-issued,call-issued", Verdict.CRITICAL),
        (f"{CALL},call-issued", Verdict.CRITICAL),
        ("turn-issued", Verdict.WARNING),
        ("turn-issued,call-issued", Verdict.CRITICAL),
        ("call-issued", Verdict.CRITICAL),
    ],
)
def test_what_users_are_issued_stands_for_itself_and_backs_up_the_rest(
    failed: str, verdict: Verdict
) -> None:
    assert set(verdicts(failed).values()) == {verdict}
