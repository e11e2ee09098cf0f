"""Reads files of the package at start: later there may be no file descriptor left for them."""

import pkgutil
from collections.abc import Iterable
from importlib import import_module

from alerts import notifiers
from alerts.runbooks import read_runbooks
from probe.report.html.document import policy

# Otherwise loaded on first use: name resolution's codec, heartbeats, runbook pages.
_LATE = ("encodings.idna", "probe.net.http", "probe.report.html.runbook_page")


def read_shipped(notifier_names: Iterable[str]) -> None:
    """Read runbooks and the style sheet, and import the configured notifiers' libraries."""
    read_runbooks()
    policy()
    for name in _LATE:
        import_module(name)
    wanted = tuple(notifier_names)
    for module in pkgutil.iter_modules(notifiers.__path__):
        if module.name.startswith(wanted):
            import_module(f"{notifiers.__name__}.{module.name}")
