"""Finds known texts in a text that is encoded: a secret that a target repeats in escapes.

What stands for a character is decoded: percent-encoding (RFC 3986), quoted-printable (RFC 2045),
escapes of JSON and of programming languages, character references of HTML. What only divides a text
is left out: the folds of header fields and of MIME's base64, the zero bytes of UTF-16, invisible
characters. Up to three layers; each is read once.
"""

import html
import re
from collections.abc import Iterator

from msgspec import Struct

_LAYERS = 3
_TOKEN = re.compile(
    r"%(?:25){0,8}(?P<percent>[0-9A-Fa-f]{2})|%u(?P<script>[0-9A-Fa-f]{4})"
    r"|=(?P<quoted>[0-9A-F]{2})"
    r"|\\u(?P<json>[0-9A-Fa-f]{4})|\\u\{(?P<braced>[0-9A-Fa-f]{1,6})\}"
    r"|\\U(?P<wide>[0-9A-Fa-f]{8})|\\x(?P<byte>[0-9A-Fa-f]{2})|\\(?P<octal>[0-3][0-7]{2})"
    r"|(?P<reference>&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|amp|lt|gt|quot|apos);)"
    r"|(?P<fold>=?\r?\n[ \t]*|=?(?:\\r)?\\n(?:[ \t]|\\t)*)"
    r"|\\(?P<plain>[/\"'\\])"
    r"|(?P<left_out>[\x00-\x08\x0b-\x1f\x7f\xad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff\ufffd]+)"
)
_BASES = {
    **dict.fromkeys(("percent", "script", "quoted", "json", "braced", "wide", "byte"), 16),
    "octal": 8,
}
_LAST = 0x10FFFF


class Decoded(Struct, frozen=True):
    """A decoded text; its character ``n`` is made of ``[starts[n], ends[n])`` of the first one."""

    text: str
    starts: list[int]
    ends: list[int]


def layers(text: str) -> Iterator[Decoded]:
    """What the text says after each decoding; nothing where there is nothing to decode."""
    last = Decoded(text, [], [])
    for _ in range(_LAYERS):
        decoded = _decode(last)
        if decoded is None:
            return
        yield decoded
        last = decoded


def masked(text: str, spans: list[tuple[int, int]], mask: str) -> str:
    """The text with a mask in the place of each span; those that touch have one."""
    shown, at = [], 0
    for start, end in sorted(spans):
        if start >= at:
            shown += [text[at:start], mask]
        at = max(at, end)
    return "".join([*shown, text[at:]])


def _decode(last: Decoded) -> Decoded | None:
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []

    def take(characters_of: str, start: int, end: int, *, each: bool) -> None:
        characters.append(characters_of)
        for number in range(len(characters_of)):
            begin, stop = (start + number, start + number + 1) if each else (start, end)
            starts.append(last.starts[begin] if last.starts else begin)
            ends.append(last.ends[stop - 1] if last.ends else stop)

    at = 0
    for match in _TOKEN.finditer(last.text):
        take(last.text[at : match.start()], at, match.start(), each=True)
        take(_meaning(match), match.start(), match.end(), each=False)
        at = match.end()
    if at == 0:
        return None
    take(last.text[at:], at, len(last.text), each=True)
    return Decoded("".join(characters), starts, ends)


def _meaning(match: re.Match[str]) -> str:
    kind, found = match.lastgroup or "", match[match.lastgroup or 0]
    if kind in _BASES:
        number = int(found, _BASES[kind])
        return chr(number) if number <= _LAST else ""
    if kind == "reference":
        return html.unescape(found)
    return found if kind == "plain" else ""
