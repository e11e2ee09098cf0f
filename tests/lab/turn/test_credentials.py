"""The lab's TURN server lets in whom RFC 8489 section 9.2 would let in, and nobody else."""

import base64
import hashlib
import hmac

import pytest
from aioice.stun import Method
from aioice.turn import make_integrity_key

from probe.lab.turn.server import LabTurnServer
from tests.lab.turn.aioice_client import endpoint
from tests.lab.turn.raw_turn import REALM, UDP, USER, Clock, code_of, plain, raw, running


def password_for(username: str, secret: str) -> str:
    digest = hmac.digest(secret.encode(), username.encode(), hashlib.sha1)
    return base64.b64encode(digest).decode()


async def test_another_user_may_not_touch_an_allocation(clock: Clock) -> None:
    async with running(users={"ann": "secret", "bob": "secret"}) as server, raw(server) as client:
        await client.allocate()
        client.username = "bob"
        client.key = make_integrity_key("bob", REALM, "secret")
        assert code_of(await client.ask(Method.REFRESH, LIFETIME=0)) == 441
        assert server.allocations == 1


async def test_credentials_that_are_incomplete_are_a_bad_request(server: LabTurnServer) -> None:
    async with raw(server) as client:
        message = plain(Method.ALLOCATE, REQUESTED_TRANSPORT=UDP, USERNAME=USER)
        message.add_message_integrity(client.key)
        assert code_of(await client.exchange(message)) == 400


@pytest.mark.parametrize("nonce", [b"", b"never made", b"-1-0", b"f" * 400, b"7fffffff-00"])
async def test_a_nonce_of_another_client_is_stale(server: LabTurnServer, nonce: bytes) -> None:
    async with raw(server) as client:
        await client.challenged()
        client.nonce = nonce
        answer = await client.ask(Method.ALLOCATE, REQUESTED_TRANSPORT=UDP)
        assert code_of(answer) == 438
        client.nonce = answer.attributes["NONCE"]
        assert code_of(await client.ask(Method.ALLOCATE, REQUESTED_TRANSPORT=UDP)) is None


async def test_a_nonce_is_stale_after_an_hour(server: LabTurnServer, clock: Clock) -> None:
    async with raw(server) as client:
        await client.challenged()
        clock.now += 3600
        answer = await client.ask(Method.ALLOCATE, REQUESTED_TRANSPORT=UDP)
        assert code_of(answer) == 438


@pytest.mark.parametrize(
    ("username", "password"), [("ann", "wrong"), ("nobody", "secret"), ("2000000", "secret")]
)
async def test_wrong_credentials_are_unauthorized(
    server: LabTurnServer, username: str, password: str
) -> None:
    async with raw(server, username=username, password=password) as client:
        await client.challenged()
        assert code_of(await client.ask(Method.ALLOCATE, REQUESTED_TRANSPORT=UDP)) == 401
        assert server.allocations == 0


@pytest.mark.parametrize(
    ("username", "code"),
    [
        ("1000001:ann", None),
        ("1000001", None),
        ("1000000:ann", 401),
        ("999999", 401),
        ("soon:ann", 401),
        ("²:ann", 401),
        ("9" * 400, 401),
        ("", 401),
    ],
)
async def test_a_time_limited_username_works_until_its_time(
    clock: Clock, username: str, code: int | None
) -> None:
    secret = "shared"
    async with (
        running(secret=secret, clock=clock) as server,
        raw(server, username=username, password=password_for(username, secret)) as client,
    ):
        await client.challenged()
        assert code_of(await client.ask(Method.ALLOCATE, REQUESTED_TRANSPORT=UDP)) == code


async def test_static_and_time_limited_credentials_work_side_by_side(clock: Clock) -> None:
    username = "2000000:ann"
    password = password_for(username, "shared")
    async with (
        running(secret="shared", clock=clock) as server,
        endpoint(server),
        endpoint(server, username=username, password=password),
    ):
        assert server.allocations == 2
