"""Series of checks as text: by check, by kind, in total."""

import io
from collections.abc import Iterable, Sequence

from msgspec import Struct
from rich.console import Console
from rich.table import Table
from rich.text import Text


class SeriesRow(Struct, frozen=True):
    """Series of one check in the default set and with ``PROBE_METRICS=full``, and their bytes."""

    check: str
    kind: str
    default: int
    full: int
    default_bytes: int
    full_bytes: int


def render(rows: Sequence[SeriesRow], *, full: bool, width: int, colour: bool) -> str:
    """The tables as text of the given width in columns; ``full``: which set is in force."""
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=colour, no_color=not colour)
    console.print(_table("Series by check", "CHECK", ((row.check, (row,)) for row in rows)))
    kinds = dict.fromkeys(row.kind for row in rows)
    by_kind = ((kind, [row for row in rows if row.kind == kind]) for kind in kinds)
    console.print(_table("\nSeries by kind", "KIND", by_kind))
    console.print(_table("\nTotal", "CHECKS", [(str(len(rows)), rows)]))
    used = "full" if full else "default"
    note = (
        f"\nPROBE_METRICS={used} is in force. Counted for checks that pass, with one machine and "
        "one source; a check that fails has up to six more."
    )
    console.print(Text(note))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _table(title: str, first: str, groups: Iterable[tuple[str, Sequence[SeriesRow]]]) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(first, overflow="fold")
    for column in ("DEFAULT", "BYTES", "FULL", "BYTES"):
        table.add_column(column, justify="right")
    for name, rows in groups:
        figures = (
            sum(row.default for row in rows),
            sum(row.default_bytes for row in rows),
            sum(row.full for row in rows),
            sum(row.full_bytes for row in rows),
        )
        table.add_row(Text(name), *(str(figure) for figure in figures))
    return table
