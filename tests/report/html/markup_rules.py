"""What a page has to keep to whatever stands in it: read as a browser reads it."""

import re
from html.parser import HTMLParser
from urllib.parse import urlsplit
from xml.etree import ElementTree

_VOID = {"img", "meta", "link", "path", "line", "rect", "input", "br", "hr"}
_NAMES = {
    "a", "article", "b", "body", "button", "code", "dd", "details", "div", "dl", "dt", "em",
    "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "head", "header", "html", "i",
    "label", "li", "main", "nav", "noscript", "ol", "option", "p", "pre", "script", "section",
    "select", "span", "strong", "style", "summary", "svg", "table", "tbody", "td", "text", "th",
    "thead", "time", "title", "tr", "ul", *_VOID,
}  # fmt: skip
_SCRIPT = re.compile(r"(/probe)?/page\.js\?v=[0-9a-f]{12}\Z")


class Reading(HTMLParser):
    """A document taken apart; raises AssertionError for what must not be in it."""

    def __init__(self, document: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.within: list[tuple[tuple[str, ...], str]] = []
        self.feed(document)
        self.close()
        assert self.open == [], f"left open: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Only what the page is made of, and no attribute that runs or loads anything."""
        assert tag in _NAMES, tag
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), f"{tag} has an attribute twice: {names}"
        assert not [name for name in names if name.startswith("on") or name == "style"]
        sources = [(tag, value or "") for name, value in attrs if name == "src"]
        assert all(_is_ours(each, value) for each, value in sources), sources
        self.found.append((tag, dict(attrs)))
        for name, value in attrs:
            if name == "href":
                _is_harmless(tag, value or "")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """SVG's shapes end where they begin."""
        assert tag in _VOID, tag
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """Every end belongs to the newest beginning."""
        assert self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        """Text, and in what it stands."""
        self.within.append((tuple(self.open), data))
        if not {"style", "script"} & set(self.open):
            self.texts.append(data)

    @property
    def text(self) -> str:
        """All that people read, in one line."""
        return " ".join("".join(self.texts).split())

    def of(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of all elements of a name."""
        return [attributes for name, attributes in self.found if name == tag]


def _is_ours(tag: str, source: str) -> bool:
    """Our script, or a picture that is in the page itself."""
    return bool(_SCRIPT.match(source)) if tag == "script" else source.startswith("data:image/")


def drawings(document: str) -> list[ElementTree.Element]:
    """Every outermost SVG of a page, read as strictly as XML is."""
    found, depth, start = [], 0, 0
    at = 0
    while (at := min(_places(document, at), default=-1)) >= 0:
        opens = document.startswith("<svg", at)
        start = at if opens and depth == 0 else start
        depth += 1 if opens else -1
        at += 4
        if depth == 0:
            found.append(ElementTree.fromstring(document[start : document.index(">", at) + 1]))
    return found


def _places(document: str, at: int) -> list[int]:
    return [place for tag in ("<svg", "</svg") if (place := document.find(tag, at)) >= 0]


def _is_harmless(tag: str, address: str) -> None:
    if tag == "link":
        assert address.startswith(("data:image/svg+xml,", "/"))
    else:
        assert urlsplit(address).scheme in ("", "http", "https"), address
