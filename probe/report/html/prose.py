"""Markdown that people write (runbooks, notes, announcements) as HTML.

Markup within it is shown as text, images are left out, and links lead nowhere but to pages.
"""

from functools import cache
from typing import TYPE_CHECKING

from markupsafe import Markup

from probe.core.resources import SPARE
from probe.untrusted.text import one_line

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_MAX_LINE, _MAX_LINES = 2000, 1000


def prose(text: str) -> Markup:
    """Headings, paragraphs, lists, code, tables, links. A relative link to ``other.md`` leads to
    ``other``, next to the page. Characters that hide or turn text around are shown."""
    lines = (one_line(line, _MAX_LINE) for line in text.splitlines()[:_MAX_LINES])
    return Markup(_markdown().render("\n".join(lines)))  # noqa: S704  it escapes its text


@cache
def _markdown() -> "MarkdownIt":
    with SPARE.lent():
        from probe.report.html.rendering.markdown import make_markdown
    return make_markdown()
