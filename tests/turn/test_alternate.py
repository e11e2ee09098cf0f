"""300 Try Alternate is followed as far as browsers follow it."""

import socket
from collections.abc import Sequence

import pytest

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.kinds import turn
from probe.net.resolver import Address
from probe.stun.codec import MessageClass, Method, StunMessage, long_term_key
from probe.turn import client
from probe.turn.alternate import MAX_REDIRECTS, Redirects
from tests.turn.bends import REALM, Bends, Refusal
from tests.turn.bent_server import bent_server
from tests.turn.odd import packets
from tests.turn.odd.verdict import verdict

ASKED = Address("198.18.0.1", 3478, socket.AF_INET)


def answer(*alternate: tuple[str, int]) -> StunMessage:
    attributes = {"ALTERNATE-SERVER": alternate[0]} if alternate else {}
    return StunMessage(Method.ALLOCATE, MessageClass.ERROR, attributes)


def test_another_server_is_asked_at_its_own_port() -> None:
    found = Redirects().follow(answer(("198.18.0.2", 80)), ASKED)
    assert found == Address("198.18.0.2", 80, socket.AF_INET)


@pytest.mark.parametrize(
    ("alternate", "words"),
    [
        (("127.0.0.1", 3478), "no browser follows"),
        (("127.9.9.9", 3478), "no browser follows"),
        (("0.0.0.0", 3478), "no browser follows"),
        (("169.254.169.254", 80), "no browser follows"),
        (("224.0.0.1", 3478), "no browser follows"),
        (("::1", 3478), "no browser follows"),
        (("::ffff:127.0.0.1", 3478), "no browser follows"),
        (("2001:4860:4860::8888", 3478), "other family"),
        (("198.18.0.1", 3478), "asked already"),
    ],
)
def test_where_browsers_do_not_go_no_one_goes(alternate: tuple[str, int], words: str) -> None:
    with pytest.raises(CheckFailed, match=words) as raised:
        Redirects().follow(answer(alternate), ASKED)
    assert raised.value.cause is Cause.ALLOCATION_REFUSED


def test_a_redirection_to_nowhere_is_a_failure() -> None:
    with pytest.raises(CheckFailed, match="without naming one"):
        Redirects().follow(answer(), ASKED)


def test_a_circle_ends() -> None:
    redirects = Redirects()
    first = redirects.follow(answer(("198.18.0.2", 3478)), ASKED)
    with pytest.raises(CheckFailed, match="asked already"):
        redirects.follow(answer(("198.18.0.1", 3478)), first)


def test_a_long_chain_ends() -> None:
    redirects, asked = Redirects(), ASKED
    for number in range(MAX_REDIRECTS):
        asked = redirects.follow(answer((f"198.18.1.{number}", 3478)), asked)
    with pytest.raises(CheckFailed, match=f"more than {MAX_REDIRECTS} times"):
        redirects.follow(answer(("198.18.2.1", 3478)), asked)


class FollowingLoopback(Redirects):
    """Goes where no browser would, for two servers on one host."""

    def follow(self, answer: StunMessage, server: Address) -> Address:
        ip, port = answer.attributes["ALTERNATE-SERVER"]
        return Address(ip, port, socket.AF_INET)


OTHER = b"other.test"


def redirecting(place: tuple[str, int], *, first: bool = False, **attributes: bytes) -> Bends:
    """A server that names another one, ``first`` or once it is asked with credentials."""
    named = {"ALTERNATE-SERVER": place, **attributes}

    def outgoing(request: StunMessage | None, packet: bytes) -> Sequence[bytes]:
        if request is None or not packets.is_error(packet, Method.ALLOCATE):
            return (packet,)
        found = {"ERROR-CODE": (300, b"no"), **named}
        error = StunMessage(request.method, MessageClass.ERROR, found, request.transaction_id)
        return (error.encode(),)

    if first:
        return Bends(outgoing=outgoing)
    return Bends(instead=lambda _: Refusal(300, attributes=named))


def with_nonce(nonce: bytes) -> Bends:
    """A server that knows no nonce but this one."""
    stale = Refusal(438, attributes={"REALM": REALM, "NONCE": nonce})
    return Bends(
        instead=lambda request: None if request.attributes["NONCE"] == nonce else stale,
        outgoing=packets.challenges({"REALM": REALM, "NONCE": nonce}),
    )


@pytest.mark.parametrize("way", ["udp", "tcp"])
@pytest.mark.parametrize(
    ("first", "named", "other", "of_chromium"),
    [
        (False, {}, Bends(), "ok"),
        (False, {}, Bends(realm=OTHER, key=long_term_key("u", OTHER, "p")), "auth_rejected"),
        (
            False,
            {"REALM": OTHER, "NONCE": b"m"},
            Bends(realm=OTHER, key=long_term_key("u", OTHER, "p")),
            "ok",
        ),
        (False, {}, with_nonce(b"m"), "stale_nonce"),
        (False, {"REALM": REALM, "NONCE": b"m"}, with_nonce(b"m"), "ok"),
        (True, {}, Bends(realm=OTHER, key=long_term_key("u", OTHER, "p")), "ok"),
        (True, {}, with_nonce(b"m"), "ok"),
        (True, {"REALM": REALM, "NONCE": b"x"}, Bends(), "ok"),
        (True, {"REALM": OTHER, "NONCE": b"x"}, Bends(), "auth_rejected"),
    ],
)
async def test_a_browser_goes_on_with_the_realm_and_nonce_that_it_has(
    monkeypatch: pytest.MonkeyPatch,
    way: str,
    first: bool,
    named: dict[str, bytes],
    other: Bends,
    of_chromium: str,
) -> None:
    monkeypatch.setattr(client, "Redirects", FollowingLoopback)
    async with bent_server(other) as second:
        bends = redirecting((second.host, second.port), first=first, **named)
        async with bent_server(bends) as server:
            assert await verdict(turn.KIND, server, way) == of_chromium
