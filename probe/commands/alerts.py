"""``probe alerts``: list alerts, manage silences, send a test notification.

Reads and writes the file that the daemon keeps in PROBE_DATA, also while it runs.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import click

from alerts.model import Message, MessageType, NotifyError, Severity
from alerts.notifier import Notifier
from alerts.outbox.outbox import Outbox
from alerts.silence.maintenance_window import active, upcoming
from alerts.silence.matcher import about
from alerts.state.alert_store import AlertStore
from probe.commands.incidents.alert_listing import list_alerts
from probe.commands.incidents.client import ClientError, client_for
from probe.commands.settings_loading import print_problems, read_own_environment, settings_for
from probe.commands.terminal import print_section
from probe.config.settings import Settings
from probe.core.environment import ConfigProblem, ConfigurationError
from probe.core.model import Unit
from probe.exit_codes import OUTPUT_ERROR, USAGE_ERROR
from probe.report.text import units
from probe.storage.json_codec import CodecError


def _firing(outbox_states: Mapping[str, str], region: str) -> list[str]:
    """The firing alerts, one line each, from the daemon's store."""
    store = AlertStore(region)
    store.restore(outbox_states)
    now = time.time()
    return [
        f"{alert.severity.value:9} {alert.identity}  for {_lasting(now - alert.since)}: "
        f"{alert.summary}"
        for alert in store.firing
    ]


def show(options: Mapping[str, Any]) -> int:
    """Alerts, silences, maintenance windows, pending and failed notifications: of PROBE_DATA, or,
    where that is not set, of the daemon on this machine."""
    try:
        own = read_own_environment(options)
        if own.data is None:
            return asyncio.run(list_alerts(client_for(own, "")))
    except ConfigurationError as error:
        print_problems(error)
        return USAGE_ERROR
    except ClientError as error:
        if not error.is_absent:
            click.echo(f"probe: {error}", err=True)
            return OUTPUT_ERROR
    return _with_outbox(options, _show)


def test(options: Mapping[str, Any], names: Sequence[str]) -> int:
    """Send a test notification through notifiers, and resolve it; 74 if one is not delivered."""
    try:
        notifiers = settings_for(options).alerting.notifiers
        unknown = [name for name in names if name not in notifiers]
        if not notifiers:
            problem = "there is none: set SLACK_WEBHOOK, PAGERDUTY_ROUTING_KEY or another one"
            raise ConfigurationError([ConfigProblem("notifiers", problem)])
        if unknown:
            known = ", ".join(notifiers)
            raise ConfigurationError(
                ConfigProblem(f"notifier {name}", f"is not configured; there are: {known}")
                for name in unknown
            )
    except ConfigurationError as error:
        print_problems(error)
        return USAGE_ERROR
    chosen = [notifiers[name] for name in names or notifiers]
    delivered = [asyncio.run(_try(notifier)) for notifier in chosen]
    return 0 if all(delivered) else OUTPUT_ERROR


async def _try(notifier: Notifier) -> bool:
    """Fire and resolve, as an incident of its own."""
    now = time.time()
    key = f"test {secrets.token_hex(4)}"
    memory: Mapping[str, str] = {}
    for occasion in (MessageType.FIRING, MessageType.RESOLVED):
        message = Message(
            key=key,
            occasion=occasion,
            severity=Severity.CRITICAL,
            title="Test notification: nothing is wrong",
            at=now,
            since=now,
            region="test",
            test=True,
        )
        try:
            memory = await notifier.send(message, memory)
        except NotifyError as error:
            click.echo(f"{notifier.name}: {occasion.value} not delivered: {error.reason}", err=True)
            return False
    click.echo(f"{notifier.name}: delivered; resolve delivered")
    return True


async def _show(outbox: Outbox, settings: Settings) -> int:
    now = time.time()
    lines = _firing(await outbox.states(), settings.region)
    print_section("Alerts", lines)
    windows = settings.alerting.windows
    print_section(
        "Silences",
        [
            f"{each.name}  {about(each.matches)} until {_moment(each.end)}, "
            f"by {each.author}: {each.reason}"
            for each in await outbox.silences(now)
        ],
    )
    print_section(
        "Maintenance",
        [
            f"{each.name}  {_moment(each.start)} to {_moment(each.end)}: {each.reason}"
            for each in (*active(windows, now), *upcoming(windows, now))
        ],
    )
    print_section(
        "Pending notifications",
        [
            f"{each.notifier}: {each.message.title} ({each.attempts} attempts"
            + (f", {each.error})" if each.error else ")")
            for each in await outbox.waiting()
        ],
    )
    print_section(
        "Failed notifications",
        [f"{each.notifier}: {each.message.title}: {each.error}" for each in await outbox.refused()],
    )
    return 0


Work = Callable[[Outbox, Settings], Awaitable[int]]


def _with_outbox(options: Mapping[str, Any], work: Work) -> int:
    try:
        return asyncio.run(_open_and(settings_for(options), work))
    except ConfigurationError as error:
        print_problems(error)
        return USAGE_ERROR
    except CodecError as error:
        click.echo(f"probe: {error}", err=True)
        return OUTPUT_ERROR


async def _open_and(settings: Settings, work: Work) -> int:
    folder = settings.service.data
    if folder is None:
        problem = "is not set: alerts and silences are kept in its directory"
        raise ConfigurationError([ConfigProblem("PROBE_DATA", problem)])
    outbox = await Outbox.open(folder)
    try:
        if outbox.state.problem:
            raise ConfigurationError([ConfigProblem("PROBE_DATA", outbox.state.problem)])
        return await work(outbox, settings)
    finally:
        await outbox.close()


def _moment(seconds: float) -> str:
    return units.show(seconds, Unit.TIMESTAMP)


def _lasting(seconds: float) -> str:
    return units.show(max(seconds, 0.0), Unit.SECONDS)
