"""A runbook in a browser: one page that nothing in its text can break."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from alerts import runbooks
from probe.report.html.runbook_page import render

_VOID = {"meta", "link", "br", "hr"}


class _Reader(HTMLParser):
    """Sees to it that what is opened is closed, in order, and writes down what there is."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.feed(document)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if "main" in self.open:
            self.links += [value or "" for name, value in attrs if name == "href"]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        """What somebody reads."""
        return " ".join(" ".join(self.words).split())


def _read(text: str, title: str = "A title", base: str = "") -> _Reader:
    return _Reader(render(title, text, base=base)[0])


@pytest.mark.parametrize("slug", runbooks.slugs())
def test_every_runbook_becomes_a_whole_document(slug: str) -> None:
    runbook = runbooks.page(slug)
    reader = _read(runbook.text, runbook.title)
    assert reader.tags.count("h1") == 1
    assert reader.tags.count("h2") == 5
    assert "ol" in reader.tags
    assert not {"img", "iframe", "form", "object"} & set(reader.tags)
    assert reader.tags.count("script") == 1
    assert not [name for name, _ in reader.attributes if name == "style" or name[:2] == "on"]
    # No Markdown is left over: a table or code that wasn't understood would show.
    assert not re.search(r"\]\(|```|\|---|\*\*", reader.text)


@pytest.mark.parametrize("slug", runbooks.slugs())
def test_every_link_of_a_runbook_leads_to_an_existing_page_or_another_site(slug: str) -> None:
    runbook = runbooks.page(slug)
    for address in _read(runbook.text, runbook.title).links:
        assert address in runbooks.slugs() or address.startswith("https://"), address


def test_the_subset_of_markdown_is_understood() -> None:
    text = (
        "## Part\n\nSome `code`\nand **bold**.\n\n1. one\n   `two\n   three`\n2. four\n\n- five\n\n"
        "```\na < b | c\n```\n\n| x | y |\n|---|---|\n| `1` | 2 |\n"
    )
    document, _ = render("A title", text)
    assert "<h2>Part</h2>" in document
    assert "<strong>bold</strong>" in document
    assert "<code>two three</code>" in document
    assert "<pre><code>a &lt; b | c\n</code></pre>" in document
    region = '<div class="wide" tabindex="0" role="region" aria-label="Table 1">'
    assert f'{region}<table aria-label="Table 1">' in document
    assert "<td><code>1</code></td>" in document


def test_the_title_heads_the_page_and_the_tab() -> None:
    document, _ = render("It is down", "Text.")
    assert "<h1>It is down</h1>" in document
    assert "<title>It is down · probe</title>" in document


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", "</style>", '"><b onclick=x>'])
def test_markup_is_shown_and_not_taken(hostile: str) -> None:
    text = f"{hostile}\n\n`{hostile}`\n\n```\n{hostile}\n```\n\n| {hostile} |\n|---|\n| 1 |\n"
    reader = _read(text, hostile)
    assert reader.tags.count("script") == 1
    assert "b onclick" not in reader.tags
    assert not [name for name, _ in reader.attributes if name.startswith("on")]
    assert reader.text.count(hostile) == 6


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "vbscript:x", "file:///x"],
)
def test_links_that_would_run_or_open_something_are_none(address: str) -> None:
    reader = _read(f"[words]({address}) and <{address}>")
    assert reader.links == []
    assert "words" in reader.text


def test_an_image_is_not_fetched() -> None:
    reader = _read("![words](https://example.org/x.png)")
    assert "img" not in reader.tags


def test_a_link_to_another_page_is_relative_to_this_one() -> None:
    reader = _read("[one](service-down.md) [two](service-down.md#steps) [three](https://x.md/a.md)")
    assert reader.links == ["service-down", "service-down#steps", "https://x.md/a.md"]


def test_a_link_elsewhere_says_nothing_of_this_page() -> None:
    reader = _read("[one](https://example.org) [two](//example.org)")
    assert [value for name, value in reader.attributes if name == "rel"] == [
        "icon",
        *["noreferrer"] * 2,
    ]


def test_the_way_back_starts_at_the_base() -> None:
    document, _ = render("A title", "Text.", base="/probe")
    assert re.findall(r'href="(/probe[^"]*)"', document) == [
        "/probe/",
        "/probe/",
        "/probe/incidents",
        "/probe/runbooks/",
    ]


def test_the_policy_allows_the_one_style_and_nothing_else() -> None:
    document, policy = render("A title", "Text.")
    found = re.search(r"<style>(.*?)</style>", document, re.DOTALL)
    assert found is not None
    digest = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "script-src 'self'; connect-src 'self'" in policy
    assert "unsafe" not in policy


def test_the_page_fits_a_phone_in_the_dark() -> None:
    document, _ = render("A title", "Text.")
    assert "width=device-width" in document
    assert 'content="light dark"' in document
    assert "prefers-color-scheme:dark" in document
