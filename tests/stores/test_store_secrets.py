"""Passwords of stores and Metered's key appear nowhere, whatever fails."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from probe.config.settings import load_settings
from probe.kinds import KINDS
from tests.command import probe
from tests.daemon.running import daemon
from tests.servers.postgres import Postgres
from tests.servers.providers.metered import metered
from tests.servers.redis import RedisServer

pytestmark = pytest.mark.parts

DATABASE, CACHE, KEY = "wr0ng/database", "wr0ng@cache", "wr0ng-metered-key"
CODED = {"DATABASE": "wr0ng%2Fdatabase", "CACHE": "wr0ng%40cache"}
SECRETS = (DATABASE, CACHE, KEY, *CODED.values())


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Postgres, RedisServer]]:
    database, cache = Postgres(), RedisServer(tmp_path_factory.mktemp("redis"))
    yield database, cache
    cache.stop()
    database.close()


def _environment(stores: tuple[Postgres, RedisServer], url: str) -> dict[str, str]:
    database, cache = stores
    return {
        "DATABASE_URL": database.url(password=CODED["DATABASE"]),
        "REDIS_URL": cache.url(password=CODED["CACHE"]),
        "METERED_URL": url,
        "METERED_SECRET_KEY": KEY,
        "LOG_LEVEL": "debug",
    }


@pytest.mark.parametrize("form", ["table", "json", "junit", "github"])
async def test_no_report_and_no_log_of_a_run_shows_a_secret(
    tmp_path: Path, stores: tuple[Postgres, RedisServer], form: str
) -> None:
    async with metered() as account:
        env = _environment(stores, account.url)
        done = await probe("--once", "--format", form, cwd=tmp_path, env=env)
    assert "auth_rejected" in done.out
    _is_clean(done.out + done.err)


async def test_no_listing_shows_a_secret(
    tmp_path: Path, stores: tuple[Postgres, RedisServer]
) -> None:
    env = _environment(stores, "https://paircam.metered.live")
    done = await probe("list", cwd=tmp_path, env=env)
    assert done.code == 0
    assert "postgresql://127.0.0.1" in done.out
    _is_clean(done.out + done.err)


async def test_no_page_metric_or_log_of_the_daemon_shows_a_secret(
    tmp_path: Path, stores: tuple[Postgres, RedisServer]
) -> None:
    async with metered() as account:
        env = _environment(stores, account.url)
        async with daemon(tmp_path, env) as running:
            await running.ready()
            pages = [(await running.get(path))[1] for path in ("/", "/status.json", "/metrics")]
            assert await running.stop() == 0
            log = "".join(running.raw)
    assert "refuses the user or its password" in pages[1]
    _is_clean("".join([*pages, log]))


def test_the_redactor_knows_them_with_and_without_their_codes(
    stores: tuple[Postgres, RedisServer],
) -> None:
    settings = load_settings(KINDS, _environment(stores, "https://a.metered.live"), alone=True)
    assert set(SECRETS) <= set(settings.secrets)


def _is_clean(text: str) -> None:
    for secret in SECRETS:
        assert secret not in text
