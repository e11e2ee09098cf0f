"""What to do about a text that ``tomllib`` refuses, in words for people."""

import re

from probe.untrusted.text import odd_letter

# Words of tomllib, and what to do.
_REMEDIES = {
    "Cannot overwrite a value": "the key is written twice: remove one",
    "Cannot declare": "the table is written twice: write its keys in one, or [[NAME]] for each",
    "Cannot mutate": "the table is written twice: write its keys in one",
    "Invalid value": "write texts in quotes, and true or false in small letters",
    "Unescaped '\\'": "write \\\\ for a backslash, or the text in single quotes",
    "Illegal character": "remove it, or write it as an escape",
    "Invalid statement": "write KEY = VALUE, [[KIND]] or # and a comment",
    "Expected '=' after a key": "write KEY = VALUE",
    "Expected newline or end of document": "write one KEY = VALUE a line, and nothing after it",
    "Expected ']]' at the end": "write [[KIND]]",
    "Expected ']' at the end": "write [NAME]",
    "Unclosed array": "close it with ]",
    "Unclosed inline table": "write { KEY = VALUE, KEY = VALUE } on one line",
    "Invalid initial character for a key part": (
        "write { KEY = VALUE } on one line, without a comma at its end"
    ),
}
_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)")
_TYPOGRAPHIC_QUOTES = "\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u00ab\u00bb"
_SEPARATORS = {",": "comma", ";": "semicolon"}
# A first line that no TOML has: a key alone with a colon, an item of a list, a document's begin.
_YAML = re.compile(r"\s*(#[^\n]*\n\s*)*(---\s*$|- |[\w-]+:(\s|$))", re.MULTILINE)


def remedy(message: str, text: str) -> str:
    """How to mend what tomllib's ``message`` says of ``text``; empty if nothing is known."""
    found = _character(message, text) or _other_format(text) or _known(message)
    return f": {found}" if found else ""


def _known(message: str) -> str:
    return next((remedy for words, remedy in _REMEDIES.items() if words in message), "")


def _other_format(text: str) -> str:
    if text.lstrip().startswith("{"):
        return "it is JSON: write [[KIND]], and KEY = VALUE below it"
    if _YAML.match(text):
        return "it is YAML: write [[KIND]], and KEY = VALUE below it"
    return ""


def _character(message: str, text: str) -> str:
    """What word processors, other editors and other languages put where TOML has quotes, blanks
    and line ends."""
    if "\0" in text[:2]:
        return "it is UTF-16 text: save it as UTF-8"
    if "\r" in text:
        return "its lines end in CR alone: save it with LF"
    place = _PLACE.search(message)
    if place is None:
        return ""
    line = text.split("\n")[int(place[1]) - 1]
    found = line[int(place[2]) - 1 : int(place[2])]
    if found in _SEPARATORS and "Expected newline" in message:
        return f"there is a {_SEPARATORS[found]} at the end: remove it"
    if found and found in _TYPOGRAPHIC_QUOTES:
        return f"{found} is a typographic quote: write \" or '"
    if found.isspace() and not found.isascii():
        return f"there is a U+{ord(found):04X} instead of a blank: write a blank"
    if found and not found.isprintable() and found not in "\n\t":
        return f"there is an invisible U+{ord(found):04X}: remove it"
    if found and not found.isascii():
        # Another alphabet's letter or digit, a dash that is no minus.
        return f"{odd_letter(found)}: write it in ASCII, or a text in quotes"
    return ""
