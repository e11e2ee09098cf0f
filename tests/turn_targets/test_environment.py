"""The operators' variables become servers, each with the credentials that belong to it."""

import asyncio

import pytest
from pydantic import SecretStr

from probe.core.context import Context
from probe.core.environment import ConfigurationError, Variables, read_environment
from probe.core.recorder import Recorder
from probe.lab import Lab
from probe.lab.lab import LAB_QUOTA
from probe.stun.credentials import Static, TimeLimited, TurnCredentials
from probe.turn_targets.allocation_slots import allocation_slots
from probe.turn_targets.environment import TurnEnvironment, named, servers_of
from tests.clocks import settle


def environment(**variables: str) -> TurnEnvironment:
    return read_environment(TurnEnvironment, Variables(variables))


def listed(**variables: str) -> list[tuple[str, str, str]]:
    """Name, URL and kind of credentials."""
    found = servers_of(environment(**variables)).servers
    return [(name, str(each.url), type(each.source).__name__) for name, each in named(found)]


def problems(**variables: str) -> list[str]:
    with pytest.raises(ConfigurationError) as raised:
        environment(**variables)
    return [str(mistake) for mistake in raised.value.problems]


def test_primary_and_backup_each_by_every_way_in() -> None:
    assert listed(
        TURN_URLS="turn:a:80 turn:a:80?transport=tcp turns:a:443 turn:b:443",
        TURN_USERNAME="me",
        TURN_PASSWORD="secret",
        TURN_BACKUP_URLS="turn:c",
    ) == [
        ("primary-udp", "turn:a:80?transport=udp", "Static"),
        ("primary-tcp", "turn:a:80?transport=tcp", "Static"),
        ("primary-tls", "turns:a:443?transport=tcp", "Static"),
        ("primary-udp-2", "turn:b:443?transport=udp", "Static"),
        ("backup-udp", "turn:c:3478?transport=udp", "NoneType"),
    ]


@pytest.mark.parametrize(
    ("variables", "source"),
    [
        ({"TURN_SHARED_SECRET": "s"}, TimeLimited),
        ({"TURN_SHARED_SECRET": "s", "TURN_PROVIDER": "managed"}, TimeLimited),
        ({"TURN_SHARED_SECRET": "s", "TURN_USERNAME": "u"}, TimeLimited),
        (
            {
                "TURN_SHARED_SECRET": "s",
                "TURN_PROVIDER": "coturn",
                "TURN_USERNAME": "u",
                "TURN_PASSWORD": "p",
            },
            TimeLimited,
        ),
        ({"TURN_SHARED_SECRET": "s", "TURN_USERNAME": "u", "TURN_PASSWORD": "p"}, Static),
        ({"TURN_PROVIDER": "coturn", "TURN_USERNAME": "u", "TURN_PASSWORD": "p"}, Static),
        ({"TURN_PROVIDER": "coturn"}, type(None)),
        ({}, type(None)),
    ],
)
def test_which_credentials_count(variables: dict[str, str], source: type) -> None:
    (server,) = servers_of(environment(TURN_URLS="turn:a", **variables)).servers
    assert type(server.source) is source


def test_a_host_alone_is_a_server_by_every_way_in() -> None:
    assert listed(TURN_HOST="::1", TURN_PORT="80", TURN_TLS_PORT="443", TURN_SHARED_SECRET="s") == [
        ("primary-udp", "turn:[::1]:80?transport=udp", "TimeLimited"),
        ("primary-tcp", "turn:[::1]:80?transport=tcp", "TimeLimited"),
        ("primary-tls", "turns:[::1]:443?transport=tcp", "TimeLimited"),
    ]
    assert listed(TURN_HOST="h", TURN_URLS="turn:a")[0][1] == "turn:a:3478?transport=udp"


def test_unexamined_parts_are_reported() -> None:
    assert servers_of(environment()).skipped == (
        "TURN_URLS is not set",
        "TURN_BACKUP_URLS is not set",
    )
    skipped = servers_of(environment(TURN_URLS="stun:a", TURN_BACKUP_URLS=" , ")).skipped
    assert skipped == (
        "TURN_URLS names no turn: or turns: server",
        "TURN_BACKUP_URLS names no turn: or turns: server",
    )


def test_every_mistake_is_reported_at_once_with_its_place() -> None:
    assert problems(
        TURN_URLS="turn:a, turn:host:99999",
        TURN_USERNAME="me",
        TURN_BACKUP_URLS="b",
        TURN_BACKUP_PASSWORD="hunter2",
        TURN_HOST="turn:x",
        TURN_PORT="0",
    ) == [
        "TURN_BACKUP_URLS: entry 1 'b': must begin with turn: or turns:",
        "TURN_BACKUP_USERNAME is not set, but TURN_BACKUP_PASSWORD is: set both or neither",
        "TURN_HOST: must be a host name or an address alone, without scheme and port",
        "TURN_PORT: must be from 1 to 65535",
        "TURN_URLS: entry 2 'turn:host:99999': the port must be 1 to 65535",
        "TURN_USERNAME: is set without TURN_PASSWORD: set both or neither",
    ]


def test_an_unknown_provider_is_a_mistake() -> None:
    (mistake,) = problems(TURN_PROVIDER="twilio")
    assert mistake == "TURN_PROVIDER: must be 'managed' or 'coturn'"


def test_a_users_quota_is_that_of_one_call_unless_it_is_named() -> None:
    assert environment().user_quota == 2
    assert environment(TURN_USER_QUOTA="12").user_quota == 12
    assert problems(TURN_USER_QUOTA="0")
    assert problems(TURN_USER_QUOTA="many")


@pytest.mark.parametrize(("quota", "together"), [(1, 1), (2, 2), (5, 3)])
async def test_no_more_of_a_users_allocations_are_made_than_its_quota_permits(
    quota: int, together: int
) -> None:
    context, alice = Context(), TurnCredentials("alice", SecretStr("pw"))
    waiting, most, release = 0, 0, asyncio.Event()

    async def hold() -> None:
        nonlocal waiting, most
        async with allocation_slots([alice], quota, Recorder(), context):
            waiting += 1
            most = max(most, waiting)
            await release.wait()
            waiting -= 1

    tasks = [asyncio.create_task(hold()) for _ in range(3)]
    await settle()
    assert waiting == together
    release.set()
    await asyncio.gather(*tasks)
    assert most == together


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        (("probe", "a"), ("probe", "a"), 1),
        # The same name at two servers, which know nothing of each other.
        (("probe", "a"), ("probe", "b"), 2),
        (("probe", "a"), ("alice", "a"), 2),
        # Time-limited: the name is behind the time, and the password is another each time.
        (("1900000000:probe", "a"), ("1900000060:probe", "b"), 1),
    ],
)
async def test_a_silent_server_holds_up_no_check_of_another_ones_user(
    one: tuple[str, str], other: tuple[str, str], together: int
) -> None:
    context, release, holding = Context(), asyncio.Event(), list[str]()

    async def hold(name: str, password: str) -> None:
        users = [TurnCredentials(name, SecretStr(password))]
        async with allocation_slots(users, 1, Recorder(), context):
            holding.append(name)
            await release.wait()

    tasks = [asyncio.create_task(hold(*each)) for each in (one, other)]
    await settle()
    assert len(holding) == together
    release.set()
    await asyncio.gather(*tasks)


def test_the_lab_permits_its_checks_what_its_relays_permit() -> None:
    lab = Lab()
    assert lab.quota == LAB_QUOTA
    lab.set_knob("backup.quota", "4")
    assert lab.quota == 4
