"""``probe doctor``: examines configuration, machine and targets; returns the exit code."""

import asyncio
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import click

from alerts.notifiers import NOTIFIERS
from probe.commands.doctor import machine, rendering
from probe.commands.doctor.checklist import systems
from probe.commands.doctor.clock import clock_item, clock_readings
from probe.commands.doctor.findings import Examination, ServerClock, SystemItem, SystemState
from probe.commands.doctor.missing import missing_variables, not_monitored, variable_names
from probe.commands.settings_loading import configured_settings, variables_for
from probe.commands.terminal import print_report, style_for
from probe.config.check_plan import NOTHING_TO_CHECK, select
from probe.config.settings import Settings
from probe.core.context import Context
from probe.core.environment import ConfigurationError
from probe.core.kind import warnings_of
from probe.diagnostics.redact import Redactor
from probe.exit_codes import INTERRUPTED, OUTPUT_ERROR, USAGE_ERROR
from probe.kinds import KINDS
from probe.once import OnceOptions, run_once
from probe.report.text.units import plural

_EXIT_CODES = {SystemState.READY: 0, SystemState.NOT_READY: 2, SystemState.UNKNOWN: 3}


def run(options: Mapping[str, Any], *, offline: bool, as_json: bool) -> int:
    """Examine and print; returns the exit code."""
    try:
        found = asyncio.run(_run(options, offline=offline))
        code = _EXIT_CODES[found.verdict]
    except ConfigurationError as error:
        found, code = _wrong_configuration(error, offline=offline), USAGE_ERROR
    except KeyboardInterrupt:
        click.echo("probe: interrupted", err=True)
        return INTERRUPTED
    if as_json:
        text = rendering.as_json(found)
    else:
        text = rendering.as_text(found, style_for(sys.stdout, os.environ))
    return code if print_report(text) else OUTPUT_ERROR


async def _run(options: Mapping[str, Any], *, offline: bool) -> Examination:
    if not options["lab"]:
        return await _examine(options, None, offline=offline)
    from probe.lab import Lab

    async with Lab() as lab:
        return await _examine(options, lab.environment(), offline=offline)


async def _examine(
    options: Mapping[str, Any], lab: Mapping[str, str] | None, *, offline: bool
) -> Examination:
    settings = configured_settings(options, lab)
    if settings.plan.checks:
        plan = select(settings.plan, options["only"], options["require"], once=True)
        settings = replace(settings, plan=plan)
    variables = variables_for(options, variable_names(KINDS, NOTIFIERS), lab)
    items = [SystemItem("configuration", *_configuration(settings)), machine.network()]
    clocks: list[ServerClock] = []
    if not offline and settings.plan.checks:
        live, clocks = await _live(settings, options)
        items += live
    items += [machine.data_folder(settings), machine.notification_receivers(settings)]
    monitored: dict[str, list[str]] = {}
    for check in settings.plan.checks:
        monitored.setdefault(check.kind.name, []).append(check.name)
    return Examination(
        items=items,
        monitored=monitored,
        not_monitored=not_monitored(settings.plan),
        missing=missing_variables(variables, KINDS, NOTIFIERS),
        clocks=clocks,
        versions=machine.versions(),
        offline=offline,
    )


def _configuration(settings: Settings) -> tuple[SystemState, str]:
    """Whether there is anything to check, and what was warned of."""
    count = len(settings.plan.checks)
    if not count:
        return SystemState.NOT_READY, NOTHING_TO_CHECK
    warnings = [*settings.warnings, *warnings_of(settings.plan.checks)]
    text = f"valid, {plural(count, 'check')}"
    if warnings:
        return SystemState.ATTENTION, f"{text}; {plural(len(warnings), 'warning')}: {warnings[0]}"
    return SystemState.READY, text


async def _live(
    settings: Settings, options: Mapping[str, Any]
) -> tuple[list[SystemItem], list[ServerClock]]:
    """Every check once, and the servers' clocks after it: no check waits for the doctor."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    for noisy in ("aioice", "aiortc", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    context = Context(redact=Redactor(settings.secrets).clean)
    once = OnceOptions(deadline=options["deadline"], region=settings.region)
    report = await run_once(settings.plan, once, context=context)
    clocks = await clock_readings(settings.plan, context)
    items = systems(report)
    return ([*items, clock_item(clocks)] if _has_pages(settings) else items), clocks


def _has_pages(settings: Settings) -> bool:
    return any(check.kind.name == "http" for check in settings.plan.checks)


def _wrong_configuration(error: ConfigurationError, *, offline: bool) -> Examination:
    """The mistakes alone: with them nothing is known of what would be monitored."""
    items = [
        SystemItem("configuration", SystemState.NOT_READY, str(problem))
        for problem in error.problems
    ]
    return Examination(
        items=[*items, machine.network()], versions=machine.versions(), offline=offline
    )
