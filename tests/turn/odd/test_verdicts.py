"""What was found with Chromium (tests/browser/odd), without it: the verdicts of the probe."""

import pytest

from probe.kinds import call, turn
from tests.turn.bent_server import bent_server
from tests.turn.odd.every import ODD_SERVERS
from tests.turn.odd.server import OddServer
from tests.turn.odd.verdict import verdict

_BY_NAME = {server.name: server for server in ODD_SERVERS}
IN_AUTHENTICATION = (
    "Allocate refused by 438 once",
    "Allocate refused by 438 with another realm",
    "each nonce serves once, then 438",
    "the same, without REALM in the 438",
    "an empty nonce",
    "a nonce of 508 bytes",
    "a nonce of 509 bytes",
    "a realm of 509 bytes",
)
IN_GRANTS = (
    "LIFETIME 0",
    "LIFETIME 4, then 0",
    "LIFETIME 4, then none",
    "Refresh refused by 437",
    "Refresh refused by 438 once, without REALM",
    "CreatePermission refused by 438 five times",
    "CreatePermission refused by 438 with another realm",
    "CreatePermission answered unsigned",
    "ChannelBind refused by 438 always",
    "ChannelBind refused by 438 once, without REALM",
    "ChannelBind answered unsigned",
)
IN_DATA = (
    "ChannelData of a channel never bound",
    "the same, by TCP",
    "ChannelData behind the answer to Allocate, by TCP",
    "empty ChannelData among data",
)


@pytest.mark.parametrize("name", [*IN_AUTHENTICATION, *IN_GRANTS, *IN_DATA])
async def test_a_relay_is_judged_as_chromium_judges_it(leaks: None, name: str) -> None:
    server = _BY_NAME[name]
    async with bent_server(server.bends(), server.host) as running:
        assert await verdict(turn.KIND, running, server.way) == server.turn


@pytest.mark.parametrize("name", [*IN_GRANTS, *IN_DATA])
async def test_a_call_is_judged_as_chromium_judges_it(leaks: None, name: str) -> None:
    server = _BY_NAME[name]
    async with bent_server(server.bends(), server.host) as running:
        assert await verdict(call.KIND, running, server.way) == server.call


def test_each_server_has_a_name_of_its_own() -> None:
    assert len(_BY_NAME) == len(ODD_SERVERS)


def differs(server: OddServer) -> bool:
    """Whether users and the probe part."""
    return (server.chromium == "connected") != (server.turn == server.call == "ok")


def test_where_the_probe_and_chromium_part_the_table_says_why() -> None:
    assert [server.name for server in ODD_SERVERS if differs(server) and not server.why] == []
