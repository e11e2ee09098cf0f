"""Reads files of the package at start: later there may be no file descriptor left for them."""

import pkgutil
from collections.abc import Iterable
from importlib import import_module

from alerts import notifiers
from alerts.runbooks import read_runbooks
from probe.report.html.templates import load_all, policy, script

# Otherwise loaded on first use: name resolution's codec, heartbeats, runbook pages.
_LATE = ("encodings.idna", "probe.net.http", "probe.report.html.prose")


def read_shipped(notifier_names: Iterable[str]) -> None:
    """Read runbooks, templates, style sheet and script, and import the configured notifiers'
    libraries."""
    read_runbooks()
    load_all()
    policy()
    script()
    for name in _LATE:
        import_module(name)
    wanted = tuple(notifier_names)
    for module in pkgutil.iter_modules(notifiers.__path__):
        if module.name.startswith(wanted):
            import_module(f"{notifiers.__name__}.{module.name}")
