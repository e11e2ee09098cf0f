"""Histories that write when a test says so, and shorthands around them."""

import math
import sqlite3
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from probe.history import History
from probe.history.model import ResultRow, TimeBucket
from probe.history.queries import buckets_between
from probe.history.uptime import queries
from probe.history.uptime.model import Uptime
from probe.history.uptime.totals import Key
from tests.history.period_builders import NOON

FILE = "history.sqlite"


@asynccontextmanager
async def opened(folder: Path | None, **parts: Any) -> AsyncIterator[History]:
    """A history at noon that writes when it is told to."""
    history = await History.open(folder, **{"now": lambda: NOON, "flush_seconds": 3600.0, **parts})
    try:
        yield history
    finally:
        await history.close()


async def keep(history: History, kept: Iterable[ResultRow]) -> None:
    """Write these."""
    for each in kept:
        history.add(each)
    await history.flush()


async def uptime_between(history: History, start: float, end: float) -> dict[Key, Uptime]:
    """Uptime of every check from ``start`` until ``end``."""
    return await history.query(lambda db: queries.between(db, (), start, end), {})


async def buckets(history: History, edges: Sequence[float]) -> dict[str, tuple[TimeBucket, ...]]:
    """What the database says of each stretch between two edges, of checks that ran in any."""

    def read(db: sqlite3.Connection) -> list[Mapping[str, TimeBucket]]:
        return [buckets_between(db, stretch) for stretch in pairwise(edges)]

    none: list[Mapping[str, TimeBucket]] = []
    found = await history.query(read, none)
    names = sorted({name for each in found for name in each})
    return {name: tuple(each.get(name, TimeBucket({})) for each in found) for name in names}


async def everything(history: History) -> list[ResultRow]:
    """All that is kept."""
    return await history.recent(-math.inf, most=10**9)


def sizes(folder: Path) -> dict[str, int]:
    """Files and their bytes."""
    return {path.name: path.stat().st_size for path in folder.iterdir()}


def taken(folder: Path) -> int:
    """What the database and its log take up."""
    found = sizes(folder)
    return found[FILE] + found.get(f"{FILE}-wal", 0)


def database(folder: Path) -> sqlite3.Connection:
    """The file as another program opens it, without waiting for locks."""
    return sqlite3.connect(folder / FILE, isolation_level=None, timeout=0)
