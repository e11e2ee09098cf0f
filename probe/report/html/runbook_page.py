"""A runbook page: Markdown in, one HTML document out. It looks like the status page."""

from collections.abc import Sequence

from probe.report.html.page import icon
from probe.report.html.prose import prose
from probe.report.html.templates import policy
from probe.report.html.templates import render as render_template


def render(title: str, text: str, *, base: str = "") -> tuple[str, str]:
    """The document, and the Content-Security-Policy that it needs.

    ``text`` is Markdown: headings, paragraphs, lists, code, tables, links. ``base`` stands
    in front of the paths of the probe's other pages. A relative link to ``other.md`` leads
    to ``other``, next to this page.
    """
    context = {
        "title": title,
        "text": prose(text),
        "base": base,
        "region": "",
        "here": "",
        "icon": icon(),
    }
    return render_template("runbook.html", context), policy()


def index(titles: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """The list of all pages, (name, title) each, and its Content-Security-Policy."""
    context = {"titles": titles, "base": "", "region": "", "here": "/runbooks/", "icon": icon()}
    return render_template("runbooks.html", context), policy()
