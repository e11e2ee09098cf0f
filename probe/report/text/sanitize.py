"""Text that came from a target, made harmless before anybody or anything reads it."""

import re
import unicodedata

# A target's answer is an answer, not a book.
LONGEST = 2000

# Controls, formats (direction overrides, zero widths), surrogates, line and paragraph ends.
_HOSTILE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_SPACES = frozenset("\t\n\v\f\r\x85\u2028\u2029")
_WORKFLOW_COMMAND = re.compile(r"^(\s*):(?=:.*::)", re.MULTILINE)
_LOGGING_COMMAND = re.compile(r"#(?=#\w*\[)")
_INSTEAD = "·"


def clean(text: str) -> str:
    """One line without anything that moves a cursor, hides, or turns text around.

    Line ends and tabs become spaces; other such characters are shown as ``\\x1b``.
    """
    if text.isascii() and text.isprintable():
        return _shorter(text)
    return _shorter("".join(_visible(character) for character in text[: LONGEST + 1]))


def without_commands(text: str) -> str:
    """Keep lines from being taken for commands by a CI service that reads the log.

    GitHub takes ``::name::`` at the start of a line, blanks apart, and ``##[name]``
    anywhere; Azure and TeamCity ``##vso[`` and ``##teamcity[``. Lines keep their length.
    """
    return _LOGGING_COMMAND.sub(_INSTEAD, _WORKFLOW_COMMAND.sub(rf"\1{_INSTEAD}", text))


def cut(text: str, longest: int) -> str:
    """Leave out the middle: the start of an address tells the host, the end the path."""
    if len(text) <= longest:
        return text
    tail = max((longest - 1) // 3, 0)
    return f"{text[: longest - 1 - tail]}…{text[len(text) - tail :]}"


def _visible(character: str) -> str:
    if character in _SPACES:
        return " "
    code = ord(character)
    if unicodedata.category(character) in _HOSTILE or _is_noncharacter(code):
        return character.encode("unicode_escape").decode("ascii")
    return character


def _is_noncharacter(code: int) -> bool:
    return code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF


def _shorter(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
