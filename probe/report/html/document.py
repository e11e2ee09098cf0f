"""The common HTML document of all pages, and its Content-Security-Policy."""

import base64
import hashlib
from functools import cache
from importlib.resources import files

from probe.report.html.markup import Child, Markup, element


def html_document(title: str, body: Markup, *head: Child, style: str = "") -> str:
    """A document. ``head`` is what this page's head has beside the usual, ``style`` what its
    style has beside the common one."""
    about = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="robots", content="noindex"),
        element("title", title),
        *head,
        element("style", _sheet(style)),
    )
    return f"<!DOCTYPE html>\n{element('html', about, body, lang='en')}\n"


@cache
def policy(style: str = "", *, images: bool = False) -> str:
    """The Content-Security-Policy (CSP level 3) of such a document: its own style, and
    ``images`` of our own, nothing else."""
    digest = base64.b64encode(hashlib.sha256(_sheet(style).encode()).digest()).decode()
    own = "img-src 'self' data:; " if images else ""
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; {own}"
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@cache
def _sheet(style: str) -> Markup:
    return Markup(_shipped_sheet() + style)


@cache
def _shipped_sheet() -> str:
    return files(__package__).joinpath("page.css").read_text(encoding="utf-8")
