"""Wrong logins are slowed for each address, counted, and logged once a minute."""

import pytest

from probe.web.logins import BURST, MAX_ADDRESSES, WrongLogins
from tests.clocks import Clock


def test_an_address_that_guesses_is_slowed_and_others_are_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock(0.0)
    wrong = WrongLogins(clock)
    for _ in range(int(BURST)):
        assert wrong.may_try("192.0.2.1")
        wrong.failed("192.0.2.1")
    assert not wrong.may_try("192.0.2.1")
    assert not wrong.may_try("::ffff:192.0.2.1")
    assert wrong.may_try("192.0.2.2")
    clock.pass_(1.0)
    assert wrong.may_try("192.0.2.1")
    assert wrong.refused == BURST
    assert len(caplog.records) == 1


def test_all_addresses_of_one_ipv6_network_count_as_one() -> None:
    wrong = WrongLogins(Clock(0.0))
    for number in range(int(BURST)):
        wrong.failed(f"2001:db8::{number:x}")
    assert not wrong.may_try("2001:db8::ffff")
    assert wrong.may_try("2001:db8:0:1::1")


def test_many_addresses_take_little_memory() -> None:
    wrong = WrongLogins(Clock(0.0))
    for number in range(2 * MAX_ADDRESSES):
        wrong.failed(f"10.0.{number // 256}.{number % 256}")
    assert wrong.known_addresses == MAX_ADDRESSES
