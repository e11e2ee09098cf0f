"""``probe report``: a past window, from the daemon's history."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from probe.commands.gate.output import check_files, deliver
from probe.commands.gate.planning import gate_plan
from probe.commands.settings_loading import print_problems, settings_for
from probe.commands.silence.parameters import Duration
from probe.core.environment import ConfigProblem, ConfigurationError
from probe.exit_codes import USAGE_ERROR
from probe.gate.baseline.baseline_file import InvalidBaseline, read_baseline
from probe.gate.baseline.comparison import compare
from probe.gate.markers import markers_of
from probe.gate.window import GatePlan, WindowJudge, holds_of
from probe.history.reading import HistoryFile, NoHistory
from probe.report.gate.model import GateReport, MeasuredSeries
from probe.report.text.time_format import duration
from probe.report.text.units import plural

DEFAULT_SINCE = "24h"
MAX_OLDER = 10


def run(options: Mapping[str, Any], params: Mapping[str, Any]) -> int:
    """Report on a window; returns the exit code."""
    try:
        check_files(params["files"])
        settings = settings_for(options)
        folder = settings.service.data
        if folder is None:
            raise ConfigurationError(
                [ConfigProblem("PROBE_DATA", "is not set: the history is kept there")]
            )
        now = time.time()
        window = window_of(params["since"] or DEFAULT_SINCE, params["until"], now)
        plan = gate_plan(settings, params["confidence"], partial=bool(options["only"]))
        report = judged(plan, folder, *window)
        before = baseline_of(plan, folder, params, now)
        if before is not None:
            report = replace(report, comparison=compare(before, report.series))
    except ConfigurationError as error:
        print_problems(error)
        return USAGE_ERROR
    return deliver(report, params["report_format"], params["files"])


def baseline_of(
    plan: GatePlan, folder: Path, params: Mapping[str, Any], now: float
) -> Sequence[MeasuredSeries] | None:
    """The series to compare with; None where none are asked for. Raises ConfigurationError."""
    path, window = params["baseline"], params["baseline_window"]
    if path is not None and window is not None:
        problem = "give either --baseline or --baseline-window"
        raise ConfigurationError([ConfigProblem("--baseline", problem)])
    if path is not None:
        try:
            return read_baseline(path)
        except InvalidBaseline as error:
            raise ConfigurationError([ConfigProblem(f"--baseline {path}", str(error))]) from None
    if window is None:
        return None
    since, slash, until = window.partition("/")
    if not slash:
        problem = "write begin and end with a slash between them"
        raise ConfigurationError([ConfigProblem("--baseline-window", problem)])
    start, end = (moment_of("--baseline-window", each, now) for each in (since, until))
    if end - start < 1:
        problem = "begins after its end"
        raise ConfigurationError([ConfigProblem("--baseline-window", problem)])
    return judged(plan, folder, start, end).series


def judged(plan: GatePlan, folder: Path, start: float, end: float) -> GateReport:
    """The report of a window. Raises ConfigurationError where there is no history."""
    history = HistoryFile(folder)
    judge = WindowJudge(plan, start, end - start)
    notes = []
    try:
        span = history.span()
        for row in history.between(start, end):
            judge.add(row)
        if span is None or judge.rows == 0:
            notes.append(f"the history has no results in this window{_span(span)}")
        elif span[0] > start + min(holds_of(plan.checks).values(), default=0.0):
            # Sooner is the first run of the check that runs most often.
            notes.append(f"the history begins within this window{_span(span)}")
        oldest = end if span is None else min(end, span[0])
        notes += older(plan, history, start, oldest) if oldest > start else []
    except NoHistory as error:
        raise ConfigurationError([ConfigProblem("PROBE_DATA", str(error))]) from None
    markers = markers_of(history, start, end)
    return judge.report(judge.window(end, end - start), notes=notes, markers=markers)


def older(plan: GatePlan, history: HistoryFile, start: float, end: float) -> list[str]:
    """What is known of a part of the window whose results are deleted: uptime, which decides
    nothing, as it has neither signals nor counts. Raises NoHistory."""
    uptime = history.uptime(start, end)
    known = [(check.name, uptime[check.name]) for check in plan.checks if check.name in uptime]
    known.sort(key=lambda each: -each[1].down)
    parts = [
        f"{name} was up {each.ratio:.3%} of {duration(each.measured)} (down {duration(each.down)})"
        for name, each in known
        if each.ratio is not None
    ]
    if not parts:
        return []
    more = f"; {plural(len(parts) - MAX_OLDER, 'more check')}" if len(parts) > MAX_OLDER else ""
    return [
        f"results are kept for 30 days, before {_written(end)} there are aggregates alone, which"
        f" decide nothing: {'; '.join(parts[:MAX_OLDER])}{more}"
    ]


def _written(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M} UTC"


def _span(span: tuple[float, float] | None) -> str:
    if span is None:
        return ""
    first, last = (datetime.fromtimestamp(each, UTC) for each in span)
    return f": it reaches from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"


def window_of(since: str, until: str | None, now: float) -> tuple[float, float]:
    """The begin and the end, in seconds since 1970. Raises ConfigurationError."""
    start = moment_of("--since", since, now)
    end = now if until is None else moment_of("--until", until, now)
    if end > now:
        raise ConfigurationError([ConfigProblem("--until", "is in the future")])
    if end - start < 1:
        raise ConfigurationError([ConfigProblem("--since", "is not before --until")])
    return start, end


def moment_of(option: str, text: str, now: float) -> float:
    """ISO 8601 (UTC without an offset), seconds since 1970, or a duration for so long ago; in
    seconds since 1970. Raises ConfigurationError."""
    try:
        return now - Duration().convert(text, None, None)
    except click.UsageError:
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        try:
            seconds = float(text)
        except ValueError:
            seconds = -1.0
        if 1e8 < seconds < 1e11:
            return seconds
        problem = f"'{text}' is not a time: write 2026-01-01T02:00Z, or 24h for 24 hours ago"
        raise ConfigurationError([ConfigProblem(option, problem)]) from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
