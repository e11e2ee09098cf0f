"""What is wrong in a table of a configuration file, for people: place, mistake and remedy."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from probe.core.environment import ConfigProblem
from probe.core.field_types import plain_error
from probe.core.tables.threshold_config import PROMETHEUS_NAMES, Table
from probe.untrusted.text import odd_letter, suggest

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

T = TypeVar("T", bound=BaseModel)

# Words of other programs for keys that are called differently here.
_OTHER_WORDS = {
    "timeout": "deadline",
    "scrape_timeout": "deadline",
    "period": "interval",
    "scrape_interval": "interval",
    "every": "interval",
    "labels": "target_labels",
    "receiver": "notify",
    "receivers": "notify",
    "match": "matches",
    "matchers": "matches",
    "expected_status": "status",
    "expect_status": "status",
    "status_code": "status",
    "valid_status_codes": "status",
    "expect_body": "contains",
    "uri": "url",
    "dsn": "url",
    "address": "url",
    "host": "url",
    "description": "reason",
    "summary": "reason",
    "from": "start",
    "to": "end",
    "until": "end",
    "warn": "warning",
    "crit": "critical",
}

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
# As pydantic says that a mapping's name is wrong, and not its value.
_NAME_ITSELF = "[key]"
# What pydantic adds of its own where a value may be of several types.
_OF_SCHEMA = re.compile(r"(function-|literal\[|tuple\[|list\[|dict\[|is-instance\[|constrained-)")
# Upper case, as variables are written, and no mixture of letters and digits as keys are.
_VARIABLE = re.compile(r"[A-Z]+[0-9]{0,2}(_[A-Z0-9]+)*")
_PROMETHEUS_NAMES = {ours: name for name, ours in PROMETHEUS_NAMES.items()}


def read_entries(
    raw: Iterable[Mapping[str, Any]], model: type[T], name: str, path: Path | str
) -> tuple[dict[str, T], list[ConfigProblem]]:
    """The valid ``[[name]]`` entries of a file by their places in it, and what is wrong with the
    others."""
    tables: dict[str, T] = {}
    problems: list[ConfigProblem] = []
    for index, entry in enumerate(raw, 1):
        place = f"{path}: [[{name}]] entry {index}"
        try:
            tables[place] = model.model_validate(entry)
        except ValidationError as error:
            problems += table_problems(error, place, model)
    return tables, problems


def table_problems(
    error: ValidationError, place: str, model: type[BaseModel], *, complete: bool = True
) -> Iterator[ConfigProblem]:
    """Each mistake in a table of this ``model``. What one that is not ``complete`` lacks is none:
    it is reported where it would have come from."""
    errors = error.errors(include_url=False)
    for each in errors:
        if not complete and (each["type"] == "missing" or not each["loc"]):
            continue
        if each["type"] == "too_short" and _has_wrong_items(each["loc"], errors):
            continue
        where = f"{place}, {shown_key(each['loc'])}" if each["loc"] else place
        keys, about = _table_at(model, each["loc"])
        if each["type"] == "extra_forbidden":
            yield ConfigProblem(where, _unknown_key(str(each["loc"][-1]), keys))
        else:
            yield ConfigProblem(where, plain_error(each, about))


def _has_wrong_items(place: tuple[int | str, ...], errors: "Sequence[ErrorDetails]") -> bool:
    """pydantic counts the right items alone."""
    length = len(place)
    return any(len(each["loc"]) > length and each["loc"][:length] == place for each in errors)


def shown_key(location: Iterable[int | str]) -> str:
    """Where in a table a mistake is, as people find it: ``key "losses", item 2``; a name that needs
    quotes in TOML has them."""
    parts: list[str] = []
    name = ""
    for part in location:
        if isinstance(part, int):
            parts += [f'key "{name}"'] if name else []
            parts.append(f"item {part + 1}")
            name = ""
        elif part != _NAME_ITSELF and not _OF_SCHEMA.match(part):
            name = f"{name}.{_quoted(part)}" if name else _quoted(part)
    ours = _PROMETHEUS_NAMES.get(name.rpartition(".")[2])
    also = f' ("{ours}")' if ours else ""
    return ", ".join([*parts, *([f'key "{name}"{also}'] if name else [])])


def not_set(name: str) -> str:
    """What is said of a variable that a key names and that is not set. What is no variable's name
    may be the very secret, in the wrong place: it is not repeated."""
    if _VARIABLE.fullmatch(name):
        return f"{name} is not set"
    return "names no variable that is set: write its name here, such as TURN_PASSWORD, not a value"


def _quoted(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else f"'{name}'"


def _table_at(
    model: type[BaseModel], location: tuple[int | str, ...]
) -> "tuple[list[str], FieldInfo | None]":
    """The keys of the table that holds this place within a table of ``model``, none if it has none;
    and the setting that the place is, or is in."""
    found: Any = model
    keys, about = list[str](), None
    for part in location:
        if _is_model(found):
            keys = list(found.keys() if issubclass(found, Table) else found.model_fields)
            about = found.model_fields.get(str(part))
            found = about.annotation if about is not None else None
        else:
            # A list's item, or a value of a mapping: the last of its types.
            keys = []
            found = next((each for each in reversed(get_args(found)) if each is not ...), None)
        found = next(filter(_is_model, get_args(found)), found) if _is_union(found) else found
    return keys, about


def _is_model(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _is_union(annotation: object) -> bool:
    return get_origin(annotation) in (UnionType, Union)


def _unknown_key(key: str, known: Iterable[str]) -> str:
    """That a key is unknown, with the one that is meant."""
    names = list(known)
    word = _OTHER_WORDS.get(key.strip().lower().replace("-", "_"))
    if word in names:
        return f'unknown key: did you mean "{word}"?'
    odd = f" ({odd_letter(key)})" if not key.isascii() else ""
    return f"unknown key{odd}" + (suggest(key, names) if names else ": correct or remove it")
