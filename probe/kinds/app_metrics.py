"""``app_metrics``: what the application itself exposes at ``/metrics``, and says in ``/health``.

Counters become rates between two scrapes, so a first scrape knows the gauges alone. A family
that is declared and has no samples is no data. The application is an instrument here: whether
it is up is the ``http`` check's business, and no answer means that nothing is known.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, SecretStr

from probe.core.context import Context
from probe.core.kind import WAKES_NEON, CheckConfig, DerivedChecks, Kind, lazy_import
from probe.core.model import CheckAborted, NotMeasured, Signal
from probe.core.recorder import Recorder
from probe.core.runbooks import Runbooks
from probe.net.tasks import gather_first_error
from probe.net.urls import CaFile, HttpUrl, show_host, show_url
from probe.paircam.open_sessions import open_sessions
from probe.telemetry.app_signals import SIGNALS, THRESHOLDS
from probe.telemetry.fly.settings import FlyEnvironment
from probe.telemetry.shared_signals import SHARED, TURN_SHARE

if TYPE_CHECKING:
    from probe.telemetry.app_samples import Scrape
    from probe.telemetry.gauge_proof import GaugeProof

METRICS, HEALTH = "the application's /metrics", "the application's /health"
_MAX_METRICS_BYTES, _MAX_HEALTH_BYTES = 4 << 20, 1 << 16
_MAX_ADDRESSES = 20
# How an application answers that has no metrics page, or none for us.
_NO_METRICS = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED,
    HTTPStatus.GONE,
)
# Asked by monitors, this one among them: their requests are no users'.
_NOT_OF_USERS = ("/health", "/health/ready", "/api/health", "/metrics")


class AppEnvironment(FlyEnvironment):
    """Where the application's metrics are; and whether Fly reports on its users, too."""

    title = "Application metrics"
    metrics_url: HttpUrl | None = Field(default=None, alias="APP_METRICS_URL")
    """The application's Prometheus endpoint: the public one, or `http://APP.internal:3333/metrics`
    inside Fly's private network; by default `/metrics` below BACKEND_URL, if there is one.
    Example: `https://paircam.live/metrics`"""


class AppTable(CheckConfig):
    """One application. ``every_address``: scrape every address of the name, since each is a
    process of its own (so by itself under ``.internal``). ``behind_fly``: Fly reports users,
    memory and restarts, so that the limits on these are applied to Fly's metrics.
    """

    url: HttpUrl
    """Address of the metrics page. Example: `https://paircam.live/metrics`"""
    prefix: str = Field(default="video_chat_", pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]*$")
    """Prefix of the application's metric names."""
    every_address: bool | None = None
    """Whether every address of the name is scraped; by default for names under `.internal`.
    Example: `true`"""
    ignored_routes: tuple[str, ...] = _NOT_OF_USERS
    """Routes that do not count as requests of users."""
    optional: bool = False
    """Whether the application may have no metrics page: then `/health` alone is read. So for the
    page that is looked for at BACKEND_URL. Example: `true`"""
    behind_fly: bool = False
    """Whether limits on errors, latency, memory and restarts apply to Fly's figures instead of
    these. Example: `true`"""
    backend_host: str | None = None
    """Host of the backend, by which alerts are grouped. Example: `paircam.live`"""
    ca_file: CaFile | None = None

    @property
    def target(self) -> str:
        return show_url(self.address)

    @property
    def alert_group(self) -> str:
        """The application's host: its alerts are grouped."""
        return self.backend_host or show_host(self.address)

    @property
    def can_fail(self) -> bool:
        """Whether the application is up is asked elsewhere."""
        return False

    @property
    def address(self) -> str:
        """The whole address; it may hold a password."""
        return self.url.get_secret_value()

    @property
    def reads_every_address(self) -> bool:
        """Whether each address of the name is a process of its own."""
        if self.every_address is not None:
            return self.every_address
        return (urlsplit(self.address).hostname or "").endswith(".internal")

    def applies_limits_to(self, signal: Signal) -> bool:
        """The first source that is configured is the one that limits are held against."""
        return not (self.behind_fly and signal in SHARED)


def derive(environment: AppEnvironment) -> DerivedChecks:
    """One check of the application."""
    defaults: dict[str, Any] = {
        "behind_fly": environment.measures_users,
        "backend_host": environment.backend_host,
        "ca_file": environment.ca_file,
    }
    table: dict[str, Any] = {"name": "app-metrics"}
    if environment.metrics_url is not None:
        table["url"] = environment.metrics_url
    elif environment.backend_url is not None:
        url = f"{environment.backend_url.get_secret_value()}/metrics"
        table |= {"url": SecretStr(url), "optional": True}
    else:
        skipped = "neither APP_METRICS_URL nor BACKEND_URL is set"
        return DerivedChecks(skipped=(skipped,), defaults=defaults)
    return DerivedChecks(tables=(table,), defaults=defaults)


