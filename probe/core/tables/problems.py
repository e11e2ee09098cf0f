"""What is wrong in a table of a configuration file, for people: place, mistake and remedy."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from probe.core.environment import ConfigProblem, suggest
from probe.core.field_types import plain_message

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
            problems += table_problems(error, place, model.model_fields)
    return tables, problems


def table_problems(
    error: ValidationError, place: str, known: Iterable[str] = ()
) -> Iterator[ConfigProblem]:
    """Each mistake in a table; ``known`` are the keys that it may have."""
    names = list(known)
    for each in error.errors(include_input=False, include_url=False):
        key = ".".join(str(part) for part in each["loc"])
        where = f'{place}, key "{key}"' if key else place
        if each["type"] == "extra_forbidden":
            yield ConfigProblem(where, unknown_key(key, names if len(each["loc"]) == 1 else []))
        else:
            yield ConfigProblem(where, plain_message(each["msg"]))


def unknown_key(key: str, known: Iterable[str]) -> str:
    """That a key is unknown, with the one that is meant."""
    names = list(known)
    word = _OTHER_WORDS.get(key.strip().lower().replace("-", "_"))
    if word in names:
        return f'unknown key: did you mean "{word}"?'
    return "unknown key" + (suggest(key, names) if names else ": correct or remove it")
