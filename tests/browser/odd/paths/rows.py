"""All rows, with what Chromium 156 made of each (``outcomes.json``)."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import structs

from tests.browser import odd_rows
from tests.browser.odd.paths.altering import altering
from tests.browser.odd.paths.ending import ending
from tests.browser.odd.paths.losing import losing
from tests.browser.odd.paths.row import PathRow

_OUTCOMES = Path(__file__).with_name("outcomes.json")


def path_rows() -> Sequence[PathRow]:
    """The rows that Chromium was asked about."""
    kept = kept_outcomes()
    return [structs.replace(row, chromium=kept[row.name]) for row in unasked_rows()]


def kept_outcomes() -> dict[str, str]:
    """By the rows' names."""
    return odd_rows.kept_outcomes(_OUTCOMES)


def unasked_rows() -> Iterator[PathRow]:
    """The rows alone."""
    yield from losing()
    yield from altering()
    yield from ending()


def write_outcomes(found: Mapping[str, str]) -> None:
    """Keep what Chromium makes of them."""
    odd_rows.keep_outcomes(_OUTCOMES, found)
