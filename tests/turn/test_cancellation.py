"""An allocation that is cut off at any step is deleted, whatever address it was made by."""

from pathlib import Path
from time import monotonic, time

import pytest
from pydantic import SecretStr

from probe.net.tls.contexts import client_context
from probe.stun.credentials import TurnCredentials
from probe.stun.transport import untimed
from probe.stun.uri import parse_turn_url
from probe.turn.client import TurnClient
from probe.turn.resolve import resolve_turn_server
from tests.cancellation import leaves_nothing_at_any_step
from tests.turn.turn_lab import PASSWORD, USERNAME, WAYS, turn_lab


@pytest.mark.parametrize("way", WAYS)
async def test_an_allocation_is_deleted(leaks: None, tmp_path: Path, way: str) -> None:
    async with turn_lab(tmp_path) as lab:
        url, tls = parse_turn_url(lab.url(way)), client_context(lab.ca_file)
        addresses = await resolve_turn_server(url, None)

        async def allocate() -> None:
            login = TurnCredentials(USERNAME, SecretStr(PASSWORD))
            client = TurnClient(url, login, clock=monotonic, now=time)
            try:
                await client.open(addresses * 3, untimed, tls)
            finally:
                await client.close()

        assert await leaves_nothing_at_any_step(allocate, lambda: lab.server.allocations) > 5
