"""Where a page leads by itself: ``Refresh`` and ``<meta http-equiv="refresh">``.

HTML standard, 4.2.5.3 and 13.2.5, as Chromium has it (HttpRefreshScheduler, ParseHTTPRefresh): no
digit behind the point of a delay counts, and of several the last one with the shortest delay wins.
Texts are read once, from their beginning to their end. A page of a megabyte may be nothing but tags
or attributes: whoever reads it gets a None after each TOGETHER of them, to let others run.
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
TOGETHER = 250
_AS_MUCH_AS_A_TAG = 32  # characters of an attribute, which may be references

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


def sooner(one: Refresh | None, other: Refresh | None) -> Refresh | None:
    """Which of two a browser follows, the first of which comes first."""
    if one is None or other is None:
        return one or other
    return other if other.delay <= one.delay else one


def refreshes_in(page: str) -> Iterator[Refresh | None]:
    """Those of the elements of a page, in their order, with a None after each piece of work."""
    if "http-equiv" not in page.lower():
        return
    base, templates = "", 0
    for tag in _tags(page):
        if tag is None:
            yield None
            continue
        is_end, name, attributes = tag
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


def _tags(page: str) -> Iterator[tuple[bool, str, dict[str, str]] | None]:
    """Whether it ends an element, its name, and its attributes; without comments and texts. None
    after each piece of work."""
    at, work = 0, 0
    while (at := page.find("<", at)) >= 0:
        work += 1
        if work >= TOGETHER:
            work = 0
            yield None
        tag = _TAG.match(page, at)
        if tag is None:
            at = _behind_comment(page, at)
            continue
        attributes, at = dict[str, str](), tag.end()
        while (attribute := _ATTRIBUTE.match(page, at)) is not None and attribute.end() > at:
            at = attribute.end()
            if attribute[1]:
                break
            value = (attribute[3] or attribute[4] or attribute[5] or "")[:_MAX_ATTRIBUTE]
            attributes.setdefault(attribute[2].lower(), html.unescape(value))
            work += 1 + len(value) // _AS_MUCH_AS_A_TAG
            if work >= TOGETHER:
                work = 0
                yield None
        else:
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
