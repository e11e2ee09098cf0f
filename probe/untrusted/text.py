"""Text from outside: without secrets, without control characters, and bounded; lists of names.

A run of a check sets the redactor that applies to it (``redacting``), so that an excerpt is
redacted before it is cut: half a secret would be one that no pattern finds any more.
"""

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from functools import lru_cache

# Of a failure's message, a hint, a fact.
MAX_TEXT = 500
# Of one name or sentence of a target's within a message.
MAX_EXCERPT = 80
# Of a label's value in Prometheus.
MAX_LABEL = 256
# How much more than what is shown is redacted before it is cut: longer than any secret but
# such tokens as are known by how they begin.
_WINDOW = 1024

# Controls, formats (direction overrides, zero widths), surrogates, line and paragraph ends.
_HOSTILE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_SPACES = frozenset("\t\n\v\f\r\x85\u2028\u2029")
# Of difflib: at 0.6 "cron" is "reason".
_LIKENESS = 0.65
_LOGGING_COMMAND = re.compile(r"#(?=#\w*\[)")
_INSTEAD = "·"
_LOGIN = re.compile(r"(?<=/)[^/@\s:]*:[^/@\s]*@")
_KEY_LIKE = re.compile(r"[\w+=~%-]{16,}+(?!\.)")

Redact = Callable[[str], str]


def _unchanged(text: str) -> str:
    return text


_redact: ContextVar[Redact] = ContextVar("redact", default=_unchanged)


class redacting:
    """Within it, and in tasks that are created within it, ``redact`` applies to excerpts."""

    __slots__ = ("_redact", "_token")

    def __init__(self, redact: Redact) -> None:
        self._redact = redact

    def __enter__(self) -> None:
        self._token = _redact.set(self._redact)

    def __exit__(self, *_: object) -> None:
        _redact.reset(self._token)


def untrusted(text: str, longest: int = MAX_TEXT) -> str:
    """One line of at most ``longest`` characters that is safe to show, store and export."""
    return _safe(_redact.get(), text[: longest + _WINDOW], longest)


@lru_cache(maxsize=1024)
def _safe(redact: Redact, text: str, longest: int) -> str:
    """A target says mostly the same in every run."""
    return _LOGGING_COMMAND.sub(_INSTEAD, one_line(redact(text), longest))


def redacted(text: str) -> str:
    """The text without secrets, for whoever cuts it in a way of their own."""
    return _redact.get()(text)


def excerpt(text: str, longest: int = MAX_EXCERPT) -> str:
    """A name or a sentence of a target's, for use within a message."""
    return untrusted(text, longest).strip()


def is_decimal(text: str, digits: int = 5) -> bool:
    """Whether it is a number of at most so many digits that ``int`` reads: ``isdigit`` alone also
    takes ``²``."""
    return text.isascii() and text.isdigit() and len(text) <= digits


def odd_letter(text: str) -> str:
    """The first character of a text that is none of ASCII, by its name: ``U+0435 (cyrillic small
    letter ie)``; empty for none."""
    for each in text:
        if not each.isascii():
            name = unicodedata.name(each, "no character").lower()
            return f"{one_line(each, 6)} is U+{ord(each):04X} ({name})"
    return ""


def without_login(text: str) -> str:
    """A text without what may be user and password of the addresses in it."""
    return _LOGIN.sub("…@", text)


def without_keys(text: str) -> str:
    """A text without what may be tokens and keys in it: many letters and digits, mixed. A label of
    a host's name has a dot behind it and stays."""
    return _KEY_LIKE.sub(_without_key, text)


def _without_key(found: re.Match[str]) -> str:
    text = found[0]
    is_mixed = any(map(str.isdigit, text)) and any(map(str.isalpha, text))
    return "…" if is_mixed else text


def listed(names: Sequence[str], most: int, show: Callable[[str], str] = str) -> str:
    """The first names of a list, each as ``show`` gives it, and how many more there are."""
    shown = ", ".join(map(show, names[:most]))
    more = len(names) - most
    return f"{shown} and {more} more" if more > 0 else shown


def enumerated(names: Sequence[str]) -> str:
    """All names of a list that has any: ``a``, ``a and b``, ``a, b and c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def suggest(word: str, known: Iterable[str], otherwise: str | None = None) -> str:
    """The known name that is closest to ``word``, to end an error message with; if none is close
    ``otherwise``, or all of them."""
    names = list(known)
    folded = {_folded(name): name for name in reversed(names)}
    close = difflib.get_close_matches(_folded(word), folded, n=1, cutoff=_LIKENESS)
    if close:
        return f': did you mean "{folded[close[0]]}"?'
    if otherwise is not None or not names:
        return otherwise or ""
    return f"; known are {', '.join(names)}"


def _folded(word: str) -> str:
    return word.strip().casefold().replace("-", "_").replace(" ", "_")


def one_line(text: str, longest: int) -> str:
    """One line without anything that moves a cursor, hides, or turns text around.

    Line ends and tabs become spaces; other such characters are shown as ``\\x1b``.
    """
    if text.isascii() and text.isprintable():
        return _shorter(text, longest)
    return _shorter("".join(_visible(character) for character in text[: longest + 1]), longest)


def _visible(character: str) -> str:
    if character in _SPACES:
        return " "
    code = ord(character)
    if unicodedata.category(character) in _HOSTILE or _is_noncharacter(code):
        return character.encode("unicode_escape").decode("ascii")
    return character


def _is_noncharacter(code: int) -> bool:
    return code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF


def _shorter(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
