"""``.env.example``: every variable with its meaning, to be copied to ``.env``."""

import textwrap
from collections.abc import Iterator

from probe.reference.configuration import Kinds, Notifiers, variables_by_title
from probe.reference.fields import SettingField

_HEAD = """\
# Made by `make generate` from the settings models; docs/reference.md has types and ranges.
# The backend's own environment file works as it is. Every NAME may be given as
# NAME_FILE=/path/to/file instead, or as a file NAME in the directory PROBE_SECRETS_DIR
# (default /run/secrets). Empty variables count as not set.
"""
# Set by the platform.
_NOT_WRITTEN = ("FLY_REGION",)


def env_file(kinds: Kinds, notifiers: Notifiers) -> str:
    """The whole file."""
    return "\n".join((_HEAD, *_sections(kinds, notifiers)))


def _sections(kinds: Kinds, notifiers: Notifiers) -> Iterator[str]:
    for title, fields in variables_by_title(kinds, notifiers).items():
        lines = [line for each in fields if each.name not in _NOT_WRITTEN for line in _lines(each)]
        yield "\n".join((f"# {title}", *lines, ""))


def _lines(field: SettingField) -> Iterator[str]:
    example = f" Example: {field.example}" if field.example and not field.default else ""
    text = field.text.replace("`", "") + example
    yield from (f"# {line}" for line in textwrap.wrap(text, 97, break_on_hyphens=False))
    yield f"{field.name}={field.default}"
