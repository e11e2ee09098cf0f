"""``probe check-config`` and ``probe list``: what would run, without running it."""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click
from msgspec.structs import asdict

from alerts.settings import receivers
from probe.budget.plans import DAY, Budget, consumers_by_plan, format_amount, terms_of
from probe.commands.settings_loading import print_problems, settings_for
from probe.commands.terminal import style_for
from probe.config.check_plan import CheckPlan
from probe.config.settings import Settings
from probe.core.environment import ConfigurationError
from probe.core.kind import Check, Kind, warnings_of
from probe.core.model import Signal
from probe.core.thresholds import signals_of, thresholds_of
from probe.daemon.serving.web_access import exposure_of, security_of
from probe.exit_codes import USAGE_ERROR
from probe.kinds import KINDS
from probe.kinds.budget import BudgetTable
from probe.net import proxies
from probe.report.text.check_list import (
    BudgetLine,
    CheckRow,
    KindLines,
    Listing,
    SourceRow,
    render,
)
from probe.report.text.skipped import by_reason


def _settings(options: Mapping[str, Any]) -> Settings:
    if not options["lab"]:
        return settings_for(options)
    return asyncio.run(_settings_of_lab(options))


async def _settings_of_lab(options: Mapping[str, Any]) -> Settings:
    from probe.lab import Lab

    async with Lab() as lab:
        return settings_for(options, lab.environment())


def check_config(options: Mapping[str, Any], *, probe: bool = False) -> int:
    """Report all errors (64) or what is configured (0). With ``probe``, whether each notifier
    would accept a notification: 1 if one would not."""
    try:
        settings = _settings(options)
        warning = exposure_of(settings.service, security_of(settings.service))
    except ConfigurationError as error:
        print_problems(error)
        return USAGE_ERROR
    plan = settings.plan
    names = ", ".join(check.name for check in plan.checks)
    count = "1 check" if len(plan.checks) == 1 else f"{len(plan.checks)} checks"
    if unwatched := _without_backend(plan):
        click.echo(unwatched)
    click.echo(f"Configuration is valid: {count} ({names}).")
    for line in receivers(settings.alerting):
        click.echo(f"{line[0].upper()}{line[1:]}.")
    service = (*filter(None, (warning,)), *settings.service.folder_warnings, *proxies.warnings())
    of_plan = (*warnings_of(plan.checks), *settings.warnings, *settings.discovered.problems)
    for warning in (*of_plan, *service):
        click.echo(f"Warning: {warning}{'' if warning.endswith('?') else '.'}")
    if proxied := proxies.proxies_text():
        click.echo(f"{proxied}.")
    for kinds, reason in by_reason((skip.kind, skip.reason) for skip in plan.skipped):
        click.echo(f"Skipped {kinds}: {reason}.")
    return _check_receivers(settings) if probe else 0


def _check_receivers(settings: Settings) -> int:
    from alerts.notifiers.verification import verify
    from alerts.senders.query import foreign_at

    found = asyncio.run(verify(settings.alerting.notifiers))
    labels = {True: "ok", False: "would not accept a notification", None: "unknown"}
    for each in found:
        click.echo(f"Notifier {each.name}: {labels[each.accepts]}: {each.text}.")
    if not found:
        click.echo("There is no notifier to ask.")
    if any(each.accepts is False for each in found):
        return 1
    groups = {check.table.alert_group for check in settings.plan.checks}
    peers = settings.service.peers.entries
    for foreign in asyncio.run(foreign_at(settings.alerting, peers, groups)):
        click.echo(f"Warning: {foreign.text}.")
    return 0


def _without_backend(plan: CheckPlan) -> str:
    """Which kinds don't run because the backend's address is not set."""
    kinds = [skip.kind for skip in plan.skipped if skip.reason.startswith("BACKEND_URL is not set")]
    if not kinds:
        return ""
    named = ", ".join(dict.fromkeys(kinds))
    return f"BACKEND_URL is not set: the backend is not monitored (no {named})."


