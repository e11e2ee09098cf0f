"""Is the backup in use? Concluded from real looks, in one run and again and again."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from probe.config.check_plan import CheckPlan, make_plan, select
from probe.core.context import Context
from probe.core.environment import Variables
from probe.core.model import Status, Verdict
from probe.core.recorder import Recorder
from probe.kinds import KINDS
from probe.kinds.fallback import BACKUP_IN_USE, backup_in_use
from probe.lab import Lab
from probe.once import OnceOptions, run_once
from probe.report.model import Report, ReportRow
from probe.turn_targets.last_allocations import AllocationResults
from tests.clocks import Clock, settle

T, F, U = True, False, None


@pytest.mark.parametrize(
    ("primary", "backup", "in_use"),
    [
        ([T, T], [T], False),
        ([F, T], [T], False),
        ([F, F], [T], True),
        ([F, F], [F, T], True),
        ([F], [F], False),
        ([T], [F], False),
        ([T], [U], False),
        ([U], [F], False),
        ([F, U], [T], None),
        ([U, U], [T], None),
        ([F], [U], None),
        ([F], [F, U], None),
        ([F], [T, U], True),
        ([U, T], [U], False),
        ([U], [U], None),
    ],
)
def test_it_is_in_use_when_every_primary_fails_while_a_backup_works(
    primary: Sequence[bool | None], backup: Sequence[bool | None], in_use: bool | None
) -> None:
    assert backup_in_use(primary, backup) is in_use


async def test_an_allocation_in_progress_is_awaited() -> None:
    looks = AllocationResults(Clock())
    waiting = asyncio.create_task(looks.idle(["a", "b"]))
    with looks.recording("a", Recorder()):
        waiting = asyncio.create_task(looks.idle(["a", "b"]))
        await settle()
        assert not waiting.done()
    await waiting
    assert looks.is_up("a", newer_than=1) is True
    assert looks.is_up("b", newer_than=1) is None


async def test_an_old_allocation_result_is_ignored() -> None:
    clock = Clock()
    looks = AllocationResults(clock)
    with looks.recording("a", Recorder()):
        pass
    clock.pass_(301)
    assert looks.is_up("a", newer_than=300) is None


@pytest.fixture
async def lab(leaks: None) -> AsyncIterator[Lab]:
    async with Lab() as started:
        yield started


def plan_of(lab: Lab) -> CheckPlan:
    plan = make_plan(KINDS, Variables(lab.environment()), {})
    return select(plan, ["allocation", "fallback"], [])


def row(report: Report) -> ReportRow:
    (found,) = [each for each in report.rows if each.name == "fallback"]
    return found


async def once(lab: Lab, context: Context | None = None) -> Report:
    return await run_once(plan_of(lab), OnceOptions(), context=context or Context())


def in_use(report: Report) -> float | None:
    found = [s for s in row(report).result.samples if s.signal is BACKUP_IN_USE]
    assert all(sample.labels == {"source": "probe"} for sample in found)
    return found[0].value if found else None


async def test_one_run_says_whether_users_are_on_the_backup(lab: Lab) -> None:
    context = Context()
    report = await once(lab, context)
    assert (in_use(report), report.verdict) == (0.0, Verdict.OK)
    lab.primary.knobs.error = 508
    report = await once(lab, context)
    assert (in_use(report), row(report).verdict) == (1.0, Verdict.WARNING)
    looks = {each.name: each.verdict for each in report.rows}
    assert looks["allocation-primary-udp"] is Verdict.WARNING
    lab.backup.knobs.error = 508
    report = await once(lab, context)
    # Nothing works, so nothing is in use: that is what the looks themselves say, gravely.
    assert (in_use(report), row(report).verdict) == (0.0, Verdict.OK)


async def test_a_relay_that_is_silent_is_waited_for_until_its_deadline(
    lab: Lab,
) -> None:
    plan = plan_of(lab)
    lab.primary.knobs.silent = True
    shortened = CheckPlan(
        tuple(
            type(check)(check.kind, check.table.model_copy(update={"deadline": 1.0}))
            if check.kind.name == "allocation"
            else check
            for check in plan.checks
        )
    )
    report = await run_once(shortened, OnceOptions(), context=Context())
    assert in_use(report) == 1.0


async def test_alone_it_has_no_data(lab: Lab) -> None:
    plan = select(plan_of(lab), ["fallback"], [])
    report = await run_once(plan, OnceOptions(deadline=2.0), context=Context())
    result = row(report).result
    assert result.status is Status.UNKNOWN
    assert result.failure is not None
    assert result.failure.cause == "no_data"
    assert in_use(report) is None


def planned(folder: Path, **variables: str) -> tuple[list[str], list[str]]:
    plan = make_plan(KINDS, Variables(variables), {}, folder / "probe.toml")
    names = [check.name for check in plan.checks if check.kind.name == "fallback"]
    return names, [skip.reason for skip in plan.skipped if skip.kind == "fallback"]


def test_it_is_planned_where_there_is_something_to_fall_back_to(tmp_path: Path) -> None:
    primary = {"TURN_URLS": "turn:a", "TURN_SHARED_SECRET": "s"}
    backup = {"TURN_BACKUP_URLS": "turn:b", "TURN_BACKUP_SHARED_SECRET": "s"}
    metered = {"METERED_APP": "app", "METERED_API_KEY": "k"}
    assert planned(tmp_path, **primary, **backup) == (["fallback"], [])
    assert planned(tmp_path, **primary, **metered) == (["fallback"], [])
    assert planned(tmp_path, **primary)[1] == [
        "TURN_BACKUP_URLS and METERED_API_KEY are not set: nothing to fall back to"
    ]
    assert planned(tmp_path, **backup) == (
        [],
        ["TURN_URLS is not set: nothing to fall back from"],
    )
