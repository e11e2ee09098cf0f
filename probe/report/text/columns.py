"""Rows as aligned columns that fit a width: what has no room stands below its row, with its
heading."""

from collections.abc import Iterator, Sequence

from rich.cells import cell_len

from probe.report.text.sanitize import clean
from probe.report.text.wrap import filled, wrapped

_GAP = 2
_INDENT = "    "
# A cell that says nothing.
_EMPTY = ("", "—", "-")


def columns(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    width: int,
    *,
    least: int = 2,
    figures: bool = False,
) -> Iterator[str]:
    """The first columns in the order of their importance, ``least`` of them however narrow it is;
    the others below each row. ``figures``: all but the first column are aligned to the right."""
    cells = [[clean(cell) for cell in row] for row in (header, *rows)]
    widths = [max(cell_len(row[place]) for row in cells) for place in range(len(header))]
    shown = _fitting(widths, width, least)
    for number, row in enumerate(cells):
        fitted = [
            _padded(cell, widths[place], right=figures and place > 0)
            for place, cell in enumerate(row[:shown])
        ]
        line = (" " * _GAP).join(fitted).rstrip()
        yield from wrapped(line, width, len(_INDENT))
        if number:
            rest = zip(header[shown:], row[shown:], strict=True)
            pieces = [f"{name.lower()} {cell}" for name, cell in rest if cell not in _EMPTY]
            for each in filled(pieces, width - len(_INDENT)):
                yield from wrapped(f"{_INDENT}{each}", width, len(_INDENT))


def _fitting(widths: Sequence[int], width: int, least: int) -> int:
    """How many columns have room next to each other."""
    for count in range(len(widths), least, -1):
        if sum(widths[:count]) + _GAP * (count - 1) <= width:
            return count
    return least


def _padded(cell: str, width: int, *, right: bool) -> str:
    blanks = " " * (width - cell_len(cell))
    return blanks + cell if right else cell + blanks
