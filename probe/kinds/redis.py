"""``redis``: one short connection, a PING and an INFO: three commands of a plan's 10,000 a day.

It is asked from where the probe is. Whether the backend reaches its Redis is what
``/health`` and the signaling check say.
"""

from typing import TYPE_CHECKING

from pydantic import Field

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.field_types import Bytes
from probe.core.kind import CheckConfig, DerivedChecks, Kind, QuotaUse, lazy_import
from probe.core.model import (
    FailurePolicy,
    Impact,
    Limits,
    NotMeasured,
    Signal,
    Threshold,
    Unit,
    Verdict,
)
from probe.core.recorder import Recorder
from probe.core.runbooks import Runbooks
from probe.net.urls import CaFile
from probe.paircam.triggers import BACKEND, REDIS, SIGNALING
from probe.stores.dsn import UPSTASH_DOMAINS, RedisUrl, StoreAddress, parse_redis
from probe.stores.forecast import Trend
from probe.stores.redis_variables import RedisVariables

if TYPE_CHECKING:
    from probe.stores.redis_client import Info

MB = 1e6

CONNECT = Signal(
    "probe_redis_connect_seconds",
    Unit.SECONDS,
    "From the DNS lookup until the session is open, TLS and password included.",
    latency=True,
)
PING = Signal(
    "probe_redis_ping_seconds",
    Unit.SECONDS,
    "Round trip of a PING on an open connection.",
    column="ping",
    latency=True,
)
MEMORY = Signal(
    "probe_redis_memory_bytes", Unit.BYTES, "Memory in use (used_memory).", column="memory"
)
LIMIT = Signal(
    "probe_redis_memory_limit_bytes",
    Unit.BYTES,
    "The server's maxmemory, or the plan's where it has none, or more.",
)
FILLED = Signal(
    "probe_redis_memory_ratio",
    Unit.RATIO,
    "Memory of the limit.",
    column="of limit",
    display_name="memory usage",
    runbook="redis-full",
)
CLIENTS = Signal(
    "probe_redis_clients", Unit.COUNT, "Connected clients, the probe included.", column="clients"
)
KEYS = Signal("probe_redis_keys", Unit.COUNT, "Keys in all databases.")
EVICTED = Signal(
    "probe_redis_evicted_keys", Unit.COUNT, "Keys evicted because memory was full, since start."
)
COMMANDS = Signal(
    "probe_redis_processed_commands", Unit.COUNT, "Commands of all clients since its start."
)
REFUSES_WRITES = Signal(
    "probe_redis_writes_refused",
    Unit.BOOLEAN,
    "1 where it is full and refuses writes (noeviction), 0 where it has a limit and does not.",
    display_name="full, writes refused",
    breach="full, so that writes are refused",
    runbook="redis-full",
)
DAILY = Signal(
    "probe_redis_daily_commands",
    Unit.COUNT,
    "Commands of all clients in a day, at the rate of the last day (as far as it was observed).",
    column="commands a day",
)
DAILY_SHARE = Signal(
    "probe_redis_daily_commands_ratio",
    Unit.RATIO,
    "Commands of all clients in a day, as a share of the plan's.",
    display_name="used share of the plan's daily commands",
    runbook="redis-full",
)

DAY = 86400.0
# Less time than this gives no rate.
MIN_SECONDS = 3000.0
UPSTASH_COMMANDS = 10_000
_TLS = "The address says rediss://: does the server speak TLS? One that doesn't stays silent."
_SILENT = "It connects and does not answer: is a slow command running, or a script?"


class RedisEnvironment(RedisVariables):
    """The cache's address, as the backend has it."""

    title = "Data stores"
    ca_file: CaFile | None = Field(default=None, alias="PROBE_CA_FILE")


class RedisTable(CheckConfig):
    """One server. ``plan_bytes`` is what its plan allows (Upstash free: 256 MB), as is
    ``plan_commands`` for a day: without it 10,000 at Upstash, and no limit elsewhere."""

    url: RedisUrl
    """Redis URL. Example: `rediss://:password@host:6379`"""
    ca_file: CaFile | None = None
    plan_bytes: Bytes = Field(default=256_000_000, gt=0)
    """Memory of the plan."""
    plan_commands: int | None = Field(default=None, gt=0)
    """Commands per day of the plan; 10,000 at Upstash, else no limit. Example: `10000`"""

    @property
    def address(self) -> StoreAddress:
        """The address taken apart, password included."""
        return parse_redis(self.url.get_secret_value())

    @property
    def target(self) -> str:
        return self.address.shown

    @property
    def impact(self) -> Impact:
        """What users lose when it fails."""
        return Impact("Redis", "Redis is down", "Redis doesn't work")

    @property
    def alert_group(self) -> str:
        return self.address.host

    @property
    def triggers(self) -> frozenset[str]:
        """What needs it."""
        return frozenset({SIGNALING, BACKEND})

    @property
    def triggered_by(self) -> frozenset[str]:
        """The checks that depend on it and fail."""
        return frozenset({REDIS})

    @property
    def daily_commands(self) -> int | None:
        """How many commands a day the plan allows; None: as many as one likes."""
        if self.plan_commands is None and self.address.host_is(*UPSTASH_DOMAINS):
            return UPSTASH_COMMANDS
        return self.plan_commands


