"""The postgres check when PostgreSQL is gone, refuses, hangs or is none."""

import asyncio
import logging
from pathlib import Path

import pytest
from pydantic import SecretStr

from alerts.evaluation.verdict import judge
from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import Status, Verdict
from probe.core.runner import run_check
from probe.kinds.postgres import KIND, SHARE, STORAGE, PostgresTable
from tests.kinds.http_helpers import ending, failure
from tests.kinds.stores.postgres_runs import check, clients, look, verdict_on
from tests.servers.certificate import make_certificate
from tests.servers.postgres import PASSWORD, Postgres

pytestmark = [pytest.mark.parts, pytest.mark.usefixtures("leaks")]


async def test_a_server_without_a_connection_left_has_reached_its_limit(
    postgres: Postgres,
) -> None:
    async with clients(postgres, 20):
        result = await look(postgres.url())
    assert result.status is Status.FAILED
    assert ending(result) == ("connect", Cause.QUOTA_EXCEEDED)


async def test_a_server_that_is_gone_leaves_every_limit_without_data() -> None:
    server = Postgres()
    each = check(server.url())
    try:
        assert verdict_on(each, await run_check(each, Context()), SHARE.name) is Verdict.OK
        server.stop()
        result = await run_check(each, Context())
    finally:
        server.close()
    assert ending(result) == ("connect", Cause.CONNECT_REFUSED)
    assert verdict_on(each, result, SHARE.name) is Verdict.UNKNOWN
    assert verdict_on(each, result, STORAGE.name) is Verdict.UNKNOWN
    assert judge([each], {each.name: result}, set()).verdict is Verdict.WARNING


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full", "prefer", "disable"])
async def test_every_ssl_mode_gets_its_connection(postgres: Postgres, mode: str) -> None:
    result = await look(postgres.url(f"?sslmode={mode}"), ca_file=postgres.ca_file)
    assert result.failure is None


@pytest.mark.parametrize(
    "options",
    [
        "sslmode=require&channel_binding=require",
        "sslmode=require&channel_binding=disable",
        "sslmode=no-verify",
        "ssl=true&options=-c%20statement_timeout%3D9000&application_name=x",
    ],
)
async def test_what_node_and_libpq_know_beside_the_mode_gets_its_connection(
    postgres: Postgres, options: str
) -> None:
    assert (await look(postgres.url(f"?{options}"))).failure is None


async def test_a_file_of_authorities_in_the_address_is_the_one_that_counts(
    postgres: Postgres, tmp_path: Path
) -> None:
    other = make_certificate(tmp_path).ca_file
    named = await look(postgres.url(f"?sslmode=verify-full&sslrootcert={postgres.ca_file}"))
    wrong = await look(postgres.url(f"?sslmode=require&sslrootcert={other}"))
    assert named.failure is None
    assert ending(wrong)[1] is Cause.TLS_INVALID


async def test_verify_full_refuses_an_unknown_authority(postgres: Postgres) -> None:
    for mode in ("verify-ca", "verify-full"):
        assert ending(await look(postgres.url(f"?sslmode={mode}")))[1] is Cause.TLS_INVALID


async def test_require_does_not_go_on_in_the_clear() -> None:
    server = Postgres(tls=False)
    try:
        asked = await look(server.url("?sslmode=require"))
        preferred = await look(server.url("?sslmode=prefer"))
    finally:
        server.close()
    assert ending(asked) == ("connect", Cause.TLS_FAILED)
    assert preferred.failure is None


async def test_a_wrong_password_is_no_outage_and_is_shown_nowhere(
    postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = "wr0ng-but-secret"
    result = await look(postgres.url(password=wrong))
    assert result.status is Status.UNKNOWN
    assert ending(result) == ("connect", Cause.AUTH_REJECTED)
    assert wrong not in f"{result}{caplog.text}"


@pytest.mark.parametrize("options", ["?sslmode=require", "?sslmode=verify-full"])
async def test_no_secret_is_in_a_traceback_of_a_failed_connection(
    postgres: Postgres, options: str
) -> None:
    """Not in what is raised, nor in what that was made of."""
    from probe.core.model import CheckAborted
    from probe.core.recorder import Recorder
    from probe.kinds.postgres import run

    table = check(postgres.url(options, database="nothing-there")).table
    with pytest.raises(CheckAborted) as caught:
        await run(PostgresTable.model_validate(table), Recorder(), Context())
    error: BaseException | None = caught.value
    assert error is not None
    assert error.__suppress_context__
    while error is not None:
        assert PASSWORD not in f"{error!r}{vars(error)}"
        error = error.__cause__ or error.__context__


async def test_a_missing_database_can_not_be_checked(postgres: Postgres) -> None:
    result = await look(postgres.url(database="nothing-there"))
    assert result.status is Status.UNKNOWN
    assert ending(result) == ("connect", Cause.PROTOCOL_ERROR)


async def test_a_question_that_hangs_ends_on_the_server_too(postgres: Postgres) -> None:
    async with clients(postgres, 1) as (other,), other.transaction():
        # Whoever holds the catalogue keeps pg_database_size waiting.
        await other.execute("LOCK TABLE pg_catalog.pg_database IN ACCESS EXCLUSIVE MODE")
        result = await look(postgres.url(), statement_timeout=0.2)
    assert result.status is Status.FAILED
    assert failure(result).cause is Cause.DEADLINE


async def test_a_run_that_is_cut_off_while_it_waits_leaves_nothing_behind(
    postgres: Postgres,
) -> None:
    ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'probe'"
    async with clients(postgres, 1) as (other,):
        async with other.transaction():
            await other.execute("LOCK TABLE pg_catalog.pg_database IN ACCESS EXCLUSIVE MODE")
            result = await look(postgres.url(), deadline=0.5)
        assert failure(result).cause is Cause.DEADLINE
        async with asyncio.timeout(20):
            while await other.fetchval(ours):  # noqa: ASYNC110
                await asyncio.sleep(0.02)


async def test_what_is_no_database_is_said_to_be_none() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(8)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        for mode in ("disable", "require"):
            result = await look(f"postgresql://u:p@127.0.0.1:{port}/d?sslmode={mode}", deadline=3)
            assert result.status is Status.FAILED
            assert failure(result).cause in (
                Cause.PROTOCOL_ERROR,
                Cause.TLS_FAILED,
                Cause.CONNECTION_CLOSED,
            )


async def test_a_server_that_says_nothing_meets_the_deadline() -> None:
    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with silent:
        port = silent.sockets[0].getsockname()[1]
        result = await look(f"postgresql://u:p@127.0.0.1:{port}/d", deadline=0.3)
    assert ending(result) == ("connect", Cause.DEADLINE)


async def test_a_name_that_does_not_resolve_says_so() -> None:
    result = await look("postgresql://u:p@nowhere.invalid/d")
    assert failure(result).cause in (Cause.DNS_FAILED, Cause.OWN_NETWORK)


@pytest.mark.parametrize(
    ("host", "plans"),
    [
        ("ep-cool-sun-1.us-west-2.aws.neon.tech", [("neon", 300.0, True)]),
        ("db.example.org", []),
        ("127.0.0.1", []),
    ],
)
def test_only_what_runs_at_neon_uses_neons_hours(host: str, plans: list[object]) -> None:
    table = PostgresTable(name="postgres", url=SecretStr(f"postgresql://u:p@{host}/db"))
    assert [(use.plan, use.amount, use.shared_window) for use in KIND.uses(table)] == plans
