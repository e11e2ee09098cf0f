"""Policies that a page sets for itself: ``<meta http-equiv="Content-Security-Policy">``.

Only those in its head count (HTML standard, 4.2.5.3), which ends with the first text or element
that belongs elsewhere (13.2.6.4). Where it is in doubt whether one counts, it doesn't.
"""

from collections.abc import Iterator

from probe.untrusted.html_tags import tags_of

_NAME = "content-security-policy"
_OF_HEAD = frozenset(
    {
        *("html", "head", "title", "base", "basefont", "bgsound", "link", "meta"),
        *("noframes", "noscript", "script", "style", "template"),
    }
)
_ENDING_HEAD = ("body", "html", "br")


def policies_in(page: str) -> Iterator[str | None]:
    """Their contents, in their order; None after each piece of work."""
    if _NAME not in page.lower():
        return
    templates, has_ended = 0, False
    for tag in tags_of(page):
        if tag is None:
            yield None
            continue
        if (tag.behind_text and not templates) or (tag.is_end and tag.name in _ENDING_HEAD):
            return
        if tag.name == "template":
            templates = max(0, templates + (-1 if tag.is_end else 1))
        has_ended = has_ended or (tag.is_end and tag.name == "head")
        if templates or tag.is_end:
            continue
        if tag.name not in _OF_HEAD or (has_ended and tag.name == "noscript"):
            return
        is_policy = tag.attributes.get("http-equiv", "").lower() == _NAME
        if tag.name == "meta" and is_policy and not tag.is_cut:
            yield tag.attributes.get("content", "")
