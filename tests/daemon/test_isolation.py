"""An exception of one consumer of results reaches no other one."""

import logging

import pytest

from probe.daemon.isolation import Isolation
from tests.clocks import Clock


def test_what_a_consumer_raises_is_counted_logged_once_a_minute_and_goes_no_further(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock(0.0)
    isolation = Isolation(clock)
    for _ in range(3):
        with isolation.consumer("metrics"):
            "\ud800".encode()
    with isolation.consumer("history"):
        pass
    assert isolation.errors == {"metrics": 3}
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    clock.pass_(60.0)
    with isolation.consumer("metrics"):
        "\ud800".encode()
    assert len(caplog.records) == 2
