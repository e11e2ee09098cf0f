"""``probe watch``."""

import asyncio
import logging
import os
import resource
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import click

from probe.commands.gate.output import check_files, deliver
from probe.commands.gate.planning import gate_plan
from probe.commands.notifying import check_notify, notify
from probe.commands.settings_loading import print_problems, settings_for
from probe.commands.terminal import progress_line, rewrites_lines
from probe.config.settings import Settings
from probe.core.context import Context
from probe.core.environment import ConfigProblem, ConfigurationError
from probe.diagnostics.private_files import create_privately
from probe.diagnostics.redact import Redactor
from probe.exit_codes import INTERRUPTED, TERMINATED, USAGE_ERROR
from probe.gate.markers import markers_of
from probe.gate.progress import ProgressStore, UnreadableProgress, WatchClocks, WatchProgress
from probe.gate.sources import DaemonHistory, OwnChecks, RowSource
from probe.gate.watch import Watch, WatchListener
from probe.gate.window import WindowJudge
from probe.history import History
from probe.history.reading import HistoryFile, NoHistory
from probe.report.ci.chat import of_gate
from probe.report.gate.model import Decision, GateReport, GateVerdict, GateWindow, ObjectiveRow
from probe.report.gate.phrases import VERDICTS
from probe.report.text.time_format import duration
from probe.storage.lock import FolderInUse, FolderLock

LOG_INTERVAL_SECONDS = 600.0


def run(options: Mapping[str, Any], params: Mapping[str, Any]) -> int:
    """Watch and report; returns the exit code."""
    create_privately()
    try:
        check_files(params["files"])
        slack = check_notify(options) if params["notify"] else None
        report, code = asyncio.run(_run(options, params))
    except ConfigurationError as error:
        print_problems(error)
        return USAGE_ERROR
    if report is None:
        return code
    if slack is not None:
        notify(slack, of_gate(report))
    written = deliver(report, params["report_format"], params["files"])
    return code or written


async def _run(
    options: Mapping[str, Any], params: Mapping[str, Any]
) -> tuple[GateReport | None, int]:
    async with AsyncExitStack() as stack:
        environment = None
        if options["lab"]:
            from probe.lab import Lab

            environment = (await stack.enter_async_context(Lab())).environment()
        settings = settings_for(options, environment)
        logging.basicConfig(level=settings.log_level, format="%(levelname)s %(name)s: %(message)s")
        for noisy in ("aioice", "aiortc", "asyncio"):
            logging.getLogger(noisy).setLevel(max(settings.log_level, logging.WARNING))
        watch, message = await _prepare(settings, options, params, stack)
        click.echo(f"probe: {message}", err=True)
        return await _until_over(watch)


async def _until_over(watch: Watch) -> tuple[GateReport | None, int]:
    """The report and 0; what there is of it and 130 or 143 if it is interrupted."""
    task = asyncio.ensure_future(watch.run())
    ended: list[int] = []
    loop = asyncio.get_running_loop()
    for number, code in ((signal.SIGINT, INTERRUPTED), (signal.SIGTERM, TERMINATED)):
        loop.add_signal_handler(number, _end, task, ended, code)
    try:
        return await task, 0
    except asyncio.CancelledError:
        if not ended:
            raise
        watch.progress_store.tick(watch.progress)
        watch.progress_store.save(watch.progress)
        if watch.progress_store.is_stored:
            click.echo("probe: interrupted: the same command continues the watch", err=True)
        return watch.report(), ended[0]


def _end(task: "asyncio.Future[GateReport]", ended: list[int], code: int) -> None:
    ended.append(code)
    task.cancel()


async def _prepare(
    settings: Settings,
    options: Mapping[str, Any],
    params: Mapping[str, Any],
    stack: AsyncExitStack,
) -> tuple[Watch, str]:
    """The watch, and what it does in a sentence."""
    folder, clocks = settings.service.data, WatchClocks()
    plan = gate_plan(settings, params["confidence"], partial=bool(options["only"]))
    progress_store = ProgressStore(folder, clocks)
    follows = _lock(folder, stack)
    history = HistoryFile(folder) if folder is not None else None
    newest = _newest_id(history)
    progress, resumed = _progress(progress_store, params, newest)
    judge = WindowJudge(plan, progress.started_at, progress.planned, sequential=params["fail_fast"])
    source: RowSource
    if follows and history is not None:
        source, doing = DaemonHistory(history, progress.first_id), f"following {follows}"
    else:
        context = Context(redact=Redactor(settings.secrets).clean, repeats=True)
        store = None
        if folder is not None:
            store = await History.open(folder)
            stack.push_async_callback(store.close)
        source, doing = OwnChecks(plan.checks, context, store), "running the checks itself"
    listener = WatchProgressLine(rewrites_lines(sys.stderr, os.environ))
    watch = Watch(
        judge,
        source,
        progress_store,
        progress,
        clocks,
        listener,
        params["fail_fast"],
        own_costs,
        lambda start, end: markers_of(history, start, end),
    )
    if resumed and not follows and history is not None:
        watch.replay(_stored(history, progress, newest))
    return watch, _state_text(progress, doing, resumed, folder)


