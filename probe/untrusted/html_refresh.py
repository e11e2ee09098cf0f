"""Where a page leads by itself: ``Refresh`` and ``<meta http-equiv="refresh">``.

HTML standard, 4.2.5.3 and 13.2.5, as Chromium has it (HttpRefreshScheduler, ParseHTTPRefresh): no
digit behind the point of a delay counts, and of several the last one with the shortest delay wins.
Texts are read once, from their beginning to their end; whoever reads a page gets a None after each
piece of work, to let others run (``html_tags``).
"""

import re
from collections.abc import Iterator

from msgspec import Struct

from probe.untrusted.html_tags import MAX_ATTRIBUTE, SPACE, tags_of

_VALUE = re.compile(rf"[{SPACE}]*+([^,;{SPACE}]++)[{SPACE}]*+[,;]?[{SPACE}]*+(.*)\Z", re.DOTALL)
_DELAY = re.compile(r"(\d*)(?:\.[\d.]*)?\Z", re.ASCII)
_NAMED = re.compile(rf"url[{SPACE}]*+=[{SPACE}]*+", re.IGNORECASE)
_MAX_DIGITS = 9


class Refresh(Struct, frozen=True):
    """``delay`` is in seconds; an empty ``address`` is the page's own. ``base`` is what it is
    relative to, where the page says so."""

    delay: int
    address: str
    base: str = ""


def parse_refresh(text: str) -> Refresh | None:
    """The value of a header or of ``content``; None where browsers ignore it."""
    found = _VALUE.match(text[:MAX_ATTRIBUTE])
    delay = _DELAY.match(found[1]) if found else None
    if found is None or delay is None or not found[1].strip(".") or len(delay[1]) > _MAX_DIGITS:
        return None
    return Refresh(int(delay[1] or 0), _address(found[2]))


def _address(text: str) -> str:
    if named := _NAMED.match(text):
        text = text[named.end() :]
    if text[:1] not in ("'", '"'):
        return text.strip(SPACE)
    end = text.rfind(text[0])
    return (text[1:end] if end > 0 else text[1:]).strip(SPACE)


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
    for tag in tags_of(page):
        if tag is None:
            yield None
            continue
        name, attributes = tag.name, tag.attributes
        if name == "template":
            templates = max(0, templates + (-1 if tag.is_end else 1))
        if tag.is_end or templates:
            continue
        if name == "base" and not base:
            base = attributes.get("href", "")
        if name == "meta" and attributes.get("http-equiv", "").lower() == "refresh":
            found = parse_refresh(attributes.get("content", ""))
            if found is not None:
                yield Refresh(found.delay, found.address, base)
