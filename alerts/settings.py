"""From variables and ``probe.toml`` to whom is told what, and when not."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from alerts.alarm import Plan
from alerts.desk import REMIND_SECONDS
from alerts.maintenance import read_windows
from alerts.notifier import Notifier
from alerts.notifiers import NOTIFIERS
from alerts.routes import Route, read_routes
from probe.variables import ConfigurationError, Mistake, Variables, read_environment

Tables = Mapping[str, Sequence[Mapping[str, Any]]]


def read_alerting(variables: Variables, tables: Tables, path: Path) -> tuple[Plan, list[Mistake]]:
    """The plan of alerting, without region and addresses, and everything that is wrong."""
    notifiers: dict[str, Notifier] = {}
    routes: list[Route] = []
    mistakes: list[Mistake] = []
    for each in NOTIFIERS:
        try:
            made = each.make(read_environment(each.environment, variables))
        except ConfigurationError as error:
            mistakes += error.mistakes
            continue
        if made is not None:
            notifiers[each.name] = made
            remind = made.resend_seconds or REMIND_SECONDS
            routes.append(Route(each.name, each.severities, remind))
    windows, wrong_windows = read_windows(tables.get("maintenance", ()), path)
    names = [each.name for each in NOTIFIERS]
    own, wrong_routes = read_routes(tables.get("route", ()), names, path)
    plan = Plan("", notifiers, routes, own, windows)
    return plan, [*mistakes, *wrong_windows, *wrong_routes]
