"""Any data with one text in the place of every text that a target or a configuration names."""

from collections.abc import Collection, Mapping
from enum import Enum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

# Ours alone: made here, never from outside.
OURS = frozenset(
    {"id", "anchor", "window", "unit", "icon", "runbook", "signal", "rule", "version", "links"}
    | {"verdicts", "notes", "announcements", "verdict", "url", "link", "kind"}
)


def poisoned(value: Any, text: str, keep: Collection[str] = OURS) -> Any:
    """A copy of records, tuples, lists and mappings with ``text`` in it, but for the fields of
    these names."""
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return text
    if isinstance(value, Struct):
        parts = {
            name: poisoned(getattr(value, name), text, keep)
            for name in value.__struct_fields__
            if name not in keep
        }
        return replace(value, **parts)
    if isinstance(value, tuple) and type(value) is tuple:
        return tuple(poisoned(each, text, keep) for each in value)
    if isinstance(value, list):
        return [poisoned(each, text, keep) for each in value]
    if isinstance(value, Mapping):
        return {
            (text if isinstance(name, str) else name): poisoned(each, text, keep)
            for name, each in value.items()
        }
    return value
