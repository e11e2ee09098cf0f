"""markdown-it as the pages use it: no raw HTML, no images, links to pages alone."""

import re
from collections.abc import Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


class _Markdown(MarkdownIt):
    def validateLink(self, url: str) -> bool:
        """Only http, https and relative links; other schemes would be executed or opened."""
        return url.lower().startswith(("https://", "http://")) or not _SCHEME.match(url)


def make_markdown() -> MarkdownIt:
    """Renders no raw HTML and no images, and links only to allowed schemes."""
    markdown = _Markdown("commonmark", {"html": False}).enable("table").disable("image")
    markdown.add_render_rule("table_open", _table_open)
    markdown.add_render_rule("table_close", _table_close)
    markdown.add_render_rule("th_open", _heading_open)
    markdown.add_render_rule("link_open", _link_open)
    return markdown


def _table_open(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: object, env: object
) -> str:
    """A table may be wider than a phone: it scrolls in a place of its own, which has a name."""
    number = sum(token.type == "table_open" for token in tokens[: index + 1])
    label = f'aria-label="Table {number}"'
    return f'<div class="wide" tabindex="0" role="region" {label}><table {label}>\n'


def _heading_open(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any
) -> str:
    tokens[index].attrSet("scope", "col")
    return renderer.renderToken(tokens, index, options, env)


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
