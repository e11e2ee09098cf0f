"""``probe load``: states the budget, runs the load, reports it, and returns the exit code."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import click
from msgspec import Struct
from msgspec.structs import replace

from probe.commands.load.interruption import until_signal
from probe.commands.load.options import LoadOptions, check_output, limit_of, plan_of
from probe.commands.load.output import write
from probe.commands.load.progress import line, shown_progress
from probe.commands.load.shared import check_address, initiate, join, stop_all
from probe.commands.load.worker import command, share_documents
from probe.commands.settings_loading import print_problems, settings_for
from probe.config.settings import Settings
from probe.core.context import Context
from probe.core.environment import ConfigProblem, ConfigurationError
from probe.core.model import Verdict
from probe.diagnostics.redact import Redactor
from probe.exit_codes import INTERRUPTED, OUTPUT_ERROR, USAGE_ERROR
from probe.load.distributed.redis_shares import SharedLoad
from probe.load.distributed.redis_worker import ShareWorker
from probe.load.distributed.workers import WorkerPool, WorkersFailed
from probe.load.generator import Generator, LoadRequest
from probe.load.limits import limits_met
from probe.load.measurement.statistics import LoadStatistics
from probe.load.report.texts import plan_text, spending_text
from probe.load.result import LoadResult
from probe.load.safety import CONFIRMATION, refusal
from probe.load.target import LoadTarget, target_of
from probe.load.verdict import evaluate, verdict_of
from probe.untrusted.text import redacting

__all__ = ["LoadOptions", "run"]

MISSED, NOT_DECIDED = 2, 3
_EXIT_CODES = {
    Verdict.OK: 0,
    Verdict.OBJECTIVE_MISSED: MISSED,
    Verdict.UNKNOWN: NOT_DECIDED,
}


class _Prepared(Struct, frozen=True):
    """A load that may begin: what is configured, and how workers find the same."""

    settings: Settings
    request: LoadRequest
    options: Mapping[str, Any]
    chosen: LoadOptions
    lab: Mapping[str, str] | None


_RunMode = Callable[[_Prepared], Awaitable[tuple[LoadStatistics, tuple[str, ...]]]]


def run(options: Mapping[str, Any], chosen: LoadOptions) -> int:
    """Run and report; returns the exit code."""
    try:
        check_output(chosen.output)
        result = asyncio.run(_run(options, chosen))
    except ConfigurationError as error:
        print_problems(error)
        return USAGE_ERROR
    except WorkersFailed as error:
        click.echo(f"probe: no worker could start: {error}", err=True)
        return NOT_DECIDED
    except (KeyboardInterrupt, asyncio.CancelledError):
        click.echo("probe: interrupted", err=True)
        return INTERRUPTED
    written = write(result, chosen.format_, chosen.output)
    if result.interrupted:
        return INTERRUPTED
    return _EXIT_CODES[result.verdict] if written else OUTPUT_ERROR


async def _run(options: Mapping[str, Any], chosen: LoadOptions) -> LoadResult:
    if not options["lab"]:
        return await _run_on(options, chosen, None)
    from probe.lab import Lab

    async with Lab() as lab:
        return await _run_on(options, chosen, lab.environment())


async def _run_on(
    options: Mapping[str, Any], chosen: LoadOptions, lab: Mapping[str, str] | None
) -> LoadResult:
    settings = settings_for(options, lab)
    logging.basicConfig(level=settings.log_level, format="%(levelname)s %(name)s: %(message)s")
    for noisy in ("aioice", "aiortc", "asyncio"):
        logging.getLogger(noisy).setLevel(max(settings.log_level, logging.WARNING))
    plan = plan_of(chosen)
    target = target_of(settings.plan, plan)
    limit = limit_of(chosen, plan, minted=target.minted)
    request = LoadRequest(plan, target, limit, owns_target=chosen.owned)
    if not chosen.owned and (reason := await refusal(plan, _address(target))):
        message = f"{reason}: add it if the target is yours and may be put under load"
        raise ConfigurationError([ConfigProblem(CONFIRMATION, message)])
    prepared = _Prepared(settings, request, options, chosen, lab)
    if chosen.coordinator is not None:
        check_address(chosen.coordinator, settings)
    if chosen.join:
        return await _joined(prepared)
    _announce(prepared)
    started = datetime.now(UTC)
    with redacting(Redactor(settings.secrets).clean):
        found, lost = await _run_mode(chosen)(prepared)
    return _conclude(prepared, found, lost, started)


def _run_mode(chosen: LoadOptions) -> _RunMode:
    if chosen.coordinator is not None:
        return _distributed
    return _alone if chosen.workers == 1 else _shared


def _address(target: LoadTarget) -> str:
    return target.signaling.url.get_secret_value()


def _announce(prepared: _Prepared) -> None:
    """The plan, its budget and the limits that it meets, before anything is sent."""
    request = prepared.request
    lines = [
        f"load on {request.target.shown}: {plan_text(request.plan)}",
        f"budget, never exceeded: {spending_text(request.limit)}",
        *(f"limit of the target: {each}" for each in _limits_met(request)),
    ]
    for each in lines:
        click.echo(f"probe: {each}", err=True)


def _limits_met(request: LoadRequest) -> tuple[str, ...]:
    return limits_met(request.plan, request.target, request.limit)


async def _alone(prepared: _Prepared) -> tuple[LoadStatistics, tuple[str, ...]]:
    """In this process."""
    context = Context(redact=Redactor(prepared.settings.secrets).clean)
    generator = Generator(prepared.request, context)
    plan = prepared.request.plan

    def current() -> str:
        return line(generator.update(), generator.active, plan.duration)

    async with until_signal(lambda: generator.stop("interrupted")), shown_progress(current):
        found = await generator.run()
    if generator.refused:
        message = f"the backend issues {generator.refused}, which has a public address"
        raise ConfigurationError([ConfigProblem(CONFIRMATION, message)])
    return found, ()


async def _shared(prepared: _Prepared) -> tuple[LoadStatistics, tuple[str, ...]]:
    """In worker processes."""
    request, chosen = prepared.request, prepared.chosen
    pool = WorkerPool(command(), {**os.environ})
    documents = share_documents(request, chosen.workers, prepared.options, prepared.lab)
    tasks: set[asyncio.Task[None]] = set()

    def stop() -> None:
        tasks.add(asyncio.create_task(pool.stop()))

    def current() -> str:
        return line(pool.statistics(request.plan), request.plan.users, request.plan.duration)

    async with until_signal(stop), shown_progress(current):
        await pool.run(documents, request.plan)
    return pool.statistics(request.plan), pool.lost


async def _distributed(prepared: _Prepared) -> tuple[LoadStatistics, tuple[str, ...]]:
    """On the machines that join."""
    request, chosen = prepared.request, prepared.chosen
    assert chosen.coordinator is not None
    running: list[SharedLoad] = []
    tasks: set[asyncio.Task[None]] = set()
    command = "probe load --join --coordinator URL"
    click.echo(f"probe: waiting for {chosen.workers} to join: {command}", err=True)

    def current() -> str:
        found = running[0].statistics() if running else LoadStatistics(request.plan)
        return line(found, request.plan.users, request.plan.duration)

    def stop() -> None:
        tasks.add(asyncio.create_task(stop_all(running)))

    async with until_signal(stop), shown_progress(current):
        return await initiate(request, chosen.coordinator, chosen.workers, running)


async def _joined(prepared: _Prepared) -> LoadResult:
    """One share of a load that another machine has begun; its part is what is reported here."""
    chosen, started = prepared.chosen, datetime.now(UTC)
    assert chosen.coordinator is not None
    running: list[ShareWorker] = []
    tasks: set[asyncio.Task[None]] = set()
    click.echo("probe: waiting for a share", err=True)

    def stop() -> None:
        tasks.add(asyncio.create_task(stop_all(running)))

    with redacting(Redactor(prepared.settings.secrets).clean):
        async with until_signal(stop):
            worker, request = await join(
                prepared.settings, chosen.coordinator, owned=chosen.owned, running=running
            )
    generator = worker.generator
    if request is None or generator is None:
        reason = worker.problem or "no share was taken"
        raise ConfigurationError([ConfigProblem("--join", reason)])
    lost = (worker.problem,) if worker.problem else ()
    own = replace(prepared, request=request)
    return _conclude(own, generator.statistics, lost, started)


def _conclude(
    prepared: _Prepared, found: LoadStatistics, lost: tuple[str, ...], started: datetime
) -> LoadResult:
    request = prepared.request
    objectives = evaluate(found, request.target.objectives)
    verdict = verdict_of(objectives)
    if found.stopped_by == "stranger_matched":
        verdict = Verdict.OBJECTIVE_MISSED
    elif found.stopped_by == "coordinator_lost" and verdict is Verdict.OK:
        verdict = Verdict.UNKNOWN
    return LoadResult(
        plan=request.plan,
        target=request.target.shown,
        started_at=started,
        region=prepared.settings.region,
        version=version("paircam-probe"),
        limit=request.limit,
        statistics=found,
        objectives=objectives,
        verdict=verdict,
        limits_met=_limits_met(request),
        workers=prepared.chosen.workers,
        lost=lost,
        interrupted=found.stopped_by == "interrupted",
    )
