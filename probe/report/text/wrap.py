"""Lines that go on below their text where a terminal is narrow, so that no remedy is cut off."""

from collections.abc import Sequence

from rich.cells import cell_len

from probe.report.text.units import JOINT


def wrapped(text: str, width: int, column: int = 0) -> list[str]:
    """A text in lines of at most ``width`` columns, broken between words; from the second on they
    begin at ``column``. Only a word that is wider than a line is broken itself."""
    first, *words = text.split(" ")
    lines, line, indent = list[str](), first, " " * min(column, width // 2)
    for word in words:
        if cell_len(f"{line} {word}") <= width:
            line = f"{line} {word}"
            continue
        *full, last = _broken(line, width, indent)
        lines += [*full, last.rstrip()] if last.strip() else full
        line = indent + word
    return [*lines, *(each.rstrip() for each in _broken(line, width, indent))]


def filled(pieces: Sequence[str], width: int) -> list[str]:
    """Lines of whole pieces: a number stays with its unit and its name."""
    lines: list[str] = []
    for piece in pieces:
        longer = f"{lines[-1]}{JOINT}{piece}" if lines else piece
        if lines and cell_len(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(piece)
    return lines


def _broken(line: str, width: int, indent: str) -> list[str]:
    found = []
    while cell_len(line) > width:
        end = max(_fitting(line, width), len(indent) + 1)
        found.append(line[:end])
        line = indent + line[end:]
    return [*found, line]


def _fitting(text: str, width: int) -> int:
    """How many of the first characters fit, at least one."""
    used = 0
    for at, character in enumerate(text):
        used += cell_len(character)
        if used > width:
            return max(at, 1)
    return len(text)
