"""Markdown that people write (runbooks, notes, announcements) as HTML.

Markup within it is shown as text, images are left out, and links lead nowhere but to pages.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup

from probe.untrusted.text import one_line

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_MAX_LINE, _MAX_LINES = 2000, 1000


def prose(text: str) -> Markup:
    """Headings, paragraphs, lists, code, tables, links. A relative link to ``other.md`` leads to
    ``other``, next to the page. Characters that hide or turn text around are shown."""
    lines = (one_line(line, _MAX_LINE) for line in text.splitlines()[:_MAX_LINES])
    return Markup(_markdown().render("\n".join(lines)))  # noqa: S704  it escapes its text


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


def _table_open(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any
) -> str:
    """A table may be wider than a phone: it scrolls in a place of its own, which has a name."""
    number = sum(token.type == "table_open" for token in tokens[: index + 1])
    label = f'aria-label="Table {number}"'
    return f'<div class="wide" tabindex="0" role="region" {label}><table>\n'


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
