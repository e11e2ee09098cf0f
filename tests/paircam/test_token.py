"""One token for all who need one."""

import asyncio
import time

import jwt
import pytest
from aiohttp import web
from pydantic import SecretStr

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckAborted, CheckFailed, NotMeasured
from probe.core.recorder import Recorder
from tests.clocks import Clock
from tests.paircam.backend_requests import backend, json_answer, refused
from tests.servers.signaling import (
    SECRET,
    raw_server,
    refusing_server,
    signaling_server,
)


class TestToken:
    @pytest.mark.usefixtures("leaks")
    async def test_ten_who_ask_at_once_ask_the_backend_once(self) -> None:
        async with signaling_server() as server:
            shared = backend(server.url)
            tokens = await asyncio.gather(*(shared.token() for _ in range(10)))
            assert len({token.get_secret_value() for token in tokens}) == 1
            assert server.tokens == 1
            assert shared.issue is not None
            assert shared.issue.seconds > 0

    async def test_it_is_kept_until_shortly_before_it_expires(self) -> None:
        """Its life is what the backend's own clock says, though that is years behind."""
        clock = Clock(1000.0)
        async with signaling_server() as server:
            shared = backend(server.url, context=Context(clock=clock))
            await shared.token()
            clock.pass_(269)
            await shared.token()
            assert server.tokens == 1
            clock.pass_(2)
            await shared.token()
            assert server.tokens == 2

    async def test_without_a_readable_token_expires_in_reports_its_life(self) -> None:
        clock = Clock(1000.0)
        async with signaling_server() as server:
            server.answer = lambda: json_answer({"accessToken": "opaque", "expiresIn": "10s"})
            shared = backend(server.url, context=Context(clock=clock))
            await shared.token()
            clock.pass_(8.9)
            await shared.token()
            assert server.tokens == 1
            clock.pass_(0.2)
            await shared.token()
            assert server.tokens == 2

    @pytest.mark.parametrize("expires_in", [None, "soon", {}, "0s"])
    async def test_a_token_of_unknown_life_is_used_once(self, expires_in: object) -> None:
        async with signaling_server() as server:
            server.answer = lambda: json_answer({"accessToken": "opaque", "expiresIn": expires_in})
            shared = backend(server.url)
            await shared.token()
            await shared.token()
            assert server.tokens == 2

    async def test_it_is_minted_from_the_secret_without_asking(self) -> None:
        async with signaling_server() as server:
            shared = backend(server.url, secret=SECRET, lifetime=60)
            token = await shared.token()
            claims = jwt.decode(token.get_secret_value(), SECRET, algorithms=["HS256"])
            assert server.tokens == 0
        assert claims["sub"] == claims["deviceId"] == shared.device_id
        assert claims["exp"] - claims["iat"] == 60
        assert abs(claims["iat"] - time.time()) < 60
        assert shared.issue is None

    async def test_a_short_secret_mints_without_a_warning(self) -> None:
        assert await backend("http://127.0.0.1:1", secret="short").token()

    async def test_a_cancelled_asker_does_not_break_the_others(self) -> None:
        async with signaling_server() as server:
            server.go_on.clear()
            shared = backend(server.url)
            first = asyncio.create_task(shared.token())
            await server.asked.wait()
            others = [asyncio.create_task(shared.token()) for _ in range(3)]
            first.cancel()
            server.go_on.set()
            tokens = await asyncio.gather(*others)
            assert len({token.get_secret_value() for token in tokens}) == 1
            assert first.cancelled()
            assert server.tokens == 2

    async def test_a_failure_is_shared_by_those_who_wait_and_not_kept(self) -> None:
        async with signaling_server() as server:
            server.answer = lambda: json_answer({}, 429)
            shared = backend(server.url)
            failures = await asyncio.gather(
                *(shared.token() for _ in range(5)), return_exceptions=True
            )
            assert server.tokens == 1
            assert len({id(failure) for failure in failures}) == 5
            assert all(isinstance(failure, NotMeasured) for failure in failures)
            server.answer = None
            assert await shared.token()

    async def test_a_refused_token_is_forgotten_unless_another_has_replaced_it(self) -> None:
        async with signaling_server() as server:
            shared = backend(server.url)
            token = await shared.token()
            shared.forget_token(SecretStr("another"))
            await shared.token()
            assert server.tokens == 1
            shared.forget_token(token)
            await shared.token()
            assert server.tokens == 2
            shared.forget_token()
            await shared.token()
            assert server.tokens == 3

    @pytest.mark.parametrize(
        ("status", "content", "kind", "cause"),
        [
            (429, {}, NotMeasured, Cause.RATE_LIMITED),
            (401, {}, CheckFailed, Cause.HTTP_STATUS),
            (403, {}, CheckFailed, Cause.HTTP_STATUS),
            (500, {}, CheckFailed, Cause.HTTP_STATUS),
            (404, {}, CheckFailed, Cause.HTTP_STATUS),
            (307, {}, CheckFailed, Cause.HTTP_STATUS),
            (201, {}, CheckFailed, Cause.BODY_INVALID),
            (201, [], CheckFailed, Cause.BODY_INVALID),
            (201, None, CheckFailed, Cause.BODY_INVALID),
            (201, {"accessToken": ""}, CheckFailed, Cause.BODY_INVALID),
            (201, {"accessToken": 7}, CheckFailed, Cause.BODY_INVALID),
            (201, {"accessToken": "two words"}, CheckFailed, Cause.BODY_INVALID),
        ],
    )
    async def test_a_bad_answer_has_a_cause(
        self, status: int, content: object, kind: type[CheckAborted], cause: Cause
    ) -> None:
        async with signaling_server() as server:
            server.answer = lambda: json_answer(content, status)
            record = Recorder()
            failure = await refused(backend(server.url).token(record))
            assert (type(failure), failure.cause, failure.phase) == (kind, cause, None)
            assert (record.current, list(record.phases)) == ("token", ["token"])

    async def test_a_body_that_is_no_json_or_endless_has_a_cause(self) -> None:
        async with signaling_server() as server:
            server.answer = lambda: web.Response(status=201, text="<html>")
            assert (await refused(backend(server.url).token())).cause is Cause.BODY_INVALID
            server.answer = lambda: web.Response(status=201, text="[" * 200_000)
            assert (await refused(backend(server.url).token())).cause is Cause.BODY_TOO_LARGE
            server.answer = lambda: web.Response(status=201, text="[" * 60_000)
            assert (await refused(backend(server.url).token())).cause is Cause.BODY_INVALID

    async def test_a_refused_connection_and_garbage_have_causes(self) -> None:
        with refusing_server() as url:
            assert (await refused(backend(url).token())).cause is Cause.CONNECT_REFUSED
        async with raw_server(b"\x00\x01garbage\r\n\r\n") as url:
            assert (await refused(backend(url).token())).cause is Cause.PROTOCOL_ERROR