def _state_text(progress: WatchProgress, doing: str, resumed: bool, folder: Path | None) -> str:
    left = duration(max(progress.planned - progress.elapsed, 0.0))
    text = f"watching for {duration(progress.planned)}, {doing}"
    if resumed:
        text = f"continuing the watch of {duration(progress.planned)}, {left} left, {doing}"
    if folder is None:
        text += "; PROBE_DATA is not set, so it can't be continued after an interruption"
    return text


def _lock(folder: Path | None, stack: AsyncExitStack) -> str:
    """Which daemon uses the folder; empty: none does, and now it is ours."""
    if folder is None:
        return ""
    lock = FolderLock(folder)
    try:
        lock.take()
    except FolderInUse as error:
        return f"the daemon's history ({error})"
    stack.callback(lock.release)
    return ""


def _newest_id(history: HistoryFile | None) -> int:
    if history is None or not history.exists:
        return 0
    try:
        return history.newest_id()
    except NoHistory as error:
        click.echo(f"probe: {error}", err=True)
        return 0


def _progress(
    progress_store: ProgressStore, params: Mapping[str, Any], newest: int
) -> tuple[WatchProgress, bool]:
    """A new watch, or the one that was interrupted. Raises ConfigurationError."""
    try:
        stored = None if params["new"] else progress_store.load()
    except UnreadableProgress as error:
        raise ConfigurationError([ConfigProblem("PROBE_DATA", str(error))]) from None
    if stored is None or stored.is_over:
        return progress_store.begin(params["seconds"], newest), False
    if stored.planned != params["seconds"]:
        problem = (
            f"a watch of {duration(stored.planned)} was interrupted: continue it with its own"
            " --for, or start over with --new"
        )
        raise ConfigurationError([ConfigProblem("--for", problem)])
    progress_store.resume(stored)
    return stored, True


def _stored(history: HistoryFile, progress: WatchProgress, newest: int) -> Sequence[Any]:
    """Rows of this watch from before the interruption."""
    if not history.exists:
        return ()
    try:
        if newest < progress.first_id:  # the file was replaced
            return list(history.between(progress.started_at, float("inf")))
        return [row for _, row in history.after(progress.first_id)]
    except NoHistory as error:
        click.echo(f"probe: {error}", err=True)
        return ()


def own_costs() -> dict[str, str]:
    """What this process itself used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {
        "CPU of the probe": f"{used.ru_utime + used.ru_stime:.1f} s",
        "memory of the probe": f"{peak / 1e6:.0f} MB",
    }


class WatchProgressLine(WatchListener):
    """One line that is rewritten on a terminal; elsewhere a line now and then, and for each change
    of the verdict."""

    def __init__(self, interactive: bool) -> None:
        self._interactive = interactive
        self._logged: tuple[str, ...] = ()
        self._logged_at = -LOG_INTERVAL_SECONDS

    def judged(
        self, window: GateWindow, rows: Sequence[ObjectiveRow], verdict: GateVerdict
    ) -> None:
        """Say how it goes."""
        missed = [row.name for row in rows if row.decision is Decision.MISSED]
        met = sum(row.decision is Decision.MET for row in rows)
        passed = f"{duration(window.elapsed)} of {duration(window.planned)}"
        text = f"{passed}: {VERDICTS[verdict].lower()}; {met} of {len(rows)} objectives are met"
        if missed:
            text += f", missed: {', '.join(missed)}"
        if self._interactive:
            click.echo(progress_line(text), err=True, nl=False)
            return
        summary = (verdict.value, *missed)
        if summary != self._logged or window.elapsed - self._logged_at >= LOG_INTERVAL_SECONDS:
            click.echo(f"probe: {text}", err=True)
            self._logged, self._logged_at = summary, window.elapsed

    def problem(self, text: str) -> None:
        """Say what is wrong."""
        click.echo(f"probe: {text}", err=True)
