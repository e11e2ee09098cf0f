"""What is wrong in a table of a configuration file, for people: place, mistake and remedy."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from probe.core.environment import ConfigProblem
from probe.core.field_types import plain_message
from probe.core.tables.threshold_config import Table
from probe.untrusted.text import suggest

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
    for each in error.errors(include_input=False, include_url=False):
        if not complete and (each["type"] == "missing" or not each["loc"]):
            continue
        parts = [str(part) for part in each["loc"]]
        where = f'{place}, key "{".".join(parts)}"' if parts else place
        if each["type"] == "extra_forbidden":
            yield ConfigProblem(where, _unknown_key(parts[-1], _keys_at(model, parts[:-1])))
        else:
            yield ConfigProblem(where, plain_message(each["msg"]))


def _keys_at(model: type[BaseModel], path: Iterable[str]) -> list[str]:
    """The keys of the table at this path within a table of ``model``; none if it has none."""
    found: Any = model
    for part in path:
        if _is_model(found):
            found = found.model_fields[part].annotation if part in found.model_fields else None
        else:
            # A list's item, or a value of a mapping: the last of its types.
            found = next((each for each in reversed(get_args(found)) if each is not ...), None)
        found = next(filter(_is_model, get_args(found)), found) if _is_union(found) else found
    if not _is_model(found):
        return []
    return list(found.keys() if issubclass(found, Table) else found.model_fields)


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
    return "unknown key" + (suggest(key, names) if names else ": correct or remove it")
