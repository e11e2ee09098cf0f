"""Jinja2 as the pages use it: escaping everywhere, and an error for an undefined name."""

# Jinja2 loads the lexer's codec and the rewriting of tracebacks when it first needs them.
import encodings.unicode_escape  # noqa: F401
from collections.abc import Callable, Mapping
from typing import Any

import jinja2.debug  # noqa: F401
from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound


class _Shipped(BaseLoader):
    """Templates that were read at the start: later there may be no file descriptor left."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._sources = sources

    def get_source(self, environment: Environment, template: str) -> tuple[str, str | None, Any]:
        """Raises TemplateNotFound."""
        found = self._sources.get(template)
        if found is None:
            raise TemplateNotFound(template)
        return found, template, lambda: True


def make_environment(sources: Mapping[str, str], finalize: Callable[[Any], Any]) -> Environment:
    """Of templates by name; ``finalize`` is called with each value that is put into a page."""
    return Environment(
        loader=_Shipped(sources),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=finalize,
        auto_reload=False,
    )
