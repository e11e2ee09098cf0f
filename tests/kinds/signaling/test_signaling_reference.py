"""The check against Socket.IO 4 on Node."""

import pytest

from probe.core.causes import Cause
from probe.core.model import Status
from tests.kinds.signaling.signaling_runs import (
    failure_of,
    quiet,  # noqa: F401  (a fixture)
    run,
)
from tests.servers.node_backend import Mode as NodeMode
from tests.servers.node_backend import NodeBackendFactory

pytestmark = pytest.mark.usefixtures("quiet")


class TestReferenceServer:
    """Socket.IO 4 on Node."""

    @pytest.mark.parametrize("transport", ["websocket", "polling"])
    @pytest.mark.parametrize(
        ("mode", "phase", "cause"),
        [
            ("refuse", "session", Cause.AUTH_REJECTED),
            ("silent", "session", Cause.DEADLINE),
            ("drop", "rtt", Cause.CONNECTION_CLOSED),
            ("garbage", "handshake", Cause.PROTOCOL_ERROR),
        ],
    )
    async def test_failures(
        self,
        node_backend: NodeBackendFactory,
        mode: NodeMode,
        phase: str,
        cause: Cause,
        transport: str,
    ) -> None:
        server = node_backend(mode)
        failure = failure_of(await run(server.url, transport=transport, deadline=1.5))
        assert (failure.phase, failure.cause) == (phase, cause)

    @pytest.mark.parametrize("transport", ["websocket", "polling"])
    async def test_well(self, node_backend: NodeBackendFactory, transport: str) -> None:
        server = node_backend()
        for secret in (None, server.jwt_secret):
            result = await run(server.url, transport=transport, jwt_secret=secret)
            assert result.status is Status.OK, result.failure

    async def test_a_wrong_secret(self, node_backend: NodeBackendFactory) -> None:
        failure = failure_of(await run(node_backend().url, jwt_secret="wrong"))
        assert (failure.phase, failure.cause) == ("session", Cause.OWN_CREDENTIALS)

    async def test_the_token_limit(self, node_backend: NodeBackendFactory) -> None:
        result = await run(node_backend(TOKEN_LIMIT="0").url)
        assert (result.status, failure_of(result).cause) == (Status.UNKNOWN, Cause.RATE_LIMITED)

    async def test_an_unknown_namespace(self, node_backend: NodeBackendFactory) -> None:
        failure = failure_of(await run(node_backend().url, namespace="/elsewhere"))
        assert (failure.phase, failure.cause) == ("handshake", Cause.PROTOCOL_ERROR)
