"""``security``: what can be seen from outside of how the application is protected.

One check for each aspect, once a day. A finding is a failure with its cause, what was seen and its
fix; by default a warning. Nothing here breaks in: requests are few, without a payload, and what
must be refused would give no more than any user gets.
"""

from importlib import import_module
from typing import Any

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.kind import Kind, lazy_import
from probe.core.model import FailurePolicy, Verdict
from probe.core.recorder import Recorder
from probe.core.runbooks import Runbooks
from probe.kinds.security.findings import Findings
from probe.kinds.security.settings import SecurityEnvironment, SecurityTable, derive
from probe.kinds.security.signals import FINDINGS, SIGNALS, THRESHOLDS

_MODULES = {
    "https": "web",
    "headers": "web",
    "cors": "web",
    "tls": "encryption",
    "auth": "tokens",
    "rate_limit": "limits",
    "turn": "relays",
    "ports": "limits",
    "secrets": "ages",
}
# Functions whose name would be taken.
_FUNCTIONS = {"cors": "origins"}


async def run(table: SecurityTable, record: Recorder, context: Context) -> None:
    """Examine one aspect; every finding is in the failure and in the facts."""
    found = Findings(record)
    with record.phase(table.aspect):
        module = import_module(f"{__name__}.{_MODULES[table.aspect]}")
        examine = getattr(module, _FUNCTIONS.get(table.aspect, table.aspect))
        await examine(table, found, context)
    record.sample(FINDINGS, len(found.wrong))
    found.raise_first()


__all__ = ["KIND", "SecurityEnvironment", "SecurityTable", "derive"]

KIND: Kind[Any, Any] = Kind(
    name="security",
    summary="HTTPS, headers, CORS, TLS, forged tokens, TURN for strangers and to private peers, "
    "open ports, age of secrets",
    environment=SecurityEnvironment,
    table=SecurityTable,
    derive=derive,
    run=run,
    signals=SIGNALS,
    thresholds=THRESHOLDS,
    failing=FailurePolicy(Verdict.WARNING),
    cost="about 30 requests a day to the backend and the frontend, three allocations on each "
    "TURN server without a relayed packet",
    load=lazy_import(
        "probe.net.http",
        "probe.turn.client",
        *(f"{__name__}.{module}" for module in dict.fromkeys(_MODULES.values())),
    ),
    interval=86400.0,
    retry=7200.0,
    plot=FINDINGS,
    runbooks=Runbooks("security", "security", {Cause.CERTIFICATE_EXPIRING: "certificate"}),
    dashboard="probe-infrastructure",
    availability=0.9,
)
