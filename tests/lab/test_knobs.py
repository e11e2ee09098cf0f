"""Every knob of the lab fails the checks it should, with the cause it should, and no others.

Each case runs what its knob can touch, and two checks that it must not. Only a check that is
to miss its deadline has a short one: how fast the machine is decides nothing. The matrix is
printed: ``pytest tests/lab/test_knobs.py -s``.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import pytest

from probe.config.check_plan import CheckPlan
from probe.config.settings import load_settings
from probe.core.context import Context
from probe.core.kind import Check
from probe.kinds import KINDS
from probe.lab import Lab
from probe.lab.lab import Certificate
from probe.once import OnceOptions, run_once
from probe.report.model import Report

HTTP = ("health", "ready", "frontend")
WAYS = ("udp", "tcp", "tls")
TURNS = tuple(f"turn-{who}-{way}" for who in ("primary", "backup") for way in WAYS)
CALLS = tuple(name.replace("turn-", "call-") for name in TURNS)
ALLOCATIONS = tuple(name.replace("turn-", "allocation-") for name in TURNS)
THROUGH_ISSUED = ("turn-issued", "call-issued")
ISSUED = ("allocation-issued", *THROUGH_ISSUED)


@dataclass(frozen=True)
class Case:
    """A knob, and what it turns: the cause (or ``!cause`` for unknown) of each check."""

    knob: str
    value: str
    turns: Mapping[str, str] = field(default_factory=dict)
    certificate: Certificate = "valid"
    without: str = ""
    only: str = ""


def all_of(names: tuple[str, ...], cause: str) -> dict[str, str]:
    """The same cause for each."""
    return dict.fromkeys(names, cause)


def relays(
    cause: str,
    *,
    primary_only: bool = True,
    ways: tuple[str, ...] = WAYS,
    checks: tuple[str, ...] = ALLOCATIONS + TURNS + CALLS,
) -> dict[str, str]:
    """Checks of the relays by some ways in."""
    names = [name for name in checks if name.rsplit("-", 1)[1] in ways]
    return dict.fromkeys([name for name in names if "primary" in name or not primary_only], cause)


def no_allocation(cause: str) -> dict[str, str]:
    """The primary allocates nothing: so nothing can cross from it either, for a reason that
    is told elsewhere. What the backend issues is the primary's."""
    return {**relays(cause), **all_of(ISSUED, cause), "crossing-primary-backup": f"!{cause}"}


def no_way_through(cause: str, crossing: str = "") -> dict[str, str]:
    """The primary allocates and does not relay; what becomes of packets to the backup."""
    relayed = {**relays(cause, checks=TURNS + CALLS), **all_of(THROUGH_ISSUED, cause)}
    return {**relayed, **({"crossing-primary-backup": crossing} if crossing else {})}


SESSIONS = ("engineio", "signaling")
BACKEND = (*HTTP, *SESSIONS, *ISSUED)


def whole(cause: str) -> dict[str, str]:
    """The backend with everything about it; its own metrics say nothing then."""
    return {**all_of(BACKEND, cause), "app-metrics": f"!{cause.removeprefix('!')}"}


