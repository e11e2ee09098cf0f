"""What the variables give in calls, what a call's table says, and how bad its failures are."""

from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest

from alerts.evaluation.verdict import judge
from probe.core.causes import Cause
from probe.core.environment import Variables, read_environment
from probe.core.kind import Check, DerivedChecks
from probe.core.model import Failure, Result, Status, Verdict
from probe.kinds.call import KIND, derive
from probe.kinds.call.settings import CallTable
from probe.turn_targets.environment import TurnEnvironment
from tests.kinds.call.call_lab import call_check

GROUPS: dict[str, dict[str, str]] = {
    "primary": {"TURN_URLS": "turn:a:80", "TURN_USERNAME": "me", "TURN_PASSWORD": "hunter2"},
    "backup": {
        "TURN_BACKUP_URLS": "turns:b:443",
        "TURN_BACKUP_USERNAME": "you",
        "TURN_BACKUP_PASSWORD": "hunter3",
    },
    "metered": {"METERED_APP": "paircam", "METERED_API_KEY": "hunter4"},
    "issued": {"BACKEND_URL": "https://example.org"},
}
NAMES = {
    "primary": ["call-primary-udp"],
    "backup": ["call-backup-tls"],
    "metered": ["call-metered-udp", "call-metered-tcp", "call-metered-tls"],
    "issued": ["call-issued"],
}
REASONS = {
    "primary": "TURN_URLS is not set",
    "backup": "TURN_BACKUP_URLS is not set",
    "metered": "METERED_API_KEY is not set (credentials from Metered)",
    "issued": "BACKEND_URL is not set (credentials that it issues)",
}


def derived(**variables: str) -> tuple[DerivedChecks, list[Check]]:
    found = derive(read_environment(TurnEnvironment, Variables(variables)))
    return found, [Check(KIND, CallTable.model_validate(table)) for table in found.tables]


@pytest.mark.parametrize("present", list(product([True, False], repeat=4)))
def test_each_combination_of_variables_gives_its_calls_and_says_what_is_skipped(
    present: tuple[bool, ...],
) -> None:
    states = dict(zip(GROUPS, present, strict=True))
    variables = {
        name: value
        for group, there in states.items()
        if there
        for name, value in GROUPS[group].items()
    }
    found, checks = derived(**variables)
    expected = [name for group, there in states.items() if there for name in NAMES[group]]
    direct = ["call-direct"] if expected else []
    assert [check.name for check in checks] == direct + expected
    assert list(found.skipped) == [REASONS[group] for group, there in states.items() if not there]


def test_target_and_labels_are_those_of_the_contract() -> None:
    _, checks = derived(
        TURN_URLS="turn:a:80,turn:a:80?transport=tcp,turns:a:443", **GROUPS["issued"]
    )
    assert [(check.table.target, *check.table.labels.items()) for check in checks] == [
        ("this host", ("provider", "none"), ("transport", "udp"), ("path", "direct")),
        ("turn:a:80", ("provider", "primary"), ("transport", "udp"), ("path", "relayed")),
        ("turn:a:80", ("provider", "primary"), ("transport", "tcp"), ("path", "relayed")),
        ("turns:a:443", ("provider", "primary"), ("transport", "tls"), ("path", "relayed")),
        (
            "https://example.org/turn/credentials",
            ("provider", "issued"),
            ("transport", "all"),
            ("path", "relayed"),
        ),
    ]


def test_the_names_of_the_contract_are_among_the_signals() -> None:
    promised = {
        f"probe_call_{quantity}"
        for quantity in (
            "success",
            "gathering_seconds",
            "ice_connected_seconds",
            "dtls_connected_seconds",
            "open_seconds",
            "rtt_seconds",
        )
    }
    assert promised <= {signal.name for signal in KIND.signals}


def test_no_secret_shows_in_a_table() -> None:
    _, checks = derived(**GROUPS["primary"], **GROUPS["backup"])
    assert "hunter" not in repr(checks)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({}, "set either url or backend_url"),
        ({"url": "turn:a", "backend_url": "https://b"}, "set either url or backend_url"),
        ({"url": "turn:a", "password": "p"}, "set username and password, or neither"),
        ({"url": "turn:a", "path": "sideways"}, "'direct' or 'relayed'"),
        ({"url": "turn:a", "echoes": 0}, "greater than or equal to 1"),
    ],
)
def test_a_table_that_makes_no_sense_says_so(table: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        CallTable.model_validate({"name": "call", **table})


@pytest.mark.parametrize(
    ("cause", "verdict"),
    [
        (Cause.HAIRPIN_FAILED, Verdict.WARNING),
        (Cause.ICE_FAILED, Verdict.CRITICAL),
        (Cause.AUTH_REJECTED, Verdict.CRITICAL),
    ],
)
def test_a_hairpin_that_fails_is_no_more_than_a_warning(cause: Cause, verdict: Verdict) -> None:
    check = call_check(url="turn:a", username="me", password="any")
    failure = Failure("ice", cause, "", "")
    result = Result(check.name, Status.FAILED, datetime.now(UTC), 1.0, failure=failure)
    assert judge([check], {check.name: result}).verdict is verdict
