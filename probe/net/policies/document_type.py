"""Whether a browser shows an answer as a page (MIME Sniffing standard; net::HttpUtil).

Else it shows its text or downloads it, and no script of it runs. What is read as XML counts as a
page, and so does what a browser takes for one by how it begins.
"""

import re
from collections.abc import Iterator

from probe.net.fetch.cors import Headers

_TYPE_END = re.compile(r"[ \t;(]")
_PAGES = ("text/html", "application/xhtml+xml", "text/xml", "application/xml", "image/svg+xml")
_SNIFFED = ("", "unknown/unknown", "application/unknown")
_MAX_TYPES = 16
_BLANK = re.compile(r"[ \t]")


def why_no_page(headers: Headers) -> str:
    """What the answer is instead, as ``is text/plain``; empty for a page."""
    if _is_download(next(iter(headers.getall("Content-Disposition", [])), "")):
        return "is a download (Content-Disposition)"
    kind = document_type(headers)
    sniffing = ",".join(headers.getall("X-Content-Type-Options", []))
    is_sniffed = sniffing.partition(",")[0].strip(" \t").lower() != "nosniff"
    if kind in _PAGES or (kind in _SNIFFED and is_sniffed):
        return ""
    if not kind:
        return "has no Content-Type, and X-Content-Type-Options: nosniff"
    return f"is {kind[:100]}"


def _is_download(disposition: str) -> bool:
    """Whatever is named and is not ``inline`` (net::HttpContentDisposition)."""
    kind = disposition.partition(";")[0].strip(" \t").lower()
    if kind in ("", "inline") or "=" in kind or '"' in kind:
        return False
    return "," in kind or not _BLANK.search(kind)


def document_type(headers: Headers) -> str:
    """Its type in small letters, the last that is one; empty without any."""
    return next(reversed([*_types(headers)]), "")


def _types(headers: Headers) -> Iterator[str]:
    """As net::HttpUtil::ParseContentType has them, which does not ask for tokens."""
    for each in ",".join(headers.getall("Content-Type", [])).split(",", _MAX_TYPES):
        kind = _TYPE_END.split(each.strip(" \t"), maxsplit=1)[0].lower()
        if "/" in kind and kind != "*/*":
            yield kind
