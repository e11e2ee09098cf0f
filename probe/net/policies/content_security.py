"""What a page's Content-Security-Policy lets it do (W3C CSP Level 3), as Chromium has it.

https://www.w3.org/TR/CSP3/: each policy of each header and ``<meta>`` has to permit a connection.
Of a directive that repeats the first counts, unknown ones and words that are no source are passed
over, and ``'none'`` beside others is one of those. A policy that only reports is none.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from yarl import URL

from probe.net.fetch.cors import Headers
from probe.net.policies.source_expression import is_source, permits_source

HEADER = "Content-Security-Policy"
CONNECT, SCRIPTS = "connect-src", ("script-src-elem", "script-src")
SANDBOX, UPGRADE = "sandbox", "upgrade-insecure-requests"
MAX_LENGTH = 16 * 1024
"""Of the policies of a header or an element; longer ones are not judged, and count as none."""
_DEFAULT = "default-src"
_SPACE = " \t\n\f\r"
_WORDS = re.compile(rf"[{_SPACE}]+")
_NAME = re.compile(r"[A-Za-z0-9-]++")
_VALUE = re.compile(r"[\x21-\x7e \t\n\f\r]*+")
# Of an element, these count for nothing (CSP3, 3.3).
_HEADER_ONLY = (SANDBOX, "frame-ancestors", "report-uri")
# Words of a list of sources that let scripts run, whatever else is in it.
_OF_SCRIPTS = re.compile(
    r"'(?:unsafe-inline|unsafe-eval|strict-dynamic|unsafe-hashes|wasm-unsafe-eval|"
    r"inline-speculation-rules|(?:nonce|sha256|sha384|sha512|[a-z0-9-]*hash)-?[^']*)'",
    re.IGNORECASE,
)


class ContentPolicy(Struct, frozen=True):
    """The words of each directive by its name in small letters."""

    directives: Mapping[str, Sequence[str]]

    def first_of(self, *names: str) -> tuple[str, Sequence[str]] | None:
        """The directive that counts, the first of these that is there, and its words."""
        for name in (*names, _DEFAULT):
            if name in self.directives:
                return name, self.directives[name]
        return None

    def blocking(self, address: URL, page: URL) -> str:
        """The directive that keeps the page's scripts from connecting; empty without one."""
        found = self.first_of(CONNECT)
        if found is None or any(permits_source(each, address, page) for each in found[1]):
            return ""
        return found[0]

    @property
    def blocks_all_scripts(self) -> str:
        """The directive that lets no script of the page run, whatever it holds; else empty."""
        found = self.first_of(*SCRIPTS)
        if found is None or any(is_source(each) or _OF_SCRIPTS.match(each) for each in found[1]):
            return ""
        return found[0]

    @property
    def sandbox(self) -> frozenset[str] | None:
        """What a sandbox allows in small letters; None for a page that is in none."""
        words = self.directives.get(SANDBOX)
        return None if words is None else frozenset(each.lower() for each in words)


def policies_of(headers: Headers, elements: Iterable[str] = ()) -> list[ContentPolicy]:
    """Those that a page has to keep; ``elements`` are the contents of its ``<meta>``."""
    found = [*_parse(",".join(headers.getall(HEADER, [])))]
    for text in elements:
        for policy in _parse(text):
            kept = {n: words for n, words in policy.directives.items() if n not in _HEADER_ONLY}
            found.append(ContentPolicy(kept))
    return found


def _parse(text: str) -> Iterator[ContentPolicy]:
    for serialized in text.split(",") if len(text) <= MAX_LENGTH else ():
        directives: dict[str, Sequence[str]] = {}
        for directive in serialized.split(";"):
            name, *words = _WORDS.split(directive.strip(_SPACE))
            is_one = _NAME.fullmatch(name) and _VALUE.fullmatch(directive)
            if is_one:
                directives.setdefault(name.lower(), words)
        if directives:
            yield ContentPolicy(directives)
