"""The rows, with what Chromium made of each (``outcomes.json``)."""

from collections.abc import Iterator
from pathlib import Path

from tests.browser.http.policies import content_rows, document_rows, permission_rows
from tests.browser.http.policies.case import PolicyRow

__all__ = ["OUTCOMES", "PolicyRow", "unasked_rows"]

OUTCOMES = Path(__file__).with_name("outcomes.json")


def unasked_rows() -> Iterator[PolicyRow]:
    """The rows alone."""
    yield from document_rows.rows()
    yield from permission_rows.rows()
    yield from content_rows.rows()
