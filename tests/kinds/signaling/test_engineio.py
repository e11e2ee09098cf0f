"""A signaling server that refuses a CONNECT without a token passes; what else it does fails."""

from typing import Any

import pytest

from probe.budget.plans import uses_of
from probe.config.check_plan import make_plan
from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.environment import Variables
from probe.core.kind import Check
from probe.core.model import Result, Status
from probe.core.runner import run_check
from probe.kinds import KINDS
from probe.kinds.engineio import KIND, EngineIoTable
from probe.lab import Lab
from tests.kinds.signaling.signaling_runs import (
    failure_of,
    quiet,  # noqa: F401  (a fixture)
    values,
)
from tests.servers.node_backend import NodeBackendFactory
from tests.servers.pages import closed_port
from tests.servers.signaling import Mode, signaling_server

pytestmark = pytest.mark.usefixtures("quiet")


def check(url: str, **settings: Any) -> Check:
    return Check(KIND, EngineIoTable.model_validate({"name": "engineio", "url": url, **settings}))


async def run(url: str, **settings: Any) -> Result:
    return await run_check(check(url, **settings), Context())


@pytest.mark.parametrize("transport", ["websocket", "polling"])
@pytest.mark.parametrize("mode", ["ok", "refuse", "complain", "reject"])
async def test_a_refusal_in_any_form_passes(mode: Mode, transport: str) -> None:
    async with signaling_server(mode) as server:
        result = await run(server.url, transport=transport)
        assert result.status is Status.OK, result.failure
        # No token is asked for, and no session stands.
        assert (server.tokens, server.events) == (0, 0)
    assert result.facts["anonymous clients"] == "refused"
    found = values(result)
    assert found["probe_signaling_handshake_seconds"] > 0
    assert found["probe_signaling_refusal_seconds"] > 0


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_socketio_of_node_refuses_too(
    node_backend: NodeBackendFactory, transport: str
) -> None:
    result = await run(node_backend().url, transport=transport)
    assert (result.status, result.facts["anonymous clients"]) == (Status.OK, "refused")


async def test_a_server_that_lets_in_whoever_comes_works_and_says_so() -> None:
    async with signaling_server() as server:
        server.open_to_all = True
        result = await run(server.url)
    assert (result.status, result.facts["anonymous clients"]) == (Status.OK, "accepted")


async def test_a_server_that_does_not_decide_fails_by_deadline(
    node_backend: NodeBackendFactory,
) -> None:
    failure = failure_of(await run(node_backend("silent").url, deadline=1.0))
    assert (failure.phase, failure.cause) == ("refusal", Cause.DEADLINE)
    assert "event loop" in failure.hint


async def test_an_unknown_namespace_is_no_refusal(node_backend: NodeBackendFactory) -> None:
    failure = failure_of(await run(node_backend().url, namespace="/elsewhere"))
    assert (failure.phase, failure.cause) == ("handshake", Cause.PROTOCOL_ERROR)


async def test_rubbish_after_the_handshake_fails(node_backend: NodeBackendFactory) -> None:
    failure = failure_of(await run(node_backend("garbage").url))
    assert (failure.phase, failure.cause) == ("handshake", Cause.PROTOCOL_ERROR)


async def test_a_port_where_nothing_listens_fails() -> None:
    failure = failure_of(await run(f"http://127.0.0.1:{closed_port()}"))
    assert (failure.phase, failure.cause) == ("connect", Cause.CONNECT_REFUSED)


async def test_it_passes_in_the_lab_without_a_session() -> None:
    async with Lab() as lab:
        lab.set_knob("backend.redis", "down")
        plan = make_plan(KINDS, Variables(lab.environment()), {})
        [tier] = [each for each in plan.checks if each.kind is KIND]
        result = await run_check(tier, Context())
    assert result.status is Status.OK, result.failure


def test_it_is_derived_costs_no_plan_anything_and_runs_every_half_minute() -> None:
    variables = Variables({"BACKEND_URL": "https://app.example"})
    [tier] = [each for each in make_plan(KINDS, variables, {}).checks if each.kind is KIND]
    assert (tier.name, tier.interval) == ("engineio", 30.0)
    assert uses_of(tier) == ()


def test_without_an_address_it_is_skipped() -> None:
    plan = make_plan(KINDS, Variables({}), {})
    reasons = [skip.reason for skip in plan.skipped if skip.kind == "engineio"]
    assert reasons == ["BACKEND_URL is not set"]
