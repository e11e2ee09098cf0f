"""The rows, with what Chromium 156 made of each (``outcomes.json``)."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from tests.browser.http.certificates.case import CertificateRow
from tests.browser.http.certificates.chain_rows import chains, constraints, odd
from tests.browser.http.certificates.date_rows import dates, signatures, uses
from tests.browser.http.certificates.name_rows import names
from tests.browser.odd_rows import kept_outcomes

OUTCOMES = Path(__file__).with_name("outcomes.json")


def certificate_rows() -> Sequence[CertificateRow]:
    """The rows that Chromium was asked about."""
    kept = kept_outcomes(OUTCOMES)
    return [replace(row, chromium=kept[row.name]) for row in unasked_rows()]


def unasked_rows() -> Iterator[CertificateRow]:
    """The rows alone."""
    for each in (names, dates, uses, signatures, chains, constraints, odd):
        yield from each()
