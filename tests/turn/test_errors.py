"""An error code becomes a cause, and a relayed address is judged by where its server is."""

import pytest

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.stun.codec import Method
from probe.turn.errors import check_relayed_address, error_from_code

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("code", "method", "username", "cause"),
    [
        (401, Method.ALLOCATE, "me", Cause.AUTH_REJECTED),
        (401, Method.ALLOCATE, "1699999999:me", Cause.CREDENTIALS_EXPIRED),
        (401, Method.ALLOCATE, "1700000001:me", Cause.AUTH_REJECTED),
        (403, Method.ALLOCATE, "me", Cause.ALLOCATION_REFUSED),
        (403, Method.CREATE_PERMISSION, "me", Cause.PEER_FORBIDDEN),
        (403, Method.CHANNEL_BIND, "me", Cause.PEER_FORBIDDEN),
        (401, Method.CREATE_PERMISSION, "me", Cause.PEER_FORBIDDEN),
        (400, Method.ALLOCATE, "me", Cause.AUTH_REJECTED),
        (400, Method.CHANNEL_BIND, "me", Cause.ALLOCATION_REFUSED),
        (437, Method.REFRESH, "me", Cause.ALLOCATION_LOST),
        (438, Method.ALLOCATE, "me", Cause.STALE_NONCE),
        (441, Method.REFRESH, "me", Cause.AUTH_REJECTED),
        (486, Method.ALLOCATE, "me", Cause.ALLOCATION_QUOTA),
        (508, Method.ALLOCATE, "me", Cause.ALLOCATION_CAPACITY),
        (300, Method.ALLOCATE, "me", Cause.ALLOCATION_REFUSED),
        (699, Method.ALLOCATE, "me", Cause.ALLOCATION_REFUSED),
    ],
)
def test_a_code_has_one_cause(code: int, method: Method, username: str, cause: Cause) -> None:
    failure = error_from_code(code, method, username=username, now=NOW, peer="192.0.2.1")
    assert failure.cause is cause
    assert str(code) in failure.message


@pytest.mark.parametrize(
    ("relayed", "server"),
    [
        ("8.8.4.4", "8.8.8.8"),
        ("10.0.0.5", "10.0.0.1"),
        ("127.0.0.1", "127.0.0.1"),
        ("8.8.4.4", "10.0.0.1"),
        ("2001:4860:4860::8888", "8.8.8.8"),
        ("10.0.0.5", "fe80::1%eth0"),
    ],
)
def test_a_relayed_address_that_can_be_used(relayed: str, server: str) -> None:
    check_relayed_address(relayed, server)


@pytest.mark.parametrize(
    ("relayed", "server", "word"),
    [
        ("10.0.0.5", "8.8.8.8", "private"),
        ("100.64.0.1", "8.8.8.8", "private"),
        ("127.0.0.1", "8.8.8.8", "loopback"),
        ("fd00::1", "2001:4860:4860::8888", "private"),
        ("192.0.2.1", "127.0.0.1", "reserved"),
        ("0.0.0.0", "127.0.0.1", "reserved"),
        ("224.0.0.1", "8.8.8.8", "reserved"),
    ],
)
def test_a_relayed_address_that_no_one_elsewhere_reaches(
    relayed: str, server: str, word: str
) -> None:
    with pytest.raises(CheckFailed, match=f"{relayed} is {word}") as raised:
        check_relayed_address(relayed, server)
    assert raised.value.cause is Cause.RELAY_ADDRESS_UNUSABLE


@pytest.mark.parametrize("code", [400, 401, 441])
def test_a_name_that_has_ended_is_the_reason_in_every_dialect(code: int) -> None:
    error = error_from_code(code, Method.ALLOCATE, username="1700000000:u", now=1700000060.0)
    assert error.cause is Cause.CREDENTIALS_EXPIRED
    assert "expired 60 s ago" in error.message
    current = error_from_code(code, Method.ALLOCATE, username="1700000100:u", now=1700000060.0)
    assert current.cause is Cause.AUTH_REJECTED
    assert "static-auth-secret" in current.hint
