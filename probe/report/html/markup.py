"""Markup that can't be broken by what stands in it: text is cleaned and escaped by default."""

from collections.abc import Iterable
from html import escape

from probe.report.text.sanitize import clean, cut

# HTML's elements without an end tag, and SVG's shapes, which hold nothing here.
_VOID = frozenset({"meta", "link"})
_SHAPES = frozenset({"path", "line"})


class Markup(str):
    """Text that already is markup, or needs no escaping: it is taken as it is."""

    __slots__ = ()


NOTHING = Markup("")

Child = str | None
Attribute = str | int | None


def element(name: str, /, *children: Child, **attributes: Attribute) -> Markup:
    """``element("a", "more", href=url)``; what is None is left out.

    ``class_`` stands for ``class``, ``aria_label`` for ``aria-label``.
    """
    start = f"<{name}{''.join(_attribute(*each) for each in attributes.items())}"
    if name in _SHAPES:
        return Markup(f"{start}/>")
    if name in _VOID:
        return Markup(f"{start}>")
    return Markup(f"{start}>{concat(children)}</{name}>")


def concat(parts: Iterable[Child]) -> Markup:
    """One piece of markup from many, each escaped unless it is markup already."""
    return Markup("".join(_safe(part) for part in parts if part is not None))


def join(separator: str, parts: Iterable[Child]) -> Markup:
    """The same with something between each two of those that are not empty."""
    return Markup(_safe(separator).join(_safe(part) for part in parts if part))


def truncate(text: str, longest: int) -> str:
    """A target's text, clean and not longer than the page has room for."""
    return cut(clean(text), longest)


def _safe(text: str) -> str:
    return text if isinstance(text, Markup) else escape(clean(text))


def _attribute(name: str, value: Attribute) -> str:
    if value is None:
        return ""
    text = str(value) if isinstance(value, int) else _safe(value)
    return f' {name.rstrip("_").replace("_", "-")}="{text}"'
