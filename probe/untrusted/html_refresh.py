"""Where a page leads by itself: ``Refresh`` and ``<meta http-equiv="refresh">``.

HTML standard, 4.2.5.3 and 13.2.5, as Chromium has it (HttpRefreshScheduler, ParseHTTPRefresh): no
digit behind the point of a delay counts, and of several the last one with the shortest delay wins.
Texts are read once, from their beginning to their end.
"""

import html
import re
from collections.abc import Iterator

from msgspec import Struct

_SPACE = " \t\n\f\r"
_VALUE = re.compile(rf"[{_SPACE}]*+([^,;{_SPACE}]++)[{_SPACE}]*+[,;]?[{_SPACE}]*+(.*)\Z", re.DOTALL)
_DELAY = re.compile(r"(\d*)(?:\.[\d.]*)?\Z", re.ASCII)
_NAMED = re.compile(rf"url[{_SPACE}]*+=[{_SPACE}]*+", re.IGNORECASE)
_MAX_DIGITS = 9
_MAX_ATTRIBUTE = 4096

_TAG = re.compile(rf"<(/?)([A-Za-z][^{_SPACE}/>]*+)")
_ATTRIBUTE = re.compile(
    rf"[{_SPACE}/]*+(?:(>)|(=?[^{_SPACE}/>=]*+)"
    rf"(?:[{_SPACE}]*+=[{_SPACE}]*+(?:\"([^\"]*+)\"|'([^']*+)'|([^{_SPACE}>\"'][^{_SPACE}>]*+)|(?=>)))?)"
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
    name: re.compile(rf"</{name}(?=[{_SPACE}/>])", re.IGNORECASE | re.ASCII) for name in _TEXTS
}


class Refresh(Struct, frozen=True):
    """``delay`` is in seconds; an empty ``address`` is the page's own. ``base`` is what it is
    relative to, where the page says so."""

    delay: int
    address: str
    base: str = ""


def parse_refresh(text: str) -> Refresh | None:
    """The value of a header or of ``content``; None where browsers ignore it."""
    found = _VALUE.match(text[:_MAX_ATTRIBUTE])
    delay = _DELAY.match(found[1]) if found else None
    if found is None or delay is None or not found[1].strip(".") or len(delay[1]) > _MAX_DIGITS:
        return None
    return Refresh(int(delay[1] or 0), _address(found[2]))


def _address(text: str) -> str:
    if named := _NAMED.match(text):
        text = text[named.end() :]
    if text[:1] not in ("'", '"'):
        return text.strip(_SPACE)
    end = text.rfind(text[0])
    return (text[1:end] if end > 0 else text[1:]).strip(_SPACE)


def soonest(refreshes: Iterator[Refresh]) -> Refresh | None:
    """The one that a browser follows."""
    best = None
    for each in refreshes:
        if best is None or each.delay <= best.delay:
            best = each
    return best


def refreshes_in(page: str) -> Iterator[Refresh]:
    """Those of the elements of a page, in their order."""
    if "http-equiv" not in page.lower():
        return
    base, templates = "", 0
    for is_end, name, attributes in _tags(page):
        if name == "template":
            templates = max(0, templates + (-1 if is_end else 1))
        if is_end or templates:
            continue
        if name == "base" and not base:
            base = attributes.get("href", "")
        if name == "meta" and attributes.get("http-equiv", "").lower() == "refresh":
            found = parse_refresh(attributes.get("content", ""))
            if found is not None:
                yield Refresh(found.delay, found.address, base)


def _tags(page: str) -> Iterator[tuple[bool, str, dict[str, str]]]:
    """Whether it ends an element, its name, and its attributes; without comments and texts."""
    at = 0
    while (at := page.find("<", at)) >= 0:
        tag = _TAG.match(page, at)
        if tag is None:
            at = _behind_comment(page, at)
            continue
        attributes, at = _attributes(page, tag.end())
        if at < 0:
            return
        is_end, name = bool(tag[1]), tag[2].lower()
        yield is_end, name, attributes
        if name == "plaintext" and not is_end:
            return
        if name in _TEXT_END and not is_end:
            end = _TEXT_END[name].search(page, at)
            if end is None:
                return
            at = end.start()


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


def _attributes(page: str, at: int) -> tuple[dict[str, str], int]:
    """The attributes of a tag, the first of each name, and where the tag ends; -1: it does not."""
    found: dict[str, str] = {}
    while (attribute := _ATTRIBUTE.match(page, at)) is not None and attribute.end() > at:
        at = attribute.end()
        if attribute[1]:
            return found, at
        value = attribute[3] or attribute[4] or attribute[5] or ""
        found.setdefault(attribute[2].lower(), html.unescape(value[:_MAX_ATTRIBUTE]))
    return found, -1
