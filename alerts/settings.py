"""The configuration of alerting from variables and ``probe.toml``."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from alerts.config import AlertingConfig
from alerts.model import Severity
from alerts.notifier import Notifier, WithWarnings
from alerts.notifiers import NOTIFIERS
from alerts.notifiers.base import NotifierKind
from probe.core.environment import (
    ConfigProblem,
    ConfigurationError,
    Environment,
    Variables,
    read_environment,
)
from probe.net.urls import split_urls

if TYPE_CHECKING:
    from alerts.notification.route import Route, RouteTable
    from alerts.silence.window_table import WindowTable

Tables = Mapping[str, Sequence[Mapping[str, Any]]]


def read_alerting(
    variables: Variables, tables: Tables, path: Path
) -> tuple[AlertingConfig, list[ConfigProblem]]:
    """The configuration of alerting, without region and addresses, and all errors."""
    notifiers: dict[str, Notifier] = {}
    routes: list[Route] = []
    secrets: set[str] = set()
    problems: list[ConfigProblem] = []
    for each in NOTIFIERS:
        try:
            environment = read_environment(each.environment, variables)
        except ConfigurationError as error:
            problems += error.problems
            continue
        secrets |= set(_secrets_of(environment))
        made = each.make(environment)
        if made is not None:
            notifiers[each.name] = made
            routes.append(_route_to(each, made))
    windows, wrong_windows = _windows(tables.get("maintenance", ()), path)
    own, wrong_routes = _own_routes(tables.get("route", ()), path)
    plan = AlertingConfig("", notifiers, routes, own, windows, secrets=frozenset(secrets))
    return plan, [*problems, *wrong_windows, *wrong_routes]


def _windows(
    entries: Sequence[Mapping[str, Any]], path: Path
) -> "tuple[Sequence[WindowTable], list[ConfigProblem]]":
    if not entries:
        return (), []
    from alerts.silence.window_table import read_windows

    return read_windows(entries, path)


def _own_routes(
    entries: Sequence[Mapping[str, Any]], path: Path
) -> "tuple[Sequence[RouteTable], list[ConfigProblem]]":
    if not entries:
        return (), []
    from alerts.notification.route import read_routes

    return read_routes(entries, [each.name for each in NOTIFIERS], path)


def alerting_warnings(config: AlertingConfig) -> tuple[str, ...]:
    """Warnings about alerting without any notifier, and of the notifiers."""
    if config.notifiers:
        found = (each for each in config.notifiers.values() if isinstance(each, WithWarnings))
        return tuple(warning for each in found for warning in each.warnings)
    names = ", ".join(each.name for each in NOTIFIERS)
    text = "no notifier is configured: alerts appear only on the status page"
    return (f"{text} (there are {names})",)


def receivers(config: AlertingConfig) -> tuple[str, ...]:
    """One line for each severity: which notifiers its alerts go to, routes of one's own apart."""
    lines = []
    for severity in sorted(Severity, key=lambda each: each is not Severity.CRITICAL):
        names = [route.name for route in config.routes if severity in route.severities]
        lines.append(f"{severity.value} alerts: {', '.join(names) or 'not routed to any notifier'}")
    for place, table in enumerate(config.own_routes, 1):
        about = ", ".join(table.matches) or "every check"
        severities = " and ".join(sorted(table.severities)) or "all"
        names = [name for name in table.notify if name in config.notifiers]
        to = ", ".join(names) or "not routed to any notifier"
        lines.append(f"[[route]] entry {place}, {severities} alerts of {about}: {to}")
    return tuple(lines)


def _route_to(kind: NotifierKind[Any], made: Notifier) -> "Route":
    from alerts.notification.route import REPEAT_INTERVAL_SECONDS, Route

    if made.resend_seconds is None:
        return Route(kind.name, kind.severities, REPEAT_INTERVAL_SECONDS, kind.deduplicates)
    return Route(
        kind.name,
        kind.severities,
        made.resend_seconds,
        kind.deduplicates,
        group_wait=0.0,
        group_interval=0.0,
        resends=True,
    )


def _secrets_of(environment: Environment) -> Iterator[str]:
    """What of a notifier's variables is secret; of an address, also its path: an incoming
    webhook's is its key. One that has a default is public."""
    for name, about in type(environment).model_fields.items():
        value = getattr(environment, name)
        if not isinstance(value, SecretStr):
            continue
        text = value.get_secret_value()
        if "://" not in text:
            yield text
            continue
        for address in map(urlsplit, split_urls(text)):
            path = address.path.rstrip("/") if about.default is None else ""
            yield from filter(None, (address.password, address.query, path))
