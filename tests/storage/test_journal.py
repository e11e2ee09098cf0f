"""A journal survives a full disk, damage anywhere in it, and the removal of its files."""

import os
from pathlib import Path
from random import Random
from typing import Any

from probe.storage.journal import MAX_CLOSED, SIZE, Journal, newest


def record(number: int, key: str = "a", state: str = "open") -> dict[str, Any]:
    """The n-th record of a key."""
    return {"k": key, "n": number, "s": state, "text": "x" * 200}


def written(folder: Path, count: int) -> dict[str, dict[str, Any]]:
    """A journal of so many records of ten keys; the newest of each."""
    journal, records = Journal(folder, "test"), {}
    for number in range(1, count + 1):
        each = record(number, f"key-{number % 10}")
        records[each["k"]] = each
        journal.append(each, records)
    journal.close()
    return records


def test_the_newest_record_of_each_key_is_there_again(tmp_path: Path) -> None:
    records = written(tmp_path, 25)
    found = Journal(tmp_path, "test").read()
    assert found.records == records
    assert found.complete


def test_a_full_file_is_compacted_into_the_other_one(tmp_path: Path) -> None:
    records = written(tmp_path, 5000)
    assert Journal(tmp_path, "test").read().records == records
    assert {path.stat().st_size for path in tmp_path.iterdir()} == {SIZE}


def test_its_space_is_taken_when_it_is_made(tmp_path: Path) -> None:
    written(tmp_path, 1)
    (path,) = tmp_path.iterdir()
    assert path.stat().st_blocks * 512 >= SIZE


def test_a_damaged_line_costs_that_line_alone(tmp_path: Path) -> None:
    written(tmp_path, 20)
    path = next(tmp_path.iterdir())
    random = Random(1)
    for _ in range(200):
        raw = bytearray(path.read_bytes())
        place = random.randrange(len(raw.rstrip(b"\0")))
        raw[place] ^= 1 << random.randrange(8)
        path.write_bytes(raw)
        found = Journal(tmp_path, "test").read()
        raw[place] ^= 0
        assert len(found.records) <= 10
        assert all(each["text"] == "x" * 200 for each in found.records.values())


def test_a_file_that_is_removed_meanwhile_is_rewritten(tmp_path: Path) -> None:
    journal, records = Journal(tmp_path, "test"), {"a": record(1)}
    journal.append(records["a"], records)
    for path in tmp_path.iterdir():
        os.unlink(path)
    records["b"] = record(2, "b")
    journal.append(records["b"], records)
    assert Journal(tmp_path, "test").read().records == records


def test_a_torn_compaction_leaves_the_file_before(tmp_path: Path) -> None:
    records = written(tmp_path, 5000)
    for path in tmp_path.iterdir():
        raw = path.read_bytes()
        other = Journal(tmp_path, "test").read()
        path.write_bytes(raw[:10])
        found = Journal(tmp_path, "test").read()
        assert set(found.records) <= set(records)
        path.write_bytes(raw)
        assert other.records == records


def test_of_what_is_closed_the_newest_are_kept() -> None:
    records = {str(n): record(n, str(n), "closed") for n in range(MAX_CLOSED + 50)}
    records["open"] = record(0, "open")
    kept = newest(records)
    assert len(kept) == MAX_CLOSED + 1
    assert "open" in kept
    assert "0" not in kept
