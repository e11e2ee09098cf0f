"""The rows, with what Chromium 156 made of each (``outcomes.json``)."""

from collections.abc import Iterator
from pathlib import Path

from tests.browser.http.certificates.case import CertificateRow
from tests.browser.http.certificates.chain_rows import chains, constraints, odd
from tests.browser.http.certificates.date_rows import dates, signatures, uses
from tests.browser.http.certificates.name_rows import names

OUTCOMES = Path(__file__).with_name("outcomes.json")


def unasked_rows() -> Iterator[CertificateRow]:
    """The rows alone."""
    for each in (names, dates, uses, signatures, chains, constraints, odd):
        yield from each()