def list_everything(options: Mapping[str, Any], *, series: bool = False) -> int:
    """Print checks, signals, thresholds, costs and what is skipped; or how many ``series`` the
    checks have on ``/metrics``."""
    try:
        settings = _settings(options)
    except ConfigurationError as error:
        print_problems(error)
        return USAGE_ERROR
    style = style_for(sys.stdout, os.environ)
    if series:
        from probe.metrics.series_count import series_of
        from probe.report.text import series_table

        rows = [
            series_table.SeriesRow(**asdict(each))
            for each in series_of(settings.plan.checks, settings.region)
        ]
        full = settings.service.full_metrics
        text = series_table.render(rows, full=full, width=style.width, colour=style.colour)
        click.echo(text, nl=False, color=True)
        return 0
    text = render(_listing(settings), width=style.width, colour=style.colour)
    click.echo(text, nl=False, color=True)
    return 0


def _listing(settings: Settings) -> Listing:
    plan = settings.plan
    used = {check.kind.name for check in plan.checks}
    return Listing(
        checks=tuple(_line(check) for check in plan.checks),
        kinds=tuple(
            KindLines(kind.name, kind.summary, kind.cost, _signals(kind, plan.checks))
            for kind in KINDS
            if kind.name in used
        ),
        skipped=tuple((skip.kind, skip.reason) for skip in plan.skipped),
        budgets=tuple(
            _budget(check.table.budget)
            for check in plan.checks
            if isinstance(check.table, BudgetTable)
        ),
        sources=_sources(plan.checks),
        warnings=(*settings.warnings, *warnings_of(plan.checks)),
    )


def _sources(checks: Sequence[Check]) -> tuple[SourceRow, ...]:
    """Signals that several kinds measure: on which limits are evaluated, and which are only
    shown."""
    checks_by_signal: dict[str, list[Check]] = {}
    for check in checks:
        for threshold in check.kind.thresholds:
            checks_by_signal.setdefault(threshold.signal.name, []).append(check)
    found = []
    for name, measuring in checks_by_signal.items():
        held = [check for check in measuring if _is_held(check, name)]
        kinds = {check.kind.name for check in held}
        shown = [check.name for check in measuring if held and check.kind.name not in kinds]
        if shown:
            found.append(SourceRow(name, tuple(check.name for check in held), tuple(shown)))
    return tuple(found)


def _is_held(check: Check, signal: str) -> bool:
    return any(threshold.signal.name == signal for threshold in thresholds_of(check))


def _budget(budget: Budget) -> BudgetLine:
    terms = budget.terms
    return BudgetLine(
        plan=budget.plan,
        month=format_amount(budget.per_month, terms.unit),
        period=f"{format_amount(budget.per_period, terms.unit)} a {terms.period}",
        allowed=f"{format_amount(terms.most, terms.unit)}, {terms.share * 100:g} % of the plan's",
        share=budget.per_period / terms.most,
        checks=tuple(drain.check for drain in budget.consumers),
    )


def _signals(kind: Kind[Any, Any], checks: Sequence[Check]) -> tuple[Signal, ...]:
    """The kind's signals, and those that checks of it have of their own."""
    own = [
        threshold.signal
        for check in checks
        if check.kind is kind
        for threshold in check.table.check_thresholds
    ]
    return (*signals_of(kind), *own)


def _line(check: Check) -> CheckRow:
    return CheckRow(
        name=check.name,
        kind=check.kind.name,
        target=check.table.target,
        interval=check.interval,
        deadline=check.table.deadline,
        severity=check.failing.severity if check.table.can_fail else None,
        partial=check.failing.severity_with_backup if check.table.backup_groups else None,
        hold=check.failing.hold,
        thresholds=thresholds_of(check),
        costs=_costs(check),
    )


def _costs(check: Check) -> tuple[str, ...]:
    """What a check uses of each quota in 30 days, if it were the only one."""
    return tuple(
        f"{plan} {format_amount(sum(drain.within(30 * DAY) for drain in consumers), terms.unit)}"
        for plan, consumers in consumers_by_plan([check]).items()
        if (terms := terms_of(plan)) is not None
    )
