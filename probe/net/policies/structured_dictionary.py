"""Dictionaries of structured fields (RFC 8941, 3.2 and 4.2.2).

One mistake anywhere has the whole field ignored, and so it is here.
"""

import re
from collections.abc import Mapping, Sequence

from msgspec import Struct

_KEY = r"[a-z*][a-z0-9_.*-]*+"
_TOKEN = r"[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*+"
_STRING = r'"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*+"'
_OTHER = r"-?[0-9]{1,12}\.[0-9]{1,3}|-?[0-9]{1,15}|\?[01]|:[A-Za-z0-9+/=]*+:"
_BARE_ITEM = rf"(?:{_TOKEN}|{_STRING}|{_OTHER})"
_PARAMETERS = rf"(?:; *+{_KEY}(?:={_BARE_ITEM})?+)*+"
_MEMBER_KEY = re.compile(_KEY)
_ITEM = re.compile(rf"(?:({_TOKEN})|({_STRING})|{_OTHER}){_PARAMETERS}")
_ALL_PARAMETERS = re.compile(_PARAMETERS)
_ESCAPED = re.compile(r"\\(.)")
_BLANKS = re.compile(r"[ \t]*+")


class Item(Struct, frozen=True):
    """The text of a token or a string; empty for a number, a boolean or bytes."""

    text: str = ""
    is_token: bool = False


def parse_dictionary(text: str) -> Mapping[str, Sequence[Item]] | None:
    """The items of each member by its key, one or those of an inner list; None for a field that
    is none. Of a key that repeats the last member counts."""
    text = text.strip(" ")
    members: dict[str, Sequence[Item]] = {}
    at = 0
    while at < len(text):
        key = _MEMBER_KEY.match(text, at)
        if key is None:
            return None
        items, end = _value(text, key.end())
        if end < 0:
            return None
        members[key[0]] = items
        at = _behind(_BLANKS, text, end)
        if at == len(text):
            return members
        following = _behind(_BLANKS, text, at + 1)
        if text[at] != "," or following == len(text):
            return None
        at = following
    return members


def _value(text: str, at: int) -> tuple[Sequence[Item], int]:
    """What is behind a key, and where it ends: -1 where it is no value."""
    if not text.startswith("=", at):
        return (Item(),), _behind(_ALL_PARAMETERS, text, at)
    if text.startswith("(", at + 1):
        return _inner_list(text, at + 2)
    found = _ITEM.match(text, at + 1)
    return ((_item(found),), found.end()) if found else ((), -1)


def _inner_list(text: str, at: int) -> tuple[Sequence[Item], int]:
    items: list[Item] = []
    while True:
        separated = text.startswith(" ", at)
        while text.startswith(" ", at):
            at += 1
        if text.startswith(")", at):
            return items, _behind(_ALL_PARAMETERS, text, at + 1)
        found = _ITEM.match(text, at)
        if found is None or (items and not separated):
            return (), -1
        items.append(_item(found))
        at = found.end()


def _item(found: re.Match[str]) -> Item:
    if found[1] is not None:
        return Item(found[1], is_token=True)
    return Item(_ESCAPED.sub(r"\1", found[2][1:-1])) if found[2] is not None else Item()


def _behind(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at
