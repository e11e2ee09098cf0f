"""How many bytes and records of TLS may come without content."""

import pytest

from probe.net.flow.tls_records import (
    MAX_RECORDS,
    MAX_WITHOUT_CONTENT,
    RecordBudget,
    RecordFlood,
)

KEY_UPDATE, MAX_RECORD = 27, 16384 + 256


def record(length: int) -> bytes:
    """A TLS record of so many bytes, its header included."""
    return b"\x17\x03\x03" + (length - 5).to_bytes(2) + bytes(length - 5)


def test_records_of_one_byte_are_no_flood_however_many_there_are() -> None:
    budget = RecordBudget()
    for _ in range(1000):
        budget.consume(100 * record(23))
        budget.credit(100)
        budget.check()


def test_a_record_of_the_largest_size_comes_before_its_content() -> None:
    budget = RecordBudget()
    for _ in range(100):
        budget.consume(record(MAX_RECORD))
        budget.check()
        budget.credit(16384)


def test_the_tickets_of_a_generous_server_are_no_flood() -> None:
    budget = RecordBudget()
    budget.consume(MAX_RECORDS * record(255))
    budget.check()


def test_key_updates_one_after_the_other_are_a_flood() -> None:
    budget = RecordBudget()
    budget.consume((MAX_RECORDS + 1) * record(KEY_UPDATE))
    with pytest.raises(RecordFlood):
        budget.check()


def test_key_updates_are_a_flood_though_a_byte_comes_with_every_twenty_of_them() -> None:
    budget = RecordBudget()

    def receive() -> None:
        for _ in range(MAX_WITHOUT_CONTENT // KEY_UPDATE):
            budget.consume(20 * record(KEY_UPDATE) + record(23))
            budget.credit(1)
            budget.check()

    with pytest.raises(RecordFlood):
        receive()


def test_content_earns_no_more_than_there_was_at_the_start() -> None:
    budget = RecordBudget()
    budget.credit(10_000_000)
    budget.consume(5 * record(MAX_RECORD))
    with pytest.raises(RecordFlood):
        budget.check()


@pytest.mark.parametrize("slice_size", [1, 3, 5, 27, 4096])
def test_records_are_counted_wherever_a_slice_ends(slice_size: int) -> None:
    budget, data = RecordBudget(), 40 * record(KEY_UPDATE) + 3 * record(5)
    slices = [data[at : at + slice_size] for at in range(0, len(data), slice_size)]
    assert sum(budget.consume(each) for each in slices) == 43


def test_what_comes_with_the_handshake_counts_for_nothing_but_its_records_are_followed() -> None:
    budget = RecordBudget()
    budget.consume(100 * record(255) + record(255)[:100])
    budget.begin()
    assert budget.consume(record(255)[100:] + record(KEY_UPDATE)) == 1
    budget.check()
