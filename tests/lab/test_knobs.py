"""Every knob of the lab fails the checks it should, with the cause it should, and no others.

Each case runs what its knob can touch, and two checks that it must not. Only a check that is
to miss its deadline has a short one: how fast the machine is decides nothing. The matrix is
printed: ``pytest tests/lab/test_knobs.py -s``.
"""

import asyncio
from collections.abc import Iterable, Sequence

import pytest
from msgspec.structs import replace

from probe.config.check_plan import CheckPlan
from probe.config.settings import load_settings
from probe.core.context import Context
from probe.core.kind import Check
from probe.kinds import KINDS
from probe.lab import Lab
from probe.once import OnceOptions, run_once
from probe.report.model import Report
from tests.lab.knob_cases import CASES, CONTROLS, TOUCHED, Case

# A check that is to miss its deadline has a short one. What only the end of a phase shows is
# waited for, by seconds for each kind. Any other check has all the time that a busy machine needs.
MISSED = 2.0


PHASES_END = ("hairpin_failed", "relay_unreachable")


PHASED = {"call": 9.0, "turn": 6.0, "crossing": 6.0}


AMPLE = 120.0


# A connection that closes is opened again for three quarters of a check's deadline.
REOPENED = 16.0


def timed(check: Check, case: Case) -> Check:
    """The check with the deadline that the case expects of it."""
    cause, seconds = case.turns.get(check.name, ""), AMPLE
    if cause.endswith("deadline"):
        seconds = MISSED
    elif cause.endswith(PHASES_END):
        seconds = PHASED[check.kind.name]
    elif cause == "connection_closed" and check.kind.name in ("signaling", "engineio"):
        seconds = REOPENED
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


async def turned_by(case: Case) -> dict[str, str]:
    """The cause of each check that a case's knob turns."""
    async with Lab(certificate=case.certificate) as lab:
        if case.knob != "certificate":
            lab.set_knob(case.knob, case.value)
        report = await watch(lab, case)
        await gathered()
    found = turned(report)
    for name, cause in sorted(found.items()):
        print(f"{named(case):40} {name:18} {cause}")
    return found


def named(case: Case) -> str:
    """As it is set, and without which variable."""
    return f"{case.knob}={case.value}" + (f" without {case.without}" if case.without else "")


# What a case takes is spent waiting, so several wait together, each for a lab of its own.
TOGETHER = 4
GROUPS = [CASES[first : first + TOGETHER] for first in range(0, len(CASES), TOGETHER)]


@pytest.mark.parametrize("cases", GROUPS, ids=lambda cases: " ".join(map(named, cases)))
async def test_a_knob_turns_exactly_the_checks_it_should(cases: Sequence[Case]) -> None:
    found = await asyncio.gather(*map(turned_by, cases))
    expected = {named(case): dict(case.turns) for case in cases}
    assert dict(zip(expected, found, strict=True)) == expected


def test_no_knob_is_left_out() -> None:
    named = {name.split(".")[1] for name, _, _ in Lab.knob_names()}
    walked = {case.knob.split(".")[1] for case in CASES if "." in case.knob}
    assert named == walked
