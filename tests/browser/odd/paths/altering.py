"""Relays that alter connectivity checks, their answers, and datagrams of DTLS."""

from collections.abc import Iterator, Sequence
from typing import Any

from tests.browser.odd.paths.row import PathRow
from tests.turn.path import checks
from tests.turn.path.rules import Rule

_CHECK, _ANSWER, _DTLS = "checks altered", "answers to checks altered", "datagrams of DTLS altered"
_UNKNOWN_OPTIONAL, _UNKNOWN_REQUIRED = 0xC123, 0x0123
_SOFTWARE, _SHA256 = 0x8022, 0x001C
_BOTH: tuple[tuple[str, Sequence[Sequence[Any]]], ...] = (
    ("as it should be", []),
    ("MESSAGE-INTEGRITY wrong", [["flip", checks.INTEGRITY]]),
    ("no MESSAGE-INTEGRITY", [["remove", checks.INTEGRITY]]),
    ("FINGERPRINT wrong", [["flip", checks.FINGERPRINT], ["stale"]]),
    ("no FINGERPRINT", [["remove", checks.FINGERPRINT]]),
    ("neither of both", [["remove", checks.INTEGRITY], ["remove", checks.FINGERPRINT]]),
    ("MESSAGE-INTEGRITY twice", [["append", checks.INTEGRITY, "00" * 20]]),
    ("a wrong MESSAGE-INTEGRITY ahead", [["insert", checks.INTEGRITY, "00" * 20]]),
    ("MESSAGE-INTEGRITY-SHA256 behind", [["append", _SHA256, "00" * 32]]),
    ("SOFTWARE behind", [["append", _SOFTWARE, "61626364"]]),
    ("SOFTWARE ahead", [["insert", _SOFTWARE, "61626364"]]),
    ("an unknown attribute behind", [["append", _UNKNOWN_OPTIONAL, "61626364"]]),
    ("an unknown attribute that must be understood behind", [["append", _UNKNOWN_REQUIRED, "61"]]),
    ("FINGERPRINT of before SOFTWARE was put in", [["append", _SOFTWARE, "61626364"], ["stale"]]),
    ("another transaction id", [["transaction"]]),
    ("no cookie", [["cookie"]]),
    ("ERROR-CODE behind", [["append", checks.ERROR_CODE, "0000045700"]]),
)
_OF_CHECKS: tuple[tuple[str, Sequence[Sequence[Any]]], ...] = (
    ("USERNAME altered", [["flip", checks.USERNAME]]),
    ("no USERNAME", [["remove", checks.USERNAME]]),
    ("USERNAME twice", [["append", checks.USERNAME, "613a62"]]),
    ("another USERNAME ahead", [["insert", checks.USERNAME, "613a62"]]),
    ("PRIORITY altered", [["flip", checks.PRIORITY]]),
    ("no PRIORITY", [["remove", checks.PRIORITY]]),
    ("PRIORITY twice", [["append", checks.PRIORITY, "00000001"]]),
    ("no USE-CANDIDATE", [["remove", checks.USE_CANDIDATE]]),
    ("USE-CANDIDATE put in behind", [["append", checks.USE_CANDIDATE, ""]]),
    (
        "roles exchanged",
        [
            ["retype", checks.CONTROLLING, 1],
            ["retype", checks.CONTROLLED, checks.CONTROLLING],
            ["retype", 1, checks.CONTROLLED],
        ],
    ),
    ("ICE-CONTROLLING put in behind", [["append", checks.CONTROLLING, "ff" * 8]]),
    ("ICE-CONTROLLED put in behind", [["append", checks.CONTROLLED, "ff" * 8]]),
    ("sent as an indication", [["kind", 0x0011]]),
    ("sent as a success", [["kind", 0x0101]]),
    ("sent as an Allocate", [["kind", 0x0003]]),
)
_OF_ANSWERS: tuple[tuple[str, Sequence[Sequence[Any]]], ...] = (
    ("XOR-MAPPED-ADDRESS altered", [["flip", checks.MAPPED]]),
    ("no XOR-MAPPED-ADDRESS", [["remove", checks.MAPPED]]),
    ("another XOR-MAPPED-ADDRESS behind", [["append", checks.MAPPED, "0001a147e112a643"]]),
    ("another XOR-MAPPED-ADDRESS ahead", [["insert", checks.MAPPED, "0001a147e112a643"]]),
    ("sent as an error", [["kind", 0x0111]]),
    ("sent as a request", [["kind", 0x0001]]),
)
_CODES = (300, 400, 401, 403, 420, 430, 437, 438, 441, 487, 500, 699)


def altering() -> Iterator[PathRow]:
    """All of them."""
    yield from _of(_CHECK, "check", "checks", (*_BOTH, *_OF_CHECKS))
    yield from _of(_ANSWER, "answer", "answers", (*_BOTH, *_OF_ANSWERS))
    for code in _CODES:
        for words, more in (("", []), (", and the right answer behind", [["and-right"]])):
            edits = [["refuse", code], *more]
            yield PathRow(
                _ANSWER,
                f"answers: error {code}{words}",
                rules=[Rule("edit", "answer", value=edits)],
            )
        first = [Rule("edit", "answer", value=[["refuse", code]], count=2)]
        yield PathRow(_ANSWER, f"answers: error {code} instead of the first two", rules=first)
    yield from _dtls()


def _of(
    group: str, sort: str, words: str, edits: Sequence[tuple[str, Sequence[Sequence[Any]]]]
) -> Iterator[PathRow]:
    for name, each in edits:
        yield PathRow(group, f"{words}: {name}", rules=[Rule("edit", sort, value=each)])
    for side in ("offering", "answering"):
        for name, each in edits[1:6]:
            rule = Rule("edit", sort, side, each)
            yield PathRow(group, f"{words} by the {side} side: {name}", rules=[rule])
    for name, each in edits[1:6]:
        rule = Rule("edit", sort, value=each, count=5)
        yield PathRow(group, f"the first five {words}: {name}", rules=[rule])


def _dtls() -> Iterator[PathRow]:
    for side in ("offering", "answering"):
        for number in range(1, 7):
            for name, does, value in (
                ("its last byte altered", "flip", -1),
                ("its first byte altered", "flip", 0),
                ("its 30th byte altered", "flip", 30),
                ("without its last byte", "cut", 1),
                ("4 zeros behind it", "grow", 4),
            ):
                rule = Rule(does, "dtls", side, value, first=number - 1, count=1)
                yield PathRow(_DTLS, f"datagram {number} by the {side} side: {name}", rules=[rule])