OF_TOKENS = ("signaling", *ISSUED)
CASES = [
    # Tokens are asked for only where there is no secret to mint them from.
    Case("backend.token", "refused", all_of(OF_TOKENS, "http_status"), without="JWT_SECRET"),
    Case("backend.token", "invalid", all_of(OF_TOKENS, "body_invalid"), without="JWT_SECRET"),
    Case("backend.token", "rate_limited", all_of(OF_TOKENS, "!rate_limited"), without="JWT_SECRET"),
    # Which of several checks sends the packet that is one too many, chance decides.
    Case(
        "primary.drop_after",
        "5",
        {"turn-primary-udp": "allocation_lost"},
        only="turn-primary-udp",
    ),
    Case("backend.status", "503", all_of(("health", "ready"), "http_status")),
    Case("backend.status", "401", all_of(("health", "ready"), "http_status")),
    Case("backend.postgres", "down", all_of(("health", "ready"), "service_down")),
    Case(
        "backend.postgres",
        "hangs",
        {**all_of(("health", "ready"), "deadline"), "app-metrics": "!deadline"},
    ),
    Case(
        "backend.redis",
        "down",
        {**all_of(("health", "ready"), "service_down"), "signaling": "deadline"},
    ),
    Case("backend.pubsub", "down", all_of(("health", "ready"), "service_down")),
    Case("backend.body", "invalid", all_of(("health", "ready"), "body_invalid")),
    Case("backend.body", "empty", all_of(("health", "ready"), "body_invalid")),
    Case("backend.body", "list", all_of(("health", "ready"), "body_invalid")),
    Case("backend.body", "endless", all_of(("health", "ready"), "body_too_large")),
    Case("backend.redirect", "once"),
    Case("backend.redirect", "loop", {"health": "too_many_redirects"}),
    Case("backend.clock_offset", "45"),
    Case("backend.channels", "2"),
    Case("backend.gauges", "unwired"),
    Case("backend.latency", "0.2"),
    Case("backend.latency", "30", whole("deadline")),
    Case("backend.silent", "true", whole("deadline")),
    Case("backend.drop", "true", whole("connection_closed")),
    Case("backend.rate_limited", "true", whole("!rate_limited")),
    Case("backend.limits", "false"),
    Case("backend.signaling", "refuses", {"signaling": "session_refused"}),
    Case("backend.signaling", "silent", {"signaling": "deadline"}),
    Case("backend.signaling", "garbage", all_of(SESSIONS, "protocol_error")),
    Case("backend.signaling", "drops", {"signaling": "connection_closed"}),
    Case("backend.signaling", "no_reply", {"signaling": "deadline"}),
    Case("backend.signaling", "off", all_of(SESSIONS, "protocol_error")),
    Case("backend.signaling_latency", "0.05"),
    Case("backend.signaling_latency", "30", all_of(SESSIONS, "deadline")),
    # Only a journey meets somebody, and it is off unless it is asked for.
    Case("backend.match", "never"),
    Case("backend.match", "anyone"),
    Case("backend.match", "lost"),
    Case("backend.match", "ends"),
    Case("backend.second_match", "1"),
    Case("backend.credentials", "expired", all_of(ISSUED, "credentials_expired")),
    Case("backend.credentials", "wrong", all_of(ISSUED, "auth_rejected")),
    Case("backend.credentials", "refused", all_of(ISSUED, "auth_rejected")),
    Case("backend.credentials", "empty", all_of(ISSUED, "credentials_missing")),
    Case("backend.version", "2.0.0"),
    Case("backend.instance", "lab-2"),
    Case("backend.uptime", "3"),
    Case("backend.metrics", "filled"),
    Case("backend.relayed_share", "0.4"),
    Case("backend.failed_share", "0.4"),
    Case("backend.error_share", "0.4"),
    Case("backend.request_seconds", "3"),
    Case("backend.memory", "4e8"),
    Case("backend.hsts", "false"),
    Case("backend.cors_open", "true"),
    Case("primary.error", "401", no_allocation("auth_rejected")),
    Case("primary.error", "403", no_way_through("peer_forbidden", "peer_forbidden")),
    Case("primary.error", "438", no_allocation("stale_nonce")),
    Case(
        "primary.error",
        "486",
        no_allocation("allocation_quota"),
    ),
    Case(
        "primary.error",
        "508",
        no_allocation("allocation_capacity"),
    ),
    Case(
        "turn.silent",
        "true",
        {
            **relays("deadline", primary_only=False),
            **all_of(ISSUED, "deadline"),
            "crossing-primary-backup": "!deadline",
        },
    ),
    Case(
        "primary.close_on_connect",
        "true",
        {**relays("connection_closed", ways=("tcp", "tls")), "turn-issued": "some_urls_failed"},
    ),
    Case("primary.delay", "0.02"),
    Case("primary.jitter", "0.005"),
    # A call of many packets may fail by chance; that is what its own tests are about.
    Case("primary.loss", "0.05", only="turn-primary-udp"),
    Case("primary.loss", "1", no_way_through("hairpin_failed", "relay_unreachable")),
    Case("primary.seed", "7"),
    Case("primary.hairpin", "false", no_way_through("hairpin_failed")),
    Case(
        "primary.quota",
        "0",
        no_allocation("allocation_quota"),
    ),
    Case(
        "primary.relayed_address",
        "192.0.2.1",
        no_allocation("relay_address_unusable"),
    ),
    Case(
        "primary.tls_stall",
        "true",
        {**relays("deadline", ways=("tls",)), "turn-issued": "some_urls_failed"},
    ),
    Case(
        "primary.garbage",
        "true",
        no_allocation("protocol_error"),
    ),
    Case(
        "certificate",
        "expired",
        {
            **relays("tls_invalid", primary_only=False, ways=("tls",)),
            "turn-issued": "some_urls_failed",
        },
        "expired",
    ),
    Case(
        "certificate",
        "wrong-name",
        {
            **relays("tls_invalid", primary_only=False, ways=("tls",)),
            "turn-issued": "some_urls_failed",
        },
        "wrong-name",
    ),
    Case(
        "certificate",
        "untrusted",
        {
            **relays("tls_invalid", primary_only=False, ways=("tls",)),
            "turn-issued": "some_urls_failed",
        },
        "untrusted",
    ),
]


