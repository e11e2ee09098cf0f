"""Issued credentials that a browser could use."""

import asyncio

import pytest

from probe.core.causes import Cause
from probe.core.model import CheckAborted
from probe.core.recorder import Recorder
from tests.paircam.backend_requests import backend, json_answer, refused
from tests.servers.signaling import (
    SECRET,
    SignalingServer,
    signaling_server,
)

GOOD = {"urls": ["turn:turn.example.org:3478"], "username": "u", "credential": "hidden", "ttl": 9}


class TestIssuedCredentials:
    async def asked(
        self, server: SignalingServer, content: object, status: int = 201
    ) -> CheckAborted:
        server.credentials = lambda: json_answer(content, status)
        return await refused(backend(server.url).issued_credentials())

    @pytest.mark.usefixtures("leaks")
    async def test_they_are_what_the_backend_says(self) -> None:
        async with signaling_server() as server:
            server.credentials = lambda: json_answer(GOOD)
            record = Recorder()
            issued = await backend(server.url).issued_credentials(record)
        assert issued.urls == ("turn:turn.example.org:3478",)
        assert issued.username == "u"
        assert issued.credential.get_secret_value() == "hidden"
        assert "hidden" not in repr(issued)
        assert list(record.phases) == ["token", "credentials"]

    async def test_one_address_may_stand_alone(self) -> None:
        async with signaling_server() as server:
            server.credentials = lambda: json_answer({**GOOD, "urls": "turn:one.example.org"})
            issued = await backend(server.url, secret=SECRET).issued_credentials()
        assert issued.urls == ("turn:one.example.org",)

    async def test_concurrent_requests_share_an_answer_and_later_ones_are_sent_again(self) -> None:
        async with signaling_server() as server:
            server.credentials = lambda: json_answer(GOOD)
            shared = backend(server.url)
            await asyncio.gather(*(shared.issued_credentials() for _ in range(8)))
            assert (server.tokens, server.credentials_asked) == (1, 1)
            await shared.issued_credentials()
            assert (server.tokens, server.credentials_asked) == (1, 2)

    @pytest.mark.parametrize(
        ("content", "cause"),
        [
            ({**GOOD, "urls": []}, Cause.CREDENTIALS_MISSING),
            ({**GOOD, "urls": [""]}, Cause.CREDENTIALS_MISSING),
            ({**GOOD, "username": "1500000000:device"}, Cause.CREDENTIALS_EXPIRED),
            ({"urls": ["turn:x"]}, Cause.BODY_INVALID),
            ([], Cause.BODY_INVALID),
        ],
    )
    async def test_unusable_ones_have_a_cause(self, content: object, cause: Cause) -> None:
        async with signaling_server() as server:
            failure = await self.asked(server, content)
        assert failure.cause is cause
        assert "hidden" not in f"{failure.message}{failure.hint}"

    async def test_a_status_has_a_cause_and_is_named(self) -> None:
        async with signaling_server() as server:
            assert (await self.asked(server, {}, 503)).cause is Cause.HTTP_STATUS
            failure = await self.asked(server, {}, 429)
        assert failure.cause is Cause.RATE_LIMITED
        assert failure.message == "POST /turn/credentials answers with status 429"

    async def test_a_refused_token_is_requested_again_next_time(self) -> None:
        async with signaling_server() as server:
            shared = backend(server.url)
            server.answer = lambda: json_answer({"accessToken": "revoked", "expiresIn": "5m"})
            failure = await refused(shared.issued_credentials())
            assert failure.cause is Cause.AUTH_REJECTED
            server.answer, server.credentials = None, lambda: json_answer(GOOD)
            assert await shared.issued_credentials()
            assert server.tokens == 2

    async def test_user_info_in_the_address_gives_way_to_the_token(self) -> None:
        async with signaling_server() as server:
            server.credentials = lambda: json_answer(GOOD)
            url = server.url.replace("://", "://someone:password@")
            assert await backend(url).issued_credentials()
