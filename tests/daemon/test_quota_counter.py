"""What watching takes is counted on across restarts, and told at the start where it is too much."""

import asyncio
import signal
from pathlib import Path

import pytest

from probe.budget.quota_usage import QuotaUsage
from probe.config.check_plan import make_plan
from probe.core.context import Context
from probe.core.environment import Variables
from probe.daemon.quota_counter import QuotaCounter
from probe.kinds import KINDS
from probe.kinds.budget import LEDGER
from tests.clocks import Clock
from tests.daemon.running import PATIENCE, Running, daemon
from tests.history.history_builders import keep, opened
from tests.history.period_builders import NOON, entry

# Nothing answers there, and a run takes all the same.
NOWHERE = {"BACKEND_URL": "http://backend.invalid", "JWT_SECRET": "x" * 32}
OFTEN = """
[[signaling]]
name = "signaling"
interval = 1
deadline = 0.9
[[budget]]
name = "budget-upstash"
interval = 1
"""
USED = 'probe_budget_used{check="budget-upstash"}'


async def _used(running: Running, least: float) -> float:
    """What the daemon says that it has taken, once that is so much."""
    async with asyncio.timeout(PATIENCE):
        while (found := (await running.metrics()).get(USED, 0.0)) < least:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return found


async def test_the_count_survives_a_kill(tmp_path: Path) -> None:
    environment = {**NOWHERE, "PROBE_DATA": str(tmp_path / "data")}
    only = ("--only", "signaling,budget")
    (tmp_path / "probe.toml").write_text(OFTEN)
    async with daemon(tmp_path, environment, *only) as running:
        before = await _used(running, 21)
        # History is written half a second behind.
        await _used(running, before + 14)
        await running.stop(signal.SIGKILL)
    (tmp_path / "probe.toml").write_text(OFTEN.replace("interval = 1\n", "interval = 3600\n"))
    async with daemon(tmp_path, environment, *only) as running:
        after = await _used(running, 1)
        assert after >= before
        assert after % 7 == 0


async def test_intervals_that_take_too_much_are_reported_at_the_start_and_on_the_page(
    tmp_path: Path,
) -> None:
    (tmp_path / "probe.toml").write_text(OFTEN)
    async with daemon(tmp_path, NOWHERE, "--only", "signaling,budget") as running:
        line = await running.said("watching would take 604,800 commands of upstash in a day")
        assert line["level"] == "warning"
        assert "an interval of 660 s for signaling would fit" in line["message"]
        await running.ready()
        notices = (await running.status())["notices"]
        assert any("604,800 commands" in notice["text"] for notice in notices)
        (row,) = (
            each for each in (await running.status())["checks"] if each["name"] == "budget-upstash"
        )
        assert row["verdict"] == "warning"


@pytest.mark.parametrize(("age", "expected"), [(3600.0, 700 + 3 * 7), (86400.0, 0)])
async def test_runs_after_the_last_count_are_added_and_a_new_day_starts_at_zero(
    tmp_path: Path, age: float, expected: float
) -> None:
    variables = {"BACKEND_URL": "https://paircam.live", "JWT_SECRET": "x" * 32}
    checks = make_plan(KINDS, Variables(variables), {}).checks
    context = Context(now=Clock(NOON))
    counted = NOON - age
    samples = (("probe_budget_used", (), 700.0),)
    kept = [
        entry(counted - 60, check="signaling"),
        entry(counted, check="budget-upstash", samples=samples),
        *(entry(counted + 60 * n, check="signaling") for n in (1, 2, 3)),
    ]
    async with opened(tmp_path) as history:
        await keep(history, kept)
        await QuotaCounter(context).restore(history, checks)
    ledger = context.get_or_create(LEDGER, QuotaUsage)
    assert ledger.used("upstash", "day", NOON) == expected
    assert ledger.since == NOON


async def test_a_history_without_a_count_begins_at_nothing(tmp_path: Path) -> None:
    checks = make_plan(KINDS, Variables(NOWHERE), {}).checks
    context = Context(now=Clock(NOON))
    async with opened(tmp_path) as history:
        await keep(history, [entry(NOON - 60, check="signaling")])
        await QuotaCounter(context).restore(history, checks)
    assert context.get_or_create(LEDGER, QuotaUsage).used("upstash", "day", NOON) == 0
