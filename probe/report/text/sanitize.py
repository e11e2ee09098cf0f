"""Sanitizes text that came from a target."""

import re
from collections.abc import Callable

from probe.untrusted.text import one_line

# Longest text that is kept.
MAX_TEXT = 2000

_WORKFLOW_COMMAND = re.compile(r"^(\s*):(?=:.*::)", re.MULTILINE)
_LOGGING_COMMAND = re.compile(r"#(?=#\w*\[)")
_INSTEAD = "·"
# `@name`, `#1`, `GH-1`, and GitLab's `!1`, `$1`, `%1`, `&1` and `~label`.
_REFERENCE = re.compile(r"@|[#!$%&](?=\d)|~(?=[\w\"'])|\bGH-(?=\d)", re.IGNORECASE)
_OMITTED = " … "
_APART = "\N{ZERO WIDTH SPACE}"


def clean(text: str) -> str:
    """One line without anything that moves a cursor, hides, or turns text around.

    Line ends and tabs become spaces; other such characters are shown as ``\\x1b``.
    """
    return one_line(text, MAX_TEXT)


def without_commands(text: str) -> str:
    """Keep lines from being taken for commands by a CI service that reads the log.

    GitHub takes ``::name::`` at the start of a line, blanks apart, and ``##[name]``
    anywhere; Azure and TeamCity ``##vso[`` and ``##teamcity[``. Lines keep their length.
    """
    return _LOGGING_COMMAND.sub(_INSTEAD, _WORKFLOW_COMMAND.sub(rf"\1{_INSTEAD}", text))


def without_references(text: str, markup: Callable[[str], str]) -> str:
    """Markdown of a clean text, made by ``markup``, that notifies nobody and links to no issue.

    GitHub and GitLab look for references in what they have rendered, so that no escaping keeps them
    from it; a character without width after the sign does.
    """
    parts = markup(_REFERENCE.sub(rf"\g<0>{_APART}", text))
    return parts.replace(_APART, f"&#{ord(_APART)};")


def cut(text: str, longest: int) -> str:
    """Leave out the middle: the start of a URL has the host, the end the path."""
    if len(text) <= longest:
        return text
    tail = max((longest - 1) // 3, 0)
    return f"{text[: longest - 1 - tail]}…{text[len(text) - tail :]}"


def cut_between_words(text: str, longest: int, ending: str = "") -> str:
    """Leave out words before the ``ending`` (by default of the middle): an address that is cut
    leads nowhere. Only a word that alone would take most of the room is cut itself."""
    if len(text) <= longest:
        return text
    tail = ending if 0 < len(ending) <= longest // 2 else _last_words(text, longest)
    room = longest - len(tail) - len(_OMITTED)
    head = text[: room + 1].rpartition(" ")[0]
    if len(head) < room // 2 or len(tail) > longest * 2 // 3:
        return cut(text, longest)
    return f"{head}{_OMITTED}{tail}".rstrip()


def _last_words(text: str, longest: int) -> str:
    """Whole words of the end: a third of the room, and one at least."""
    start = text.find(" ", len(text) - longest // 3)
    if start < 0:
        start = text.rfind(" ")
    return text[start + 1 :]


def truncate(text: str, longest: int) -> str:
    """A target's text, clean and not longer than a page has room for."""
    return cut(clean(text), longest)
