"""Reads files of the package at start: later there may be no file descriptor left for them."""

import pkgutil
from collections.abc import Iterable
from importlib import import_module

from alerts import notifiers
from alerts.runbooks import read_runbooks
from alerts.runbooks.template import load_engine
from probe.core.resources import SPARE
from probe.exporter.service import PROBERS
from probe.net.tls.contexts import service_context
from probe.report.html.templates import policy, read_templates, script

# Otherwise loaded on first use: name resolution's codec, heartbeats.
_LATE = ("encodings.idna", "probe.net.http")


def read_shipped(
    notifier_names: Iterable[str], *, probes_on_request: bool = False, has_peers: bool = False
) -> None:
    """Read runbooks, templates, style sheet and script, and import the libraries of the configured
    notifiers, and of the probers where ``/probe`` may contact anything; make the TLS context for
    receivers and other probes, if there are any. Descriptors are kept for what is imported later,
    with the first page."""
    read_runbooks()
    read_templates()
    policy()
    script()
    for name in (*_LATE, *([PROBERS] if probes_on_request else [])):
        import_module(name)
    wanted = tuple(notifier_names)
    if wanted:
        load_engine()
    if wanted or has_peers:
        service_context()
    for module in pkgutil.iter_modules(notifiers.__path__):
        if module.name.startswith(wanted):
            import_module(f"{notifiers.__name__}.{module.name}")
    SPARE.keep()
