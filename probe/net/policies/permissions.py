"""Which features a page may not use (W3C Permissions Policy), as Chromium reads its headers.

https://www.w3.org/TR/permissions-policy/ and blink::PermissionsPolicyParser: where
``Permissions-Policy`` does not name a feature, ``Feature-Policy`` counts. A page that is not in a
frame has what neither names.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from yarl import URL

from probe.net.fetch.cors import Headers, origin_of
from probe.net.policies.structured_dictionary import parse_dictionary

HEADER, OLD_HEADER = "Permissions-Policy", "Feature-Policy"
MAX_LENGTH = 8 * 1024
"""Of a header; a longer one is not judged, and counts as none."""
_ANY, _SELF, _NONE = "*", "'self'", "'none'"
_WORDS = re.compile(r"[ \t\n\f\r]+")
_WILDCARD = re.compile(r"(https?)://\*\.([^/:]+)(?::(\d+|\*))?", re.IGNORECASE)


def forbidden(features: Sequence[str], headers: Headers, page: URL) -> tuple[str, ...]:
    """Those of the features that the page forbids itself."""
    allowed = allowlists(headers)
    return tuple(
        each
        for each in features
        if each in allowed and not any(_matches(source, page) for source in allowed[each])
    )


def allowlists(headers: Headers) -> Mapping[str, Sequence[str]]:
    """By feature, what it is allowed: ``*``, ``'self'`` and origins."""
    old, new = (_bounded(headers.getall(each, [])) for each in (OLD_HEADER, HEADER))
    return {**dict(_old_declarations(old)), **dict(_declarations(new))}


def _bounded(lines: Sequence[str]) -> str:
    text = ", ".join(lines)
    return text if len(text) <= MAX_LENGTH else ""


def _declarations(text: str) -> Iterator[tuple[str, Sequence[str]]]:
    for feature, items in (parse_dictionary(text) or {}).items():
        # A token that is neither is no origin.
        words = {"*": _ANY, "self": _SELF}
        yield feature, [words.get(each.text, "") if each.is_token else each.text for each in items]


def _old_declarations(text: str) -> Iterator[tuple[str, Sequence[str]]]:
    """Of a feature that repeats the first declaration counts."""
    seen = set[str]()
    for policy in text.split(","):
        for declaration in policy.split(";"):
            feature, *sources = _WORDS.split(declaration.strip(" \t\n\f\r"))
            if feature and feature not in seen:
                seen.add(feature)
                yield feature, [_word(each) for each in sources] or [_SELF]


def _word(text: str) -> str:
    if "://*" in text:
        return ""  # names below a domain are no origin there
    return text.lower() if text.startswith("'") else text


def _matches(source: str, page: URL) -> bool:
    if source in (_ANY, _SELF, f"{page.scheme}://*"):
        return True
    if source in ("", _NONE):
        return False
    if found := _WILDCARD.match(source):
        scheme, host, port = found[1].lower(), found[2].lower(), found[3]
        is_below = (page.host or "").endswith(f".{host}")
        return scheme == page.scheme and is_below and port in (None, "*", str(page.port))
    try:
        return origin_of(source) == origin_of(page)
    except ValueError:
        return False
