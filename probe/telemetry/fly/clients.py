"""Fly's two APIs, as a check's table has them."""

from probe.core.context import Context
from probe.telemetry.api_client import ApiClient
from probe.telemetry.fly.machines import BURST, RATE, Machines
from probe.telemetry.fly.settings import FlyAccess
from probe.telemetry.promql import PromQL
from probe.telemetry.rate_limit import RequestPacer

METRICS_API, MACHINES_API = "Fly's Prometheus", "Fly's Machines API"
_MAX_BYTES = 4 << 20


def machines_of(table: FlyAccess, context: Context) -> Machines:
    """The process's one client for this app's machines."""
    base, token = table.machines_url.get_secret_value(), table.token.get_secret_value()

    def make() -> Machines:
        client = _client(MACHINES_API, base, table, context)
        return Machines(
            client, table.app, RequestPacer(rate=RATE, burst=BURST, clock=context.clock)
        )

    return context.get_or_create(("fly-machines", base, table.app, token, table.ca_file), make)


def promql_of(table: FlyAccess, context: Context) -> PromQL:
    """A client for the organization's metrics."""
    base = f"{table.prometheus_url.get_secret_value()}/{table.org}"
    return PromQL(_client(METRICS_API, base, table, context))


def _client(name: str, base: str, table: FlyAccess, context: Context) -> ApiClient:
    return ApiClient(name, base, context.clock, table.headers, _MAX_BYTES, table.ca_file)
