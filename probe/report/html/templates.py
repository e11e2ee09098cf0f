"""The pages' templates: Jinja2 with escaping everywhere, and an error for an undefined name.

Text is cleaned before it is escaped, so that nothing from a target hides, turns text around or
breaks out of the page. Whoever changes a page changes the files in ``templates``.
"""

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from unicodedata import bidirectional
from urllib.parse import quote

from markupsafe import Markup, escape

from probe.core.model import Unit, Verdict
from probe.core.resources import SPARE
from probe.report.text.headline import NOT_RUN
from probe.report.text.phrases import SYMBOLS, without_objectives
from probe.report.text.sanitize import clean, truncate
from probe.report.text.time_format import clock, duration, iso
from probe.report.text.units import plural, show

if TYPE_CHECKING:
    from jinja2 import Environment

_FOLDER = "templates"
SCRIPT = "page.js"
_RIGHT_TO_LEFT = frozenset({"R", "AL"})
_FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\u2068", "\u2069"


def render(name: str, context: Mapping[str, Any], *, style: str = "") -> str:
    """The document that a template gives. ``style`` is a second style sheet of the package.
    Raises jinja2.UndefinedError for a name that the context lacks."""
    template = environment().get_template(name)
    sheet = Markup(_sheet(style))  # noqa: S704  the package's own
    return template.render(**context, style=sheet, script_version=script_version())


@cache
def policy(style: str = "", *, scripts: bool = True) -> str:
    """The Content-Security-Policy (CSP level 3) of such a document: its own style, images,
    forms and (with ``scripts``) the script from here, nothing else."""
    digest = base64.b64encode(hashlib.sha256(_sheet(style).encode()).digest()).decode()
    own = "script-src 'self'; connect-src 'self'; " if scripts else ""
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; {own}img-src 'self' data:; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


@cache
def script() -> bytes:
    """The pages' script."""
    return _text(SCRIPT).encode()


@cache
def script_version() -> str:
    """What its address carries, so that a browser may keep it for as long as it is the same."""
    return hashlib.sha256(script()).hexdigest()[:12]


@cache
def environment() -> "Environment":
    """The environment of all templates, compiled once."""
    with SPARE.lent():
        from probe.report.html.rendering.environment import make_environment
    made = make_environment(_sources(), _finalize)
    made.filters |= {
        "cut": truncate,
        "duration": duration,
        "iso": iso,
        "seconds": lambda value: show(value, Unit.SECONDS),
        "path": path,
        "percent": percent,
        "plural": plural,
        "state": _state,
        "verbatim": verbatim,
    }
    made.globals |= {"clock": clock, "sign_of": sign_of, "colour_of": colour_of}
    return made


def read_templates() -> None:
    """Read every template. It is compiled, and Jinja2 loaded for it, when its page is first asked
    for: that takes a tenth of a second of CPU and 5 MB, and most daemons are only ever asked for
    their metrics."""
    _sources()


def verbatim(text: str) -> Markup:
    """A text for an attribute that is read by a program, an address or a field's value: clean and
    escaped, without marks of direction."""
    return escape(clean(text))


def isolated(text: str) -> str:
    """A text from right to left within marks that keep it from reordering what is next to it
    (Unicode Standard Annex 9, FSI and PDI)."""
    if text.isascii() or not any(bidirectional(each) in _RIGHT_TO_LEFT for each in text):
        return text
    return f"{_FIRST_STRONG_ISOLATE}{text}{_POP_ISOLATE}"


def path(name: str) -> str:
    """A name as one part of an address."""
    return quote(clean(name), safe="")


def percent(ratio: float | None, digits: int = 2, *, aligned: bool = False) -> str:
    """``99.95 %``, rounded down: what was not always up never reads 100 %. ``aligned`` keeps zeros,
    for figures one below the other."""
    if ratio is None:
        return "—"
    scale: int = 10**digits
    whole = int(ratio * 100 * scale + 1e-9) / scale
    written = f"{whole:.{digits}f}"
    if not aligned or whole in (0, 100):
        written = written.rstrip("0").rstrip(".") or "0"
    return f"{written} %"


def sign_of(verdict: Verdict | None) -> str:
    """A verdict as symbol and word; colour is only additional."""
    if verdict is None:
        return f"· {NOT_RUN}"
    shown = without_objectives(verdict)
    return f"{SYMBOLS[shown]} {shown.value}"


def colour_of(verdict: Verdict | None) -> str:
    """The class that gives a verdict its colour."""
    return _state(verdict)


def _state(verdict: Verdict | None) -> str:
    return without_objectives(verdict).value if verdict else "none"


def _finalize(value: object) -> Any:
    if value is None:
        return ""
    if isinstance(value, str) and not isinstance(value, Markup):
        return isolated(clean(value))
    return value


@cache
def _sheet(style: str) -> str:
    return _text("page.css") + (_text(style) if style else "")


@cache
def _sources() -> dict[str, str]:
    folder = files(__package__).joinpath(_FOLDER)
    return {
        each.name: each.read_text(encoding="utf-8")
        for each in folder.iterdir()
        if each.name.endswith((".html", ".svg"))
    }


@cache
def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
