"""Types of settings that carry their unit or their text: the reference is made from them; and
what is said of a value that does not fit its type."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

from msgspec import Struct
from pydantic import AllowInfNan

from probe.core.model import Unit
from probe.untrusted.text import odd_letter, without_keys, without_login

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails


class Described(Struct, frozen=True):
    """What a field of this type is, wherever it stands, and its type in words; a field's own
    docstring wins over the text."""

    text: str = ""
    type: str = ""


Seconds = Annotated[float, Unit.SECONDS, AllowInfNan(False)]
Bytes = Annotated[int, Unit.BYTES]
Ratio = Annotated[float, Unit.RATIO, AllowInfNan(False)]

_NO_UNIT = "without quotes and units: times are in seconds, sizes in bytes, shares from 0 to 1"
_NUMBER, _WHOLE = f"must be a number {_NO_UNIT}", f"must be a whole number {_NO_UNIT}"
_FLAG, _PATH = "must be true or false, without quotes", "must be a path: write it in quotes"
_TABLE = "must be a table: write NAME = VALUE below it"
_LIST = "must be a list: write it in [brackets]"
# By the type of pydantic's error; what depends on the setting itself is below.
_BY_TYPE: Mapping[str, str] = {
    "missing": "is required",
    "string_type": "must be text: write it in quotes",
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": "must be a number that is finite",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": "must be a whole number, without a fraction",
    "int_parsing_size": "must be a whole number of fewer digits",
    "bool_type": _FLAG,
    "bool_parsing": _FLAG,
    "path_type": _PATH,
    "path_not_file": _PATH,
    **dict.fromkeys(("dict_type", "mapping_type", "model_type", "model_attributes_type"), _TABLE),
    **dict.fromkeys(("tuple_type", "list_type", "set_type", "frozen_set_type"), _LIST),
    **dict.fromkeys(
        ("date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"),
        'must be a day like "2026-03-29"',
    ),
    "invalid_key": "has a name that is no text: write it in quotes",
    "is_instance_of": "is found by the probe itself: leave it out",
}
_NO_NUMBER = {
    **dict.fromkeys(("int_type", "int_parsing"), "whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "number"),
}
_BOUNDS = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")
_PATTERNS: Mapping[str, str] = {
    "^[a-z0-9-]+$": "must be lowercase letters, digits and dashes",
    "^[a-z0-9][a-z0-9-]{0,62}$": "must be at most 63 lowercase letters, digits and dashes",
    "^[a-z][a-z0-9_]{0,62}$": (
        "must be at most 63 lowercase letters, digits and underscores, and begin with a letter"
    ),
    "^[a-z0-9][a-z0-9._-]{0,62}$": (
        "must be at most 63 lowercase letters, digits, dots, dashes and underscores, and begin "
        "with a letter or digit"
    ),
    "^[a-z0-9][a-z0-9_-]{0,31}$": (
        "must be at most 32 lowercase letters, digits, dashes and underscores, and begin with a "
        "letter or digit"
    ),
    "^[a-zA-Z_:][a-zA-Z0-9_:]*$": (
        "must be letters, digits, underscores and colons, and not begin with a digit"
    ),
    "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$": (
        "must be named as a header is: letters, digits and dashes, without blanks"
    ),
    r"^/[^\s?#]*$": "must be a path: begin with / and have neither blank nor ? nor #",
    r"^(/[^\s?#]*)?$": "must be empty or a path, which begins with / and has no blank, ? or #",
    r"^.{1,200}\.$": "must be a sentence of at most 200 characters, with a full stop",
}


def plain_error(error: "ErrorDetails", about: "FieldInfo | None" = None) -> str:
    """pydantic's error in words that name the remedy; ``about`` is the setting, whose range and
    unit are named. Values don't appear in it, since any could be a secret."""
    kind, context = error["type"], error.get("ctx", {})
    accepted = _accepted(about) if about is not None else ""
    if kind in _BOUNDS and accepted:
        return f"must be {accepted}"
    if kind in _NO_NUMBER and accepted and not accepted.endswith(")"):
        return f"must be a {_NO_NUMBER[kind]} {accepted}, without quotes"
    if kind == "string_pattern_mismatch":
        pattern = str(context["pattern"])
        wanted = _PATTERNS.get(pattern, f"must be of the form {pattern!r}")
        odd = odd_letter(str(error.get("input", "")))
        return f"{wanted}: {odd}" if odd else wanted
    if kind == "string_too_short" and context["min_length"] == 1:
        return "must not be empty"
    if kind == "string_too_short":
        return f"must have {context['min_length']} characters or more"
    if kind == "string_too_long":
        return f"must have {context['max_length']} characters or fewer"
    if kind == "too_short":
        return f"must have {_items(context['min_length'])} or more"
    if kind == "too_long":
        return f"must have {_items(context['max_length'])} or fewer"
    if kind == "value_error":
        return _without_secrets(plain_message(error["msg"]), about)
    return _BY_TYPE.get(kind) or plain_message(error["msg"])


def _without_secrets(text: str, about: "FieldInfo | None") -> str:
    """A message of our own may repeat what was written; of what belongs there a path alone may look
    like a key."""
    text = without_login(text)
    is_path = about is not None and Path in _types(about.annotation)
    return text if is_path else without_keys(text)


def _types(annotation: object) -> Iterator[object]:
    yield annotation
    for each in get_args(annotation):
        yield from _types(each)


def plain_message(message: str) -> str:
    """pydantic's message without its own prefixes, where there is no more than its text."""
    bare = message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return bare.replace("Input should be", "must be", 1)


def annotations_of(about: "FieldInfo") -> list[Any]:
    """What a setting's type carries, at the top and inside of unions and lists."""
    return [*about.metadata, *_inner(about.annotation)]


def bounds_of(annotations: Sequence[Any]) -> dict[str, str]:
    """The bounds that pydantic's ``ge``, ``gt``, ``le`` and ``lt`` leave, by these names."""
    return {
        name: f"{getattr(each, name):.15g}"
        for each in annotations
        for name in ("ge", "gt", "le", "lt")
        if isinstance(getattr(each, name, None), int | float)
    }


def _inner(annotation: object) -> Iterator[Any]:
    for each in getattr(annotation, "__metadata__", ()):
        # Of an item, what Field says stands in one of its own.
        yield from getattr(each, "metadata", (each,))
    for each in get_args(annotation):
        if not isinstance(each, str):
            yield from _inner(each)


def _accepted(about: "FieldInfo") -> str:
    """``from 1 to 300 (seconds)``; empty where nothing is bounded."""
    annotations = annotations_of(about)
    bounds = bounds_of(annotations)
    unit = next((f" ({each})" for each in annotations if isinstance(each, Unit)), "")
    if "ge" in bounds and "le" in bounds:
        return f"from {bounds['ge']} to {bounds['le']}{unit}"
    words = {"ge": "{} or more", "gt": "above {}", "le": "at most {}", "lt": "below {}"}
    parts = [words[name].format(value) for name, value in bounds.items()]
    return f"{' and '.join(parts)}{unit}" if parts else ""


def _items(count: int) -> str:
    return "1 item" if count == 1 else f"{count} items"
