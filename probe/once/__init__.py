"""One run of a plan: rounds, evaluation, report. The daemon uses the same runner and evaluation."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from msgspec import Struct

from alerts.evaluation.own_network import References
from alerts.evaluation.verdict import Judgement, judge
from probe.config.check_plan import CheckPlan, select_checks
from probe.core.causes import CONFIRMED, NOT_RETRYABLE
from probe.core.context import Context
from probe.core.kind import Check
from probe.core.model import Result, Status, Verdict
from probe.core.runner import preload, run_checks
from probe.report.model import Report, ReportRow, RetriedRow, SkippedRow

# Between two rounds of --wait: short against a deployment, long against rate limits.
PAUSE_SECONDS = 3.0
# Between two starts of a round, and until the last one: short against the slowest check.
START_GAP = 0.03
LAST_START = 0.6
# After the last result: how long allocations may take to be deleted.
DRAIN_SECONDS = 1.5


class OnceOptions(Struct, frozen=True):
    """How a one-shot run behaves; see the command line's contract."""

    fail_on: str = "critical"
    deadline: float = 60.0
    wait: float = 0.0
    must_measure: tuple[str, ...] = ()
    region: str = "local"


class ProgressListener:
    """Receives the progress of a run; the methods do nothing unless overridden."""

    def round_begins(self, checks: Sequence[Check]) -> None:
        """A round of checks starts."""

    def result(self, result: Result) -> None:
        """A check is done."""

    def waiting(self, failing: Sequence[Result], seconds: float) -> None:
        """Another round follows after ``seconds``, because of these."""

    def giving_up(self, final: Sequence[Result]) -> None:
        """No further round: these will not recover by waiting."""


def probe_version() -> str:
    """The installed version."""
    try:
        return version("paircam-probe")
    except PackageNotFoundError:
        return "0+unknown"


async def run_once(
    plan: CheckPlan,
    options: OnceOptions,
    *,
    context: Context,
    listener: ProgressListener | None = None,
) -> Report:
    """Run every check of the plan once (with ``wait``: until all pass) and report."""
    listener = listener or ProgressListener()
    preload(plan.checks)
    started, started_at = context.clock(), datetime.fromtimestamp(context.now(), UTC)
    retried: dict[str, RetriedRow] = {}
    must = {check.name for name in options.must_measure for check in select_checks(plan, name)}
    try:
        results = _with_references(
            plan.checks, await _rounds(plan, options, must, context, listener, retried)
        )
        duration = context.clock() - started
    finally:
        await context.closing.drain(timeout=DRAIN_SECONDS)
    judgement = judge(plan.checks, results, must)
    return Report(
        verdict=judgement.verdict,
        exit_code=exit_code(judgement.verdict, options.fail_on),
        started_at=started_at,
        duration=duration,
        region=options.region,
        version=probe_version(),
        rows=tuple(_row(check, results, judgement) for check in plan.checks),
        evaluations=judgement.evaluations,
        skipped=tuple(SkippedRow(skip.kind, skip.reason) for skip in plan.skipped),
        retried=tuple(retried.values()),
    )


def exit_code(verdict: Verdict, fail_on: str) -> int:
    """The process' exit code for a run's verdict."""
    if fail_on == "never":
        return 0
    codes = {Verdict.CRITICAL: 2, Verdict.UNKNOWN: 3}
    if fail_on == "warning":
        codes[Verdict.WARNING] = 1
    return codes.get(verdict, 0)


async def _rounds(
    plan: CheckPlan,
    options: OnceOptions,
    must: set[str],
    context: Context,
    listener: ProgressListener,
    retried: dict[str, RetriedRow],
) -> dict[str, Result]:
    """Repeat the checks that do not pass until they do, then run all of them once more.

    The last round matters during a deployment: what passed in the first round may have been the old
    machine.
    """
    until = context.clock() + options.wait
    results = await _round(plan.checks, options, context, listener)
    complete = True
    last_failures: dict[str, Result] = {}
    while True:
        bad = _failing(plan.checks, results, must, options.fail_on)
        if not bad and complete:
            return results
        final = [result for result in bad if _is_final(result, last_failures.get(result.check))]
        last_failures |= {result.check: result for result in bad}
        if final and options.wait:
            listener.giving_up(final)
        left = until - context.clock()
        if bad and (final or left <= 0):
            return results
        if bad:
            pause = min(PAUSE_SECONDS, left)
            listener.waiting(bad, pause)
            _note_retries(retried, bad)
            await asyncio.sleep(pause)
        names = {result.check for result in bad}
        again = [check for check in plan.checks if check.name in names] or list(plan.checks)
        complete = not bad
        results |= await _round(again, options, context, listener)


def _note_retries(retried: dict[str, RetriedRow], bad: Sequence[Result]) -> None:
    """What passes at last is not what passed at once: a report says so."""
    for result in bad:
        before = retried.get(result.check)
        retried[result.check] = RetriedRow(before.rounds + 1 if before else 1, result)


def _with_references(checks: Sequence[Check], results: Mapping[str, Result]) -> dict[str, Result]:
    """A failure while every reference fails counts as not measured."""
    references = References()
    references.set_checks(checks)
    for name in references.names:
        references.update(results[name])
    return {name: references.update(result) for name, result in results.items()}


async def _round(
    checks: Sequence[Check], options: OnceOptions, context: Context, listener: ProgressListener
) -> dict[str, Result]:
    listener.round_begins(checks)
    found: dict[str, Result] = {}
    gap = min(START_GAP, LAST_START / len(checks))
    async for result in run_checks(checks, context, deadline=options.deadline, gap=gap):
        found[result.check] = result
        listener.result(result)
    return found


def _failing(
    checks: Sequence[Check], results: Mapping[str, Result], must: Iterable[str], fail_on: str
) -> list[Result]:
    """The results that keep a run from passing, in the order of the plan."""
    judgement = judge(checks, results, must)
    bad = {Verdict.CRITICAL, Verdict.UNKNOWN}
    if fail_on == "warning":
        bad.add(Verdict.WARNING)
    if judgement.verdict not in bad:
        return []
    return [results[check.name] for check in checks if judgement.checks[check.name] in bad]


def _is_final(result: Result, before: Result | None) -> bool:
    """Whether waiting can't help: confirmed within the run, or by a second run."""
    failure = result.failure
    if failure is None:
        return False
    if failure.cause in CONFIRMED:
        return True
    earlier = before.failure.cause if before is not None and before.failure is not None else None
    failed = result.status is Status.FAILED
    return failed and failure.cause in NOT_RETRYABLE and failure.cause is earlier


def _row(check: Check, results: Mapping[str, Result], judgement: Judgement) -> ReportRow:
    return ReportRow(
        name=check.name,
        kind=check.kind.name,
        target=check.table.target,
        labels=check.table.labels,
        result=results[check.name],
        verdict=judgement.checks[check.name],
        headline=tuple(signal for signal in check.signals if signal.column),
    )
