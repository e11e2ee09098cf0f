"""The tags of a page (HTML standard, 13.2.5), without those in comments, scripts and other texts.

A page is read once, from its beginning to its end. A megabyte of it may be nothing but tags or
attributes: whoever reads it gets a None after each TOGETHER of them, to let others run.
"""

import html
import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

SPACE = " \t\n\f\r"
MAX_ATTRIBUTE = 4096
MAX_PLAIN = 1 << 16  # of a value without references, which costs nothing to read
TOGETHER = 250
_AS_MUCH_AS_A_TAG = 32  # characters of an attribute, which may be references

_TAG = re.compile(rf"<(/?)([A-Za-z][^{SPACE}/>]*+)")
_ATTRIBUTE = re.compile(
    rf"[{SPACE}/]*+(?:(>)|(=?[^{SPACE}/>=]*+)"
    rf"(?:[{SPACE}]*+=[{SPACE}]*+(?:\"([^\"]*+)\"|'([^']*+)'|([^{SPACE}>\"'][^{SPACE}>]*+)|(?=>)))?)"
)
_COMMENT_END = re.compile(r"--!?>")
# What is text to a browser that runs scripts.
_TEXTS = (
    "script",
    "style",
    "title",
    "textarea",
    "noscript",
    "iframe",
    "noembed",
    "noframes",
    "xmp",
)
_TEXT_END = {
    name: re.compile(rf"</{name}(?=[{SPACE}/>])", re.IGNORECASE | re.ASCII) for name in _TEXTS
}


class Tag(Struct, frozen=True, gc=False):
    """``behind_text``: whether there was text between the tag before and this one, other than
    that of an element of ``_TEXTS``; ``is_cut``: whether a value is not whole."""

    is_end: bool
    name: str
    attributes: Mapping[str, str]
    behind_text: bool = False
    is_cut: bool = False


def tags_of(page: str) -> Iterator[Tag | None]:
    """All of them in their order; None after each piece of work."""
    at, work, behind_text = 0, 0, False
    while (found := page.find("<", at)) >= 0:
        work += 1
        if work >= TOGETHER:
            work = 0
            yield None
        behind_text = behind_text or bool(page[at:found].strip(SPACE))
        tag = _TAG.match(page, found)
        if tag is None:
            at = _behind_comment(page, found)
            behind_text = behind_text or at == found + 1
            continue
        attributes, is_cut, at = dict[str, str](), False, tag.end()
        while (attribute := _ATTRIBUTE.match(page, at)) is not None and attribute.end() > at:
            at = attribute.end()
            if attribute[1]:
                break
            value = attribute[3] or attribute[4] or attribute[5] or ""
            limit = MAX_ATTRIBUTE if "&" in value else MAX_PLAIN
            attributes.setdefault(attribute[2].lower(), html.unescape(value[:limit]))
            is_cut = is_cut or len(value) > limit
            work += 1 + min(len(value), limit) // _AS_MUCH_AS_A_TAG
            if work >= TOGETHER:
                work = 0
                yield None
        else:
            return
        is_end, name = bool(tag[1]), tag[2].lower()
        yield Tag(is_end, name, attributes, behind_text, is_cut)
        behind_text = False
        if name in _TEXT_END and not is_end:
            end = _TEXT_END[name].search(page, at)
            if end is None:
                return
            at = end.start()
        elif name == "plaintext" and not is_end:
            return


def _behind_comment(page: str, at: int) -> int:
    """Where what is no tag ends."""
    if page.startswith("<!--", at):
        if page.startswith((">", "->"), at + 4):
            return at + 5
        end = _COMMENT_END.search(page, at + 4)
        return end.end() if end else len(page)
    if page.startswith(("<!", "<?", "</"), at):
        end_of_tag = page.find(">", at + 2)
        return end_of_tag + 1 if end_of_tag >= 0 else len(page)
    return at + 1
