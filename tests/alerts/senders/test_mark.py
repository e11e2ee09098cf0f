"""The mark of the probe that has sent a message."""

import json

import pytest

from alerts.senders.mark import SenderMark, digest, marks_in, parse_mark, peers_digest, with_key

ID = "0123456789abcdef"


@pytest.mark.parametrize("region", ["lax", "", "two words", "at=1 region=x", "Tōkyō", 'a "b"\\'])
def test_a_mark_is_read_as_it_was_written(region: str) -> None:
    mark = SenderMark(ID, region, peers_digest(["a", "b"]), digest("k"), 1.7e9)
    assert parse_mark(str(mark)) == mark


@pytest.mark.parametrize(
    "text",
    [None, 3, "", "probe", str(SenderMark(ID, "x"))[:-20], f"{'x' * 9}{SenderMark(ID, 'x')}"],
)
def test_anything_else_is_no_mark(text: object) -> None:
    assert parse_mark(text) is None


def test_marks_are_found_wherever_a_service_puts_the_details() -> None:
    mark = SenderMark(ID, "lax")
    nested: object = {"sent_by": str(mark)}
    for _ in range(5):
        nested = {"body": [nested]}
    assert set(marks_in(nested)) == {mark}
    for _ in range(5000):
        nested = [nested]
    assert list(marks_in(nested)) == []


def test_a_mark_shows_no_key_and_no_address() -> None:
    key, peers = "R" * 32, ["http://10.1.2.3:9091"]
    text = with_key(str(SenderMark(ID, "lax", peers_digest(peers))), key)
    assert key not in text
    assert "10.1.2.3" not in text
    assert parse_mark(text) is not None
    assert with_key("", key) == ""
    assert json.loads(json.dumps(text)) == text


def test_lists_of_the_same_probes_have_one_digest_in_any_order() -> None:
    assert peers_digest(["http://a:1/", "http://B:1"]) == peers_digest(["http://b:1", "http://a:1"])
    assert peers_digest(["http://a:1"]) != peers_digest(["http://a:2"])
    assert peers_digest([]) == ""