# What a knob of a part can touch, and two checks of another part that it must not.
TOUCHED: Mapping[str, tuple[str, ...]] = {
    "backend": (*HTTP, *SESSIONS, "allocation-issued", "app-metrics"),
    "primary": ("allocation-primary-udp", "turn-primary-udp", "call-primary-udp"),
    "turn": (),
    "certificate": ("allocation-primary-tls", "turn-primary-udp"),
}
CONTROLS: Mapping[str, tuple[str, str]] = {
    "backend": ("allocation-primary-tcp", "turn-backup-udp"),
    "primary": ("frontend", "turn-backup-udp"),
    "turn": ("frontend", "signaling"),
    "certificate": ("frontend", "turn-backup-udp"),
}
# A check that is to miss its deadline has a short one. What only the end of a phase shows is
# waited for, by seconds for each kind. Any other check has all the time that a busy machine needs.
MISSED = 2.0
PHASES_END = ("hairpin_failed", "relay_unreachable")
PHASED = {"call": 9.0, "turn": 6.0, "crossing": 6.0}
AMPLE = 120.0


def timed(check: Check, case: Case) -> Check:
    """The check with the deadline that the case expects of it."""
    cause, seconds = case.turns.get(check.name, ""), AMPLE
    if cause.endswith("deadline"):
        seconds = MISSED
    elif cause.endswith(PHASES_END):
        seconds = PHASED[check.kind.name]
    elif check.name.endswith("-issued") and any("deadline" in each for each in case.turns.values()):
        seconds = 20.0  # one of its URLs is silent
    return replace(check, table=check.table.model_copy(update={"deadline": seconds}))


def names_of(case: Case) -> Iterable[str]:
    """The checks that a case runs."""
    if case.only:
        return (case.only,)
    part = case.knob.partition(".")[0]
    return {*case.turns, *TOUCHED[part], *CONTROLS[part]}


async def watch(lab: Lab, case: Case) -> Report:
    """One run against the lab."""
    environment = {name: value for name, value in lab.environment().items() if name != case.without}
    checks = load_settings(KINDS, environment, alone=True).plan.checks
    wanted = set(names_of(case))
    assert wanted <= {check.name for check in checks}
    plan = CheckPlan(tuple(timed(check, case) for check in checks if check.name in wanted))
    return await run_once(plan, OnceOptions(deadline=AMPLE), context=Context())


async def gathered() -> None:
    """Wait for aioice, which gathers for 5 s whatever becomes of the call; a server that went
    before would leave it an error that nobody takes."""
    mine = [task for task in asyncio.all_tasks() if "gather_candidates" in repr(task.get_coro())]
    if mine:
        await asyncio.wait(mine, timeout=10)


def turned(report: Report) -> dict[str, str]:
    """The cause of each check that isn't ok."""
    return {
        row.name: ("!" if row.result.status == "unknown" else "") + row.result.failure.cause
        for row in report.rows
        if row.result.failure is not None
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.knob}={case.value}")
async def test_a_knob_turns_exactly_the_checks_it_should(case: Case) -> None:
    async with Lab(certificate=case.certificate) as lab:
        if case.knob != "certificate":
            lab.set_knob(case.knob, case.value)
        report = await watch(lab, case)
        await gathered()
    found = turned(report)
    for name, cause in sorted(found.items()):
        print(f"{case.knob}={case.value:12} {name:18} {cause}")
    assert found == dict(case.turns)


def test_no_knob_is_left_out() -> None:
    named = {name.split(".")[1] for name, _, _ in Lab.knob_names()}
    walked = {case.knob.split(".")[1] for case in CASES if "." in case.knob}
    assert named == walked
