"""300 Try Alternate is followed as far as browsers follow it."""

import socket

import pytest

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.net.resolver import Address
from probe.stun.codec import MessageClass, Method, StunMessage
from probe.turn.alternate import MAX_REDIRECTS, Redirects

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
