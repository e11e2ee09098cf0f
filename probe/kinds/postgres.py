"""``postgres``: one short connection and one query, which costs the server next to nothing.

It is asked from where the probe is. Whether the backend reaches its database is what
``/health`` says.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.environment import Environment
from probe.core.field_types import Bytes, Seconds
from probe.core.kind import WAKES_NEON, CheckConfig, DerivedChecks, Kind, QuotaUse, lazy_import
from probe.core.model import (
    CheckFailed,
    FailurePolicy,
    Impact,
    Limits,
    Signal,
    Threshold,
    Unit,
    Verdict,
)
from probe.core.recorder import Recorder
from probe.core.runbooks import Runbooks
from probe.net.urls import CaFile
from probe.paircam.triggers import BACKEND, POSTGRES, SIGNALING
from probe.stores.dsn import PostgresUrl, StoreAddress, parse_postgres

if TYPE_CHECKING:
    from probe.stores.postgres_protocol import PostgresSession

CONNECT = Signal(
    "probe_postgres_connect_seconds",
    Unit.SECONDS,
    "From the DNS lookup until the session is open, including waking a sleeping Neon branch.",
    column="connect",
    latency=True,
)
QUERY = Signal(
    "probe_postgres_query_seconds",
    Unit.SECONDS,
    "How long the one query took.",
    latency=True,
)
CONNECTIONS = Signal(
    "probe_postgres_connections",
    Unit.COUNT,
    "Client connections, the probe's own included.",
    column="connections",
)
MAXIMUM = Signal(
    "probe_postgres_connections_maximum", Unit.COUNT, "How many connections the server allows."
)
SHARE = Signal(
    "probe_postgres_connections_ratio",
    Unit.RATIO,
    "Connections of the maximum.",
    column="of maximum",
    display_name="connection usage",
)
SIZE = Signal("probe_postgres_database_bytes", Unit.BYTES, "Size of the database.", column="size")
STORAGE = Signal(
    "probe_postgres_storage_ratio",
    Unit.RATIO,
    "Size of the database, of what the plan allows.",
    display_name="used share of the plan's storage",
)
OLDEST = Signal(
    "probe_postgres_oldest_transaction_seconds",
    Unit.SECONDS,
    "Age of the oldest open transaction that the user may see; 0 without one.",
    column="oldest transaction",
)
SESSIONS = Signal(
    "probe_postgres_sessions",
    Unit.COUNT,
    "Connections by state; hidden are those of users whose state ours may not see.",
    labels=("state",),
)
STATES = ("active", "idle", "in_transaction", "hidden")
# The columns of the query, in its order.
COLUMNS = ("connections", "maximum", "bytes", "oldest", *STATES)
_MAX_NUMBER = 32

# pg_stat_activity shows every backend to everyone, but the state and type of other users'
# only to members of pg_read_all_stats. What has a database and no visible type is a client.
STATEMENT = """
SELECT
  count(*)::int AS connections,
  current_setting('max_connections')::int AS maximum,
  pg_database_size(current_database())::bigint AS bytes,
  coalesce(extract(epoch FROM max(clock_timestamp() - xact_start)
    FILTER (WHERE pid <> pg_backend_pid())), 0)::float8 AS oldest,
  count(*) FILTER (WHERE state = 'active')::int AS active,
  count(*) FILTER (WHERE state = 'idle')::int AS idle,
  count(*) FILTER (WHERE state LIKE 'idle in transaction%')::int AS in_transaction,
  count(*) FILTER (WHERE state IS NULL)::int AS hidden
FROM pg_stat_activity
WHERE datid IS NOT NULL AND (backend_type IS NULL OR backend_type = 'client backend')
"""

NEON_DOMAINS = ("neon.tech",)
_HANGS = "It connects and does not answer: is it overloaded, or does a session hold its locks?"


class PostgresEnvironment(Environment):
    """The database's address, as the backend has it."""

    title = "Data stores"
    database_url: PostgresUrl | None = Field(default=None, alias="DATABASE_URL")
    """PostgreSQL DSN, as the backend has it; Neon needs `?sslmode=require`. Example:
    `postgres://user:password@host/paircam?sslmode=require`"""
    ca_file: CaFile | None = Field(default=None, alias="PROBE_CA_FILE")