async def run(table: AppTable, record: Recorder, context: Context) -> None:
    """Scrape every process, and record what the scrapes show."""
    from probe.telemetry.app_samples import ScrapeHistory, write

    with record.phase("resolve"):
        addresses = await _addresses(table)
    with record.phase("scrape"):
        outcomes = await _scrapes(addresses, table, context)
    scrapes = [each for each in outcomes if not isinstance(each, NotMeasured)]
    if scrapes:
        memory = context.get_or_create(("app-metrics", table.name, table.address), ScrapeHistory)
        write(scrapes, table.prefix, table.ignored_routes, context.clock(), memory, record)
        _observe_gauges(scrapes, addresses, memory.gauges, table, context)
    if scrapes and not any(each.metrics.values for each in scrapes):
        record.facts["metrics"] = f"none at {table.target}"
    for outcome in outcomes:
        if isinstance(outcome, NotMeasured):
            raise outcome


async def _scrapes(
    addresses: Sequence[str], table: AppTable, context: Context
) -> "list[Scrape | NotMeasured]":
    return await gather_first_error(*(_scrape(each, table, context) for each in addresses))


def _observe_gauges(
    scrapes: "Sequence[Scrape]",
    addresses: Sequence[str],
    proof: "GaugeProof",
    table: AppTable,
    context: Context,
) -> None:
    """Gauges that read 0 are read again while a session of the probe is open."""
    from probe.telemetry.app_samples import read_gauges

    async def observe() -> None:
        outcomes = await _scrapes(addresses, table, context)
        found = [each for each in outcomes if not isinstance(each, NotMeasured)]
        if len(found) == len(outcomes):
            proof.add_observation(read_gauges(found, table.prefix))

    if table.reads_every_address:
        proof.needed = 1
    sessions = open_sessions(context, table.alert_group)
    if proof.wants_observation(read_gauges(scrapes, table.prefix)):
        sessions.request(table.name, observe)
    else:
        sessions.withdraw(table.name)


async def _addresses(table: AppTable) -> list[str]:
    """The address as it is, or one for each process behind its name."""
    from probe.net.resolver import resolve
    from probe.telemetry.api_client import as_not_measured

    parts = urlsplit(table.address)
    if not table.reads_every_address:
        return [table.address]
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = await resolve(parts.hostname or "", port)
    except CheckAborted as error:
        raise as_not_measured(error, METRICS) from None
    return [_at(each.ip, port, parts) for each in found[:_MAX_ADDRESSES]]


def _at(ip: str, port: int, parts: SplitResult) -> str:
    host = f"[{ip}]" if ":" in ip else ip
    user = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return SplitResult(parts.scheme, f"{user}{host}:{port}", parts.path, parts.query, "").geturl()


async def _scrape(address: str, table: AppTable, context: Context) -> "Scrape | NotMeasured":
    """One process's metrics and health; why not, where its metrics could not be had."""
    from probe.telemetry.api_client import ApiClient
    from probe.telemetry.app_samples import STARTED, Scrape
    from probe.telemetry.exposition import Exposition, parse

    client = ApiClient(METRICS, address, context.clock, {}, _MAX_METRICS_BYTES, table.ca_file)
    answered = False
    try:
        answer = await client.get("")
        answered = answer.status in (HTTPStatus.OK, *_NO_METRICS)
        if answer.status != HTTPStatus.OK:
            raise client.refused(answer)
        metrics = await parse(answer.body, METRICS, (table.prefix, STARTED))
    except NotMeasured as aborted:
        if not table.optional or not answered:
            return aborted
        metrics = Exposition({})
    return Scrape(address, metrics, await _health(address, table, context))


async def _health(address: str, table: AppTable, context: Context) -> Any:
    """What the same process says of itself; None where it doesn't. Its metrics are worth
    having all the same."""
    from probe.telemetry.api_client import ApiClient
    from probe.telemetry.app_health import read_health

    parts = urlsplit(address)
    url = SplitResult(parts.scheme, parts.netloc, "/health", "", "").geturl()
    client = ApiClient(HEALTH, url, context.clock, {}, _MAX_HEALTH_BYTES, table.ca_file)
    started = context.now()
    try:
        answer = await client.get("")
        answered = context.now()
        return read_health(await client.document(answer)).timed(started, answered)
    except NotMeasured:
        return None


KIND: Kind[AppEnvironment, AppTable] = Kind(
    name="app_metrics",
    summary="the application's own /metrics: users, relayed share, failures, errors, queue",
    environment=AppEnvironment,
    table=AppTable,
    derive=derive,
    run=run,
    components=("Application",),
    signals=SIGNALS,
    thresholds=THRESHOLDS,
    third_party=True,
    uses=lambda _: (WAKES_NEON,),
    cost="a GET of /metrics and one of /health (a SELECT 1) from each process",
    load=lazy_import("probe.telemetry.app_samples", "probe.telemetry.api_client"),
    interval=60.0,
    plot=TURN_SHARE,
    details=frozenset(
        {
            "probe_app_clock_offset_seconds",
            "probe_app_instances",
            "probe_app_match_p95_seconds",
            "probe_app_matches_per_second",
            "probe_app_rate_limit_hits_per_second",
            "probe_app_subscribed_channels",
        }
    ),
    runbooks=Runbooks(limits="errors-high"),
)
