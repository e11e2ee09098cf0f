"""aioice behind a relay that is reached by TCP or TLS: floods end, and an honest relay serves."""

import asyncio
import time
from pathlib import Path

import pytest

from probe.core.causes import Cause
from probe.core.model import CheckAborted
from probe.ice.aioice_agent import AioiceAgent, IceServers
from tests.call.test_local_call import a_relay
from tests.hostile.flood_table import RELAYS
from tests.hostile.servers import Behaviour, Layer, serving_over
from tests.servers.certificate import make_certificate
from tests.turn.turn_lab import PASSWORD, USERNAME, turn_lab

FLOODS = {
    "indications": Cause.FLOODED,
    "data indications": Cause.FLOODED,
    "answers to no request": Cause.FLOODED,
    "zeros": Cause.PROTOCOL_ERROR,
}


def agent_at(url: str, ca_file: Path | None) -> AioiceAgent:
    """One side of a call whose relay this is."""
    servers = IceServers(relay=a_relay(url, USERNAME, PASSWORD, ca_file))
    return AioiceAgent(servers, controlling=False, clock=time.monotonic)


async def failure_at(behave: Behaviour, layer: Layer, folder: Path) -> CheckAborted | None:
    """What a call's side says of such a relay. aioice itself gathers for 5 s."""
    scheme = "turn" if layer == "plain" else "turns"
    async with serving_over(layer, behave, folder) as port:
        agent = agent_at(f"{scheme}:127.0.0.1:{port}?transport=tcp", folder / "ca.pem")
        gathering = asyncio.create_task(agent.gather())
        async with asyncio.timeout(60):
            await agent.until_failed()
        await gathering
        await agent.close()
    return agent.failure


@pytest.mark.parametrize("layer", ["plain", "TLS"])
async def test_a_relay_that_floods_a_call_is_given_up(
    layer: Layer, leaks: None, tmp_path: Path
) -> None:
    make_certificate(tmp_path)
    async with asyncio.TaskGroup() as group:
        asked = {
            name: group.create_task(failure_at(RELAYS[name][0], layer, tmp_path)) for name in FLOODS
        }
    for name, task in asked.items():
        failure = task.result()
        assert failure is not None
        assert failure.cause is FLOODS[name], name
        assert failure.message.startswith("127.0.0.1:")


@pytest.mark.parametrize("way", ["tcp", "tls"])
async def test_an_honest_relay_gives_its_address_through_the_guard(
    way: str, leaks: None, tmp_path: Path
) -> None:
    async with turn_lab(tmp_path) as lab:
        agent = agent_at(lab.url(way), lab.ca_file)
        async with asyncio.timeout(30):
            await agent.gather()
            # Offers leave out a relay on loopback.
            kinds = [each.type for each in agent._connection.local_candidates]
            await agent.close()
    assert "relay" in kinds


async def test_a_relay_that_refuses_the_connection_leaves_the_other_addresses(leaks: None) -> None:
    agent = agent_at("turn:127.0.0.1:9?transport=tcp", None)
    async with asyncio.timeout(30):
        await agent.gather()
        kinds = {place.type for place in agent.side.places}
        await agent.close()
    assert "relay" not in kinds
