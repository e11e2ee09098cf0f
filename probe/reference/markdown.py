"""Markdown: tables, and blocks of a page that are made anew in place."""

import re
from collections.abc import Iterable, Mapping, Sequence

_BLOCK = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- /generated -->)", re.DOTALL)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells may hold anything."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join("| " + " | ".join(cell(each) for each in line) + " |\n" for line in lines)


def cell(text: str) -> str:
    """Text for one cell: one line, with no mark that ends it."""
    return " ".join(text.split()).replace("|", "\\|") if text else ""


def code(text: str) -> str:
    """Text as code; nothing for nothing."""
    if not text:
        return ""
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}"


def filled(page: str, blocks: Mapping[str, str]) -> str:
    """A page with its generated blocks made anew. Raises KeyError for a block that is none."""

    def replaced(found: re.Match[str]) -> str:
        return f"{found[1]}{blocks[found[2]].strip()}\n{found[3]}"

    return _BLOCK.sub(replaced, page)
