"""Runbooks are templates: filled from the configuration and the alert, steps that don't fit left
out.

A page is Markdown with Jinja2. Where nothing is known (a page without an alert, the rules
file), names are in capitals and every step is there. Besides the variables in ``GENERIC`` a
template may ask ``fits(CAUSE, …)``: whether the alert's cause is one of these or unknown; and
``names(SERVICE, …)``: whether its services are, or unknown.

Where the cause is known, what the page's table of causes says to do about it comes first: the
steps that it names, or else a step of its own.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

from probe.core.resources import SPARE

if TYPE_CHECKING:
    from jinja2 import Template

Values = Mapping[str, object]

GENERIC: Values = {
    # The application: its app at Fly, its addresses.
    "app": "APP",
    "fly": True,
    "backend_url": "BACKEND_URL",
    "backend_host": "BACKEND_HOST",
    "frontend_url": "FRONTEND_URL",
    "page_origin": "PAGE_ORIGIN",
    # Its dependencies, and who hosts them.
    "redis_host": "REDIS_HOST",
    "upstash": True,
    "postgres_host": "POSTGRES_HOST",
    "postgres_port": 5432,
    "neon": True,
    # Its TURN servers.
    "backup": True,
    "coturn": True,
    "openrelay": True,
    "metered": True,
    "metered_app": "APP",
    # The probe.
    "probe_app": "PROBE_APP",
    "probe_fly": True,
    "region": "REGION",
    # The alert.
    "check": "CHECK",
    "kind": "KIND",
    "target": "TARGET",
    "host": "HOST",
    "port": "PORT",
    "provider": "PROVIDER",
    "transport": "TRANSPORT",
    "machine": "MACHINE_ID",
    "cause": "",
    "phase": "",
    "services": (),
}

_COLUMNS = 3
_REFERENCE = re.compile(r"\bsteps? (\d+(?:(?:, | and )\d+)*)")


class RunbookError(ValueError):
    """A template that can't be rendered; says where and why."""


def render(text: str, values: Values, section: str) -> str:
    """The page; the steps of ``section`` that are left are renumbered, and so is what refers
    to them. Raises RunbookError."""
    load_engine()
    from jinja2 import TemplateError

    try:
        rendered = _template(text).render(**_with_predicates({**GENERIC, **values}))
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        place = f"line {line}: " if line else ""
        raise RunbookError(f"{place}{error.message or type(error).__name__}") from None
    return _arranged(rendered, section, str(values.get("cause", "")), str(values.get("phase", "")))


@cache
def load_engine() -> None:
    """Load Jinja2, which takes 2 MB and is for pages and notifications, and what it loads later."""
    with SPARE.lent():
        import encodings.unicode_escape  # noqa: F401  its lexer's

        import jinja2.debug
        import jinja2.sandbox  # noqa: F401


@lru_cache(maxsize=256)
def _template(text: str) -> "Template":
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    # Markdown, which is escaped where it becomes HTML.
    environment = SandboxedEnvironment(
        autoescape=False, undefined=StrictUndefined, keep_trailing_newline=True
    )
    return environment.from_string(text)


def _with_predicates(values: Values) -> dict[str, object]:
    cause, services = values["cause"], values["services"]
    known = tuple(services) if isinstance(services, Sequence) else ()

    def fits(*causes: str) -> bool:
        return not cause or cause in causes

    def names(*services: str) -> bool:
        return not known or any(name in services for name in known)

    return {**values, "fits": fits, "names": names}


def _arranged(text: str, section: str, cause: str, phase: str) -> str:
    """The page with the section's steps that are not empty, those that fit the cause first."""
    before, heading, rest = text.partition(f"## {section}\n")
    inside, end, after = rest.partition("\n## ")
    head, *items = re.split(r"(?m)^(?=\d+\. )", inside)
    numbered = (item.partition(". ") for item in items)
    steps = {old: step.strip() for old, _, step in numbered if step.strip()}
    if not steps:
        return text
    found = _row_of(cause, phase, after)
    first = [old for old in found.named_steps if old in steps] if found is not None else []
    order = [*first, *(old for old in steps if old not in first)]
    own = [found.step] if found is not None and found.step and not first else []
    numbers = {old: len(own) + place for place, old in enumerate(order, 1)}
    lines = [*own, *(steps[old] for old in order)]
    listed = "\n".join(f"{number}. {line}" for number, line in enumerate(lines, 1))
    after = _REFERENCE.sub(lambda each: _referred(each[1], numbers), after)
    return f"{before}{heading}{head}{listed}\n{end}{after}"


class _CauseRow(Struct, frozen=True):
    """A line of the table of causes."""

    cause: str
    meaning: str
    advice: str

    @property
    def step(self) -> str:
        """The same as a step; empty where it says no more than which steps to take."""
        parts = [each for each in self.advice.split("; ") if not _REFERENCE.search(each)]
        advice = "; ".join(parts)
        if not advice or advice.startswith("the steps"):
            return ""
        see = "see " if advice.startswith("[") else ""
        end = "" if advice.endswith("?") else "."
        return f"`{self.cause}` ({self.meaning}): {see}{advice}{end}"

    @property
    def named_steps(self) -> list[str]:
        """The numbers of the steps to take."""
        found = _REFERENCE.findall(self.advice)
        return [number for each in found for number in re.findall(r"\d+", each)]


def _row_of(cause: str, phase: str, text: str) -> _CauseRow | None:
    """What the table says of a cause, in this phase if it has several lines; None where it says
    nothing."""
    found = []
    for line in text.splitlines() if cause else ():
        cells = [each.strip() for each in line.strip().strip("|").split(" | ")]
        if len(cells) == _COLUMNS and f"`{cause}`" in cells[0].split():
            found.append(_CauseRow(cause, cells[1], cells[2]))
    of_phase = (each for each in found if f"`{phase}`" in each.meaning)
    return next(of_phase, found[0] if found else None)


def _referred(numbers: str, new: Mapping[str, int]) -> str:
    kept = [str(new[number]) for number in re.findall(r"\d+", numbers) if number in new]
    if not kept:
        return "the first steps"
    *most, last = kept
    return f"steps {', '.join(most)} and {last}" if most else f"step {last}"
