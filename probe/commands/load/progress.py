"""One line on stderr that is rewritten every second, on a terminal only."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import click

from probe.commands.terminal import progress_line, rewrites_lines
from probe.core.model import Unit
from probe.load.measurement.statistics import LoadStatistics
from probe.report.text.units import show

EVERY_SECONDS = 1.0


def line(found: LoadStatistics, active: int, duration: float) -> str:
    """``12/60 s · 10 users · 230 iterations · 0 failed · round_trip p95 12 ms``."""
    parts = [
        f"{found.elapsed:.0f}/{duration:.0f} s",
        f"{active} users",
        f"{found.completed:,} iterations",
        f"{sum(count for key, count in found.errors.items() if key.measured):,} failed",
    ]
    step = found.steps.get("round_trip")
    p95 = step.latency.quantile(0.95) if step else None
    if p95 is not None:
        parts.append(f"round trip p95 {show(p95, Unit.SECONDS)}")
    return "probe: " + " · ".join(parts)


async def _show(current: Callable[[], str]) -> None:
    try:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            with suppress(OSError):
                click.echo(progress_line(current()), err=True, nl=False)
    finally:
        with suppress(OSError):
            click.echo(progress_line(""), err=True, nl=False)


@asynccontextmanager
async def shown_progress(current: Callable[[], str]) -> AsyncIterator[None]:
    """Show what ``current`` says while this is open, on a terminal alone; one that is gone is no
    failure."""
    if not rewrites_lines(sys.stderr, os.environ):
        yield
        return
    task = asyncio.create_task(_show(current))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
