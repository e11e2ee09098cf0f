"""A runbook page: Markdown in, one HTML document out.

It looks like the status page and has no scripts either. Markup within the Markdown is shown
as text, and links lead nowhere but to pages.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any
from urllib.parse import quote

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from probe.report.html.document import html_document, policy
from probe.report.html.markup import Markup, element, truncate

# What page.css has no rule for: its pages hold no running text.
_STYLE = """
main{max-width:46rem}
main p,main ul,main ol,main pre,.wide{margin:.5rem 0}
main h1{margin:.75rem 0 .5rem;font-size:1.375rem;line-height:1.3}
main h2{margin:1.5rem 0 .375rem;font-size:1.0625rem}
main ul,main ol{padding-left:1.5rem}
main ul{list-style:disc}
main li{margin:.375rem 0}
main strong{font-weight:600}
main code{padding:.0625rem .25rem;border-radius:.25rem}
main code,main pre{background:var(--card);border:1px solid var(--line)}
main pre{padding:.5rem .75rem;white-space:pre-wrap;border-radius:.375rem}
main pre code{padding:0;border:0}
.wide{overflow-x:auto}
table{width:100%;border-collapse:collapse;font-size:.875rem}
th,td{padding:.375rem .75rem .375rem 0;border-bottom:1px solid var(--line)}
th,td{text-align:left;vertical-align:top;overflow-wrap:break-word}
th{color:var(--soft);font-weight:600}
"""
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def render(title: str, text: str, *, base: str = "") -> tuple[str, str]:
    """The document, and the Content-Security-Policy that it needs.

    ``text`` is Markdown: headings, paragraphs, lists, code, tables, links. ``base`` stands
    in front of the paths of the probe's other pages. A relative link to ``other.md`` leads
    to ``other``, beside this page.
    """
    name = f"{truncate(title, 200)} · probe"
    return html_document(name, _body(title, text, base), style=_STYLE), policy(_STYLE)


def index(titles: Sequence[tuple[str, str]], *, base: str = "") -> tuple[str, str]:
    """The list of all pages, (name, title) each, and its Content-Security-Policy."""
    items = (
        element("li", element("a", truncate(title, 200), href=f"{base}/runbooks/{quote(name)}"))
        for name, title in titles
    )
    body = element(
        "body",
        element("header", _about(base)),
        element("main", element("h1", "Runbooks"), element("ul", *items)),
    )
    return html_document("Runbooks · probe", body, style=_STYLE), policy(_STYLE)


def _about(base: str) -> Markup:
    home = element("a", "status page", href=f"{base}/")
    return element("p", element("b", "probe"), element("span", "runbook"), home, class_="about")


def _body(title: str, text: str, base: str) -> Markup:
    article = Markup(_markdown().render(text))
    return element(
        "body",
        element("header", _about(base)),
        element("main", element("h1", truncate(title, 200)), article),
    )


class _Markdown(MarkdownIt):
    def validateLink(self, url: str) -> bool:
        """Only http, https and relative links; other schemes would be executed or opened."""
        return url.lower().startswith(("https://", "http://")) or not _SCHEME.match(url)


@cache
def _markdown() -> MarkdownIt:
    """Renders no raw HTML and no images, and links only to allowed schemes."""
    markdown = _Markdown("commonmark", {"html": False}).enable("table").disable("image")
    markdown.add_render_rule("table_open", _table_open)
    markdown.add_render_rule("table_close", _table_close)
    markdown.add_render_rule("link_open", _link_open)
    return markdown


def _table_open(*_: Any) -> str:
    """A table may be wider than a phone: it scrolls in a place of its own."""
    return '<div class="wide"><table>\n'


def _table_close(*_: Any) -> str:
    return "</table></div>\n"


def _link_open(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any
) -> str:
    token = tokens[index]
    address = str(token.attrGet("href") or "")
    if _SCHEME.match(address) or address.startswith("//"):
        token.attrSet("rel", "noreferrer")
    else:
        token.attrSet("href", re.sub(r"\.md(?=$|#)", "", address))
    return renderer.renderToken(tokens, index, options, env)
