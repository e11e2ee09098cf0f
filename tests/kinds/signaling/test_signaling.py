"""A session counts when the application says so; what is measured, and with which token."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.environment import Variables, read_environment
from probe.core.model import Status
from probe.core.runner import run_check, run_checks
from probe.kinds.signaling import SignalingEnvironment, SignalingTable, derive
from tests.kinds.signaling.signaling_runs import (
    check,
    failure_of,
    quiet,  # noqa: F401  (a fixture)
    run,
    values,
)
from tests.servers.certificate import LOOPBACK, Certificate, make_certificate
from tests.servers.signaling import (
    SECRET,
    signaling_server,
)

pytestmark = pytest.mark.usefixtures("quiet")


class TestWell:
    async def test_over_websocket(self) -> None:
        async with signaling_server() as server:
            result = await run(server.url)
            assert result.status is Status.OK
            assert list(result.phases) == [
                "token", "connect", "handshake", "session", "rtt", "close",
            ]  # fmt: skip
            assert (server.events, server.transports) == (3, ["websocket"])
            assert result.duration / 2 < sum(result.phases.values()) < result.duration * 1.01
        found = values(result)
        assert set(found) == {
            "probe_success",
            "probe_duration_seconds",
            "probe_signaling_token_seconds",
            "probe_signaling_connect_seconds",
            "probe_signaling_rtt_seconds",
            "probe_signaling_rtt_max_seconds",
        }
        assert 0 < found["probe_signaling_rtt_seconds"] <= found["probe_signaling_rtt_max_seconds"]
        assert found["probe_signaling_connect_seconds"] < result.duration

    async def test_over_polling_with_its_upgrade(self) -> None:
        async with signaling_server() as server:
            result = await run(server.url, transport="polling")
            assert result.status is Status.OK
            # As a page sends it: CONNECT does not wait for the upgrade.
            assert server.transports == ["polling"]
        assert list(result.phases) == [
            "token", "connect", "handshake", "upgrade", "session", "rtt", "close",
        ]  # fmt: skip
        assert values(result)["probe_signaling_upgrade_seconds"] > 0
        assert result.facts == {"transport": "websocket"}

    async def test_over_polling_where_the_server_offers_nothing_else(self) -> None:
        async with signaling_server(upgrades=False) as server:
            result = await run(server.url, transport="polling")
        assert result.status is Status.OK
        assert result.facts == {"transport": "polling"}
        assert "probe_signaling_upgrade_seconds" not in values(result)

    async def test_the_session_is_ended_with_a_close(self) -> None:
        async with signaling_server() as server:
            await run(server.url)
            async with asyncio.timeout(30):
                await server.goodbye.wait()
            assert server.open == 0

    async def test_one_round_trip_has_no_maximum(self) -> None:
        async with signaling_server() as server:
            result = await run(server.url, round_trips=1)
        assert "probe_signaling_rtt_seconds" in values(result)
        assert "probe_signaling_rtt_max_seconds" not in values(result)

    async def test_its_own_events_can_be_chosen(self) -> None:
        async with signaling_server() as server:
            result = await run(server.url, reply_event="connected", deadline=1.0)
            assert failure_of(result).phase == "rtt"

    async def test_user_info_in_the_address_is_not_shown(self) -> None:
        async with signaling_server() as server:
            configured = check(server.url.replace("://", "://someone:password@"))
            result = await run_check(configured, Context())
        assert result.status is Status.OK
        assert configured.table.target == f"{server.url}/signaling"


class TestToken:
    async def test_a_fetched_one_is_kept_across_runs_that_follow_and_that_coincide(self) -> None:
        context = Context()
        async with signaling_server() as server:
            checks = [check(server.url, name=f"signaling-{number}") for number in range(5)]
            results = [result async for result in run_checks(checks, context)]
            results.append(await run_check(checks[0], context))
            assert {result.status for result in results} == {Status.OK}
            assert server.tokens == 1
        assert "probe_signaling_token_seconds" not in values(results[-1])

    async def test_a_wrong_secret_is_rejected(self) -> None:
        async with signaling_server() as server:
            result = await run(server.url, jwt_secret="another secret of thirty-two bytes")
        failure = failure_of(result)
        assert (failure.phase, failure.cause) == ("session", Cause.AUTH_REJECTED)
        assert "JWT_SECRET" in failure.hint

    async def test_a_rate_limit_is_not_an_outage(self) -> None:
        async with signaling_server() as server:
            server.answer = lambda: web.json_response({}, status=429)
            result = await run(server.url)
        assert result.status is Status.UNKNOWN
        failure = failure_of(result)
        assert (failure.phase, failure.cause) == ("token", Cause.RATE_LIMITED)

    async def test_an_unreadable_answer_is_a_failure(self) -> None:
        async with signaling_server() as server:
            server.answer = lambda: web.Response(status=201, text="<html>")
            result = await run(server.url)
        failure = failure_of(result)
        assert (failure.phase, failure.cause) == ("token", Cause.BODY_INVALID)

    async def test_silence_ends_at_the_deadline(self) -> None:
        async with signaling_server() as server:
            server.go_on.clear()
            result = await run(server.url, deadline=0.2)
            server.go_on.set()
        failure = failure_of(result)
        assert (failure.phase, failure.cause) == ("token", Cause.DEADLINE)


def tls_context(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert_file, certificate.key_file)
    return context


async def test_over_tls(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    async with signaling_server(tls=tls_context(certificate)) as server:
        result = await run(server.url, ca_file=certificate.ca_file)
        polling = await run(server.url, ca_file=certificate.ca_file, transport="polling")
    assert (result.status, polling.status) == (Status.OK, Status.OK)
    assert list(result.phases)[:4] == ["token", "connect", "tls", "handshake"]


@pytest.mark.parametrize("names", [("elsewhere.example.org",), LOOPBACK])
async def test_a_certificate_of_another_name_or_of_an_unknown_authority(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    certificate = make_certificate(tmp_path, names=names)
    trusted = None if names is LOOPBACK else certificate.ca_file
    async with signaling_server(tls=tls_context(certificate)) as server:
        result = await run(server.url, ca_file=trusted, jwt_secret=SECRET)
    failure = failure_of(result)
    assert (failure.phase, failure.cause) == ("tls", Cause.TLS_INVALID)


class TestConfiguration:
    def test_it_is_derived_from_the_operators_variables(self) -> None:
        variables = Variables({"BACKEND_URL": "https://paircam.live", "JWT_SECRET": SECRET})
        found = derive(read_environment(SignalingEnvironment, variables))
        table = SignalingTable.model_validate({**found.defaults, **found.tables[0]})
        assert (table.name, table.target) == ("signaling", "https://paircam.live/signaling")
        assert table.labels == {"transport": "websocket"}
        assert SECRET not in repr(table)

    def test_without_an_address_it_is_skipped(self) -> None:
        found = derive(read_environment(SignalingEnvironment, Variables({})))
        assert (found.tables, found.skipped) == ((), ("BACKEND_URL is not set",))

    @pytest.mark.parametrize(
        "wrong",
        [
            {"round_trips": 0},
            {"round_trips": 21},
            {"namespace": "signaling"},
            {"path": "socket.io"},
            {"transport": "carrier pigeon"},
            {"reply_event": ""},
            {"url": "ftp://paircam.live"},
            {"jwt_expiration": "soon"},
        ],
    )
    def test_mistakes_are_found(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ValidationError, match=next(iter(wrong))):
            check(**{"url": "https://paircam.live", **wrong})
