"""How many bytes of TLS may come without content."""

import pytest

from probe.net.protocol.sliced_socket import (
    MOST_WITHOUT_CONTENT,
    RecordBudget,
    RecordFlood,
    pause_after,
)

RECORD, KEY_UPDATE, LARGEST = 29, 27, 16384 + 256


def test_records_of_one_byte_are_no_flood_however_many_there_are() -> None:
    budget = RecordBudget()
    for _ in range(100_000):
        budget.spend(RECORD)
        budget.earn(1)


def test_a_record_of_the_largest_size_comes_before_its_content() -> None:
    budget = RecordBudget()
    for _ in range(100):
        budget.spend(LARGEST)
        budget.earn(16384)


@pytest.mark.parametrize("content", [0, 1])
def test_key_updates_are_a_flood_though_a_byte_comes_with_every_twenty_of_them(
    content: int,
) -> None:
    budget = RecordBudget()

    def receive() -> None:
        for _ in range(2 * MOST_WITHOUT_CONTENT // KEY_UPDATE):
            budget.spend(20 * KEY_UPDATE + content)
            budget.earn(content)

    with pytest.raises(RecordFlood):
        receive()


def test_content_earns_no_more_than_there_was_at_the_start() -> None:
    budget = RecordBudget()
    budget.earn(10_000_000)
    with pytest.raises(RecordFlood):
        budget.spend(MOST_WITHOUT_CONTENT + 1)


@pytest.mark.parametrize(
    ("received", "busy", "pause"),
    [(1000, 0.5, 0.0), (1 << 20, 0.0005, 0.0), (1 << 20, 0.004, 0.012), (1 << 20, 0.5, 0.03)],
)
def test_a_slice_of_many_that_takes_long_is_followed_by_a_rest(
    received: int, busy: float, pause: float
) -> None:
    assert pause_after(received, busy) == pytest.approx(pause)
