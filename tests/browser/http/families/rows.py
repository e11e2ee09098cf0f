"""The rows, with what Chromium 156 made of each (``outcomes.json``)."""

from collections.abc import Iterator
from pathlib import Path

from tests.browser.http.asking import AskedRow
from tests.browser.http.families.server import (
    ANSWERS,
    NO_HANDSHAKE,
    NO_TLS,
    PAGE,
    REFUSES,
    SILENT,
    STRANGER,
)

OUTCOMES = Path(__file__).with_name("outcomes.json")
_ODD = (*ANSWERS, "an end", "an end at once", "a reset at once", "a page, late", REFUSES, SILENT)


class FamilyRow(AskedRow, frozen=True):
    """``manners`` are those of IPv6 and of IPv4."""

    group: str
    manners: tuple[str, str]
    tls: bool

    @property
    def name(self) -> str:
        """No other row has it."""
        sixth, fourth = self.manners
        return f"{self.group}: IPv6 {sixth}, IPv4 {fourth}"


def unasked_rows() -> Iterator[FamilyRow]:
    """The rows alone."""
    for tls, group in ((False, "two families, http"), (True, "two families, https")):
        odd = (*_ODD, *((NO_TLS, STRANGER, NO_HANDSHAKE) if tls else ()))
        for each in odd:
            if each != PAGE and each != NO_HANDSHAKE:
                yield FamilyRow(group, (each, PAGE), tls)
            if each != PAGE:
                yield FamilyRow(group, (PAGE, each), tls)
        for manners in ((SILENT, "500"), (REFUSES, "500"), (REFUSES, "a page, late")):
            yield FamilyRow(group, manners, tls)
        yield FamilyRow(group, (REFUSES, REFUSES), tls)
        yield FamilyRow(group, (PAGE, PAGE), tls)
