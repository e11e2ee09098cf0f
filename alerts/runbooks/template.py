"""Runbooks are templates: filled from the configuration and the alert, steps that don't fit left
out.

A page is Markdown with Jinja2. Where nothing is known (a page without an alert, the rules
file), names are in capitals and every step is there. Besides the variables in ``GENERIC`` a
template may ask ``fits(CAUSE, …)``: whether the alert's cause is one of these or unknown; and
``names(SERVICE, …)``: whether its services are, or unknown.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING

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
    return _renumbered(rendered, section)


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


def _renumbered(text: str, section: str) -> str:
    before, heading, rest = text.partition(f"## {section}\n")
    inside, end, after = rest.partition("\n## ")
    steps, numbers = _kept(inside)
    after = _REFERENCE.sub(lambda found: _referred(found[1], numbers), after)
    return f"{before}{heading}{steps}{end}{after}"


def _kept(section: str) -> tuple[str, dict[str, int]]:
    """The section without its empty steps, and the new number of each that is kept."""
    head, *items = re.split(r"(?m)^(?=\d+\. )", section)
    kept, numbers = [head], dict[str, int]()
    for item in items:
        old, _, text = item.partition(". ")
        if text.strip():
            numbers[old] = len(numbers) + 1
            kept.append(f"{numbers[old]}. {text.lstrip()}")
    return "".join(kept), numbers


def _referred(numbers: str, new: Mapping[str, int]) -> str:
    kept = [str(new[number]) for number in re.findall(r"\d+", numbers) if number in new]
    if not kept:
        return "the first steps"
    *most, last = kept
    return f"steps {', '.join(most)} and {last}" if most else f"step {last}"
