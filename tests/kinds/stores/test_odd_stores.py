"""Odd servers are judged as psql and redis-cli take them; the table is in docs/stores.md."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from probe.core.kind import Check
from probe.kinds import postgres, redis
from tests.kinds.stores.odd_postgres import ODD_POSTGRES
from tests.kinds.stores.odd_redis import ODD_REDIS
from tests.kinds.stores.odd_server import OK, OddStore, row, run_client, serving, verdict

PAGE = Path(__file__).parents[3] / "docs" / "stores.md"
HEADERS = {
    "PostgreSQL server": ODD_POSTGRES,
    "Redis server": ODD_REDIS,
}
AT_ONCE = 4


async def _of_psql(url: str) -> bool:
    code, _ = await run_client("psql", "-XAtw", "-c", "SELECT 1", url, part="postgres")
    return code == 0


async def _of_redis_cli(url: str) -> bool:
    code, said = await run_client("redis-cli", "-u", url, "-e", "PING", part="redis")
    refused = any(word in said for word in ("AUTH failed", "SELECT"))
    return code == 0 and said.strip().endswith("PONG") and not refused


def _postgres(url: str) -> Check:
    table = {"name": "postgres", "url": url, "deadline": 20}
    return Check(postgres.KIND, postgres.PostgresTable.model_validate(table))


def _redis(url: str) -> Check:
    table = {"name": "redis", "url": url, "deadline": 20}
    return Check(redis.KIND, redis.RedisTable.model_validate(table))


async def _differing(
    stores: Sequence[OddStore], one: Callable[[OddStore, str], Awaitable[str]]
) -> list[str]:
    slots = asyncio.Semaphore(AT_ONCE)

    async def within(store: OddStore) -> str:
        async with slots, serving(store.serve()) as port:
            return await one(store, store.url.format(port=port))

    return [each for each in await asyncio.gather(*map(within, stores)) if each]


@pytest.mark.parametrize(("stores", "check"), [(ODD_POSTGRES, _postgres), (ODD_REDIS, _redis)])
async def test_the_check_says_of_each_what_is_written_down(
    stores: Sequence[OddStore], check: Callable[[str], Check]
) -> None:
    async def one(store: OddStore, url: str) -> str:
        found = await verdict(check(url))
        return "" if found == store.probe else f"{store.name}: {found}"

    assert await _differing(stores, one) == []


@pytest.mark.proof
@pytest.mark.parts
@pytest.mark.parametrize(
    ("stores", "client"), [(ODD_POSTGRES, _of_psql), (ODD_REDIS, _of_redis_cli)]
)
async def test_the_reference_client_takes_each_as_it_is_written_down(
    stores: Sequence[OddStore], client: Callable[[str], Awaitable[bool]]
) -> None:
    async def one(store: OddStore, url: str) -> str:
        found = await client(url)
        return "" if found == store.client else f"{store.name}: {found}"

    assert await _differing(stores, one) == []


def test_where_client_and_check_part_the_table_says_why() -> None:
    stores = (*ODD_POSTGRES, *ODD_REDIS)
    parted = [each for each in stores if each.client != (each.probe == OK)]
    assert [each.name for each in parted if not each.why] == []


@pytest.mark.parametrize("header", HEADERS)
def test_the_page_has_a_row_for_each(header: str) -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith(f"| {header} |")) + 2
    stores = HEADERS[header]
    assert lines[start : start + len(stores)] == [row(each) for each in stores]
