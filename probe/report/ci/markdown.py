"""Markdown as GitHub and GitLab render it."""

import re
import string
from collections.abc import Iterator, Sequence

from probe.report.text.sanitize import clean, without_references

# GitHub refuses a step summary of more than 1 MiB; a little is left for other steps.
MAX_SUMMARY = 1_000_000
_CUT_OFF = "\n\n*The rest is left out: the summary is too long.*\n"
# Everything else that is punctuation may mean something in GitHub's Markdown or HTML.
_HARMLESS = frozenset(" ,.;/-()%='?")
_ENTITIES = {
    ord(character): f"&#{ord(character)};"
    for character in string.punctuation
    if character not in _HARMLESS
}


# GitHub makes a link of what begins so; the other kinds need a colon or an at sign.
_WWW = re.compile(r"(?<=www)\.", re.IGNORECASE)


def escaped(text: str) -> str:
    """Text as it is, in any place of a Markdown document.

    Character references never are structure (CommonMark 6.2, "Entity and numeric
    character references"), not even for a table's pipes. Nobody is mentioned.
    """
    return without_references(clean(text).strip(), _as_entities)


def _as_entities(text: str) -> str:
    return _WWW.sub("&#46;", text.translate(_ENTITIES))


def mermaid_label(text: str) -> str:
    """Only what has no meaning in a Mermaid diagram."""
    return re.sub(r"(?:[^\w .,/-]|_)+", " ", clean(text)).strip()[:60] or "event"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table; its cells are escaped already."""
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def bounded(text: str, most: int = MAX_SUMMARY) -> str:
    """The text, cut after a whole line where it has more bytes than that."""
    if len(text.encode()) <= most:
        return text
    kept = text.encode()[: most - len(_CUT_OFF.encode())].decode(errors="ignore")
    # Whole lines only: half an entity or half a row would show.
    return kept[: kept.rfind("\n")] + _CUT_OFF