def derive(environment: RedisEnvironment) -> DerivedChecks:
    """One check of the backend's Redis."""
    defaults = {"ca_file": environment.ca_file}
    if environment.redis is None:
        return DerivedChecks(skipped=("REDIS_URL is not set",), defaults=defaults)
    return DerivedChecks(tables=({"name": "redis", "url": environment.redis},), defaults=defaults)


async def run(table: RedisTable, record: Recorder, context: Context) -> None:
    """Connect, ping, ask, close."""
    from probe.stores.redis_client import connected, info

    started = context.clock()
    record.current, record.hint = "connect", _TLS if table.address.scheme == "rediss" else ""
    async with connected(table.address, table.ca_file) as session:
        record.add_phase("connect", context.clock() - started)
        record.sample(CONNECT, context.clock() - started)
        with record.phase("ping", hint=_SILENT):
            sent_at = context.clock()
            await session.command("PING")
            record.sample(PING, context.clock() - sent_at)
        with record.phase("info"):
            found = await info(session)
            _forecast(found, table, record, context)
            _write(found, table, record)
            _write_refusals(found, table, record, context)
        record.current = "close"


def _write(found: "Info", table: RedisTable, record: Recorder) -> None:
    for signal, value in (
        (MEMORY, found.used),
        (CLIENTS, found.clients),
        (KEYS, found.keys),
        (EVICTED, found.evicted),
        (COMMANDS, found.commands),
    ):
        if value is not None:
            record.sample(signal, value)
    if found.version:
        record.facts["version"] = found.version
    # No limit of the server's own is the plan's; one above it is never reached.
    limit = min(found.limit or table.plan_bytes, table.plan_bytes)
    record.sample(LIMIT, limit)
    if found.used is None:
        raise NotMeasured(Cause.BODY_INVALID, "INFO does not report the memory in use")
    record.sample(FILLED, found.used / limit)


def _forecast(found: "Info", table: RedisTable, record: Recorder, context: Context) -> None:
    """Commands of a day, from what the server has counted since it was first looked at."""
    if found.commands is None:
        return
    trend = context.get_or_create(("redis", table.name), Trend)
    trend.add(context.now(), found.commands)
    slope = trend.slope(MIN_SECONDS)
    if slope is not None:
        record.sample(DAILY, slope * DAY)
        if table.daily_commands is not None:
            record.sample(DAILY_SHARE, slope * DAY / table.daily_commands)


def _write_refusals(found: "Info", table: RedisTable, record: Recorder, context: Context) -> None:
    before: dict[str, float] = context.get_or_create(("redis-refusals", table.name), dict)
    refuses = found.refuses_writes(before.get("refusals"))
    before["refusals"] = found.refusals
    if refuses is not None:
        record.sample(REFUSES_WRITES, float(refuses))


def commands(table: RedisTable) -> int:
    """How many commands a run sends: AUTH, SELECT, PING, INFO."""
    address = table.address
    return 2 + bool(address.password) + bool(int(address.path or 0))


def uses(table: RedisTable) -> tuple[QuotaUse, ...]:
    """All commands count, whatever Upstash leaves out of its bill."""
    if table.address.host_is(*UPSTASH_DOMAINS):
        return (QuotaUse("upstash", commands(table)),)
    return ()


KIND = Kind(
    name="redis",
    summary="one short connection: PING, memory of the limit, clients, keys, evictions",
    environment=RedisEnvironment,
    table=RedisTable,
    derive=derive,
    run=run,
    details=frozenset(
        {
            "probe_redis_processed_commands",
            "probe_redis_memory_limit_bytes",
        }
    ),
    buckets=(0.05, 0.1, 0.2, 0.5, 1.0, 2.0),
    signals=(
        CONNECT,
        PING,
        MEMORY,
        LIMIT,
        FILLED,
        REFUSES_WRITES,
        CLIENTS,
        KEYS,
        EVICTED,
        COMMANDS,
        DAILY,
        DAILY_SHARE,
    ),
    thresholds=(
        Threshold(MEMORY, Limits(objective=100 * MB)),
        # Ours: a full server evicts keys or refuses to write.
        Threshold(FILLED, Limits(warning=0.9, critical=0.999)),
        # Ours: users lose what they write, however much of the memory is in use.
        Threshold(REFUSES_WRITES, Limits(critical=0.0), optional=True),
        # It ends before the day does.
        Threshold(DAILY_SHARE, Limits(warning=1.0), optional=True),
    ),
    failing=FailurePolicy(Verdict.WARNING, hold=60.0),
    cost="3 Redis commands: AUTH, PING, INFO",
    uses=uses,
    load=lazy_import("probe.stores.redis_client"),
    # 72 commands a day in addition to the 840 of the signaling check: a tenth of Upstash's free
    # plan is 1,000, and restarts of the probe take some.
    interval=3600.0,
    retry=300.0,
    plot=FILLED,
    runbooks=Runbooks("redis", "redis"),
)