class PostgresTable(CheckConfig):
    """One database. ``plan_bytes`` is what its plan allows (Neon free: 0.5 GB); in seconds
    ``statement_timeout`` is when the server gives up the query."""

    url: PostgresUrl
    """PostgreSQL DSN. Example: `postgres://user:password@host/paircam`"""
    ca_file: CaFile | None = None
    plan_bytes: Bytes = Field(default=500_000_000, gt=0)
    """Storage of the plan."""
    statement_timeout: Seconds = Field(default=5.0, gt=0, le=300)
    """After this the server cancels the query. Example: `5`"""

    @property
    def address(self) -> StoreAddress:
        """The address taken apart, password included."""
        return parse_postgres(self.url.get_secret_value())

    @property
    def target(self) -> str:
        return self.address.shown

    @property
    def impact(self) -> Impact:
        """What users lose when it fails."""
        return Impact("Postgres", "Postgres is down", "Postgres doesn't work")

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
        return frozenset({POSTGRES})


def derive(environment: PostgresEnvironment) -> DerivedChecks:
    """One check of the backend's database."""
    defaults = {"ca_file": environment.ca_file}
    if environment.database_url is None:
        return DerivedChecks(skipped=("DATABASE_URL is not set",), defaults=defaults)
    table = {"name": "postgres", "url": environment.database_url}
    return DerivedChecks(tables=(table,), defaults=defaults)


async def run(table: PostgresTable, record: Recorder, context: Context) -> None:
    """Connect, query, close."""
    from probe.stores.postgres_client import connected

    started = context.clock()
    record.current = "connect"
    async with connected(table.address, table.ca_file) as session:
        record.add_phase("connect", context.clock() - started)
        record.sample(CONNECT, context.clock() - started)
        with record.phase("query", hint=_HANGS):
            sent_at = context.clock()
            found = await _query(session, table.statement_timeout)
            record.sample(QUERY, context.clock() - sent_at)
        _write(found, table, record)
        record.facts["version"] = session.version
        record.current = "close"


async def _query(session: "PostgresSession", timeout: float) -> Mapping[str, float]:
    """The query's columns. Raises CheckFailed(body_invalid) for another answer."""
    # For this transaction only: a pooler hands the session on to others.
    limit = f"SET LOCAL statement_timeout = {round(timeout * 1000)}"
    rows = await session.query(f"BEGIN READ ONLY; {limit}; {STATEMENT}; COMMIT")
    try:
        (row,) = rows
        found = {name: _number(value) for name, value in zip(COLUMNS, row, strict=True)}
    except ValueError:
        raise CheckFailed(Cause.BODY_INVALID, "the query has no answer") from None
    if not all(map(math.isfinite, found.values())) or found["maximum"] <= 0:
        raise CheckFailed(Cause.BODY_INVALID, "the query is answered with what can't be")
    return found


def _number(text: str | None) -> float:
    if text is None or len(text) > _MAX_NUMBER:
        raise ValueError("no number")
    return float(text)


def _write(found: Mapping[str, float], table: PostgresTable, record: Recorder) -> None:
    record.sample(CONNECTIONS, found["connections"])
    record.sample(MAXIMUM, found["maximum"])
    record.sample(SHARE, found["connections"] / found["maximum"])
    record.sample(SIZE, found["bytes"])
    record.sample(STORAGE, found["bytes"] / table.plan_bytes)
    record.sample(OLDEST, max(0.0, found["oldest"]))
    for state in STATES:
        record.sample(SESSIONS, found[state], state=state)


def uses(table: PostgresTable) -> tuple[QuotaUse, ...]:
    """What a query takes depends on whose database it is."""
    return (WAKES_NEON,) if table.address.host_is(*NEON_DOMAINS) else ()


KIND = Kind(
    name="postgres",
    summary="one short connection: connections of the maximum, size, oldest transaction",
    environment=PostgresEnvironment,
    table=PostgresTable,
    derive=derive,
    run=run,
    details=frozenset(
        {
            "probe_postgres_connections_maximum",
        }
    ),
    buckets=(0.05, 0.1, 0.2, 0.5, 1.0, 2.0),
    signals=(CONNECT, QUERY, CONNECTIONS, MAXIMUM, SHARE, SIZE, STORAGE, OLDEST, SESSIONS),
    thresholds=(
        Threshold(SHARE, Limits(objective=0.1)),
        # Ours: beyond the plan's size nothing can be written any more.
        Threshold(STORAGE, Limits(warning=0.9, critical=0.999)),
    ),
    failing=FailurePolicy(Verdict.WARNING, hold=60.0),
    cost="one connection and one SELECT of the server's statistics; it wakes a sleeping Neon "
    "branch, which then stays awake for 5 minutes",
    uses=uses,
    load=lazy_import("probe.stores.postgres_client"),
    interval=300.0,
    retry=60.0,
    plot=SHARE,
    runbooks=Runbooks("postgres", "postgres"),
)
