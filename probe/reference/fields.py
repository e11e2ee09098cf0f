"""What a settings model says of its fields: type, unit, default, example and meaning."""

import ast
import inspect
import itertools
import json
import re
import textwrap
import typing
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from enum import Enum
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal

from msgspec import Struct
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from probe.core.field_types import Described, annotations_of, bounds_of
from probe.core.model import Unit
from probe.stun.uri import TurnUri

_EXAMPLE = re.compile(r"\s*Example:\s+`(.+)`$", re.DOTALL)
_TYPES: Mapping[Any, str] = {
    bool: "true or false",
    int: "integer",
    float: "number",
    str: "text",
    Path: "path",
    SecretStr: "secret",
    TurnUri: "STUN or TURN URI",
    date: "date",
    time: "time of day",
    datetime: "date and time",
}


class SettingField(Struct, frozen=True):
    """One variable or key as documented; ``default`` is empty where there is none."""

    name: str
    type: str
    default: str
    example: str
    text: str
    required: bool = False


def fields_of(model: type[BaseModel], *, without: Sequence[str] = ()) -> list[SettingField]:
    """The fields of a model in their order, but for those named in ``without``."""
    return [
        _field(model, name, about)
        for name, about in model.model_fields.items()
        if name not in without
    ]


def own_fields(model: type[BaseModel], base: type[BaseModel]) -> list[SettingField]:
    """The fields that a model adds to its base, or has another default for."""
    same = [
        name
        for name, about in base.model_fields.items()
        if repr(model.model_fields[name]) == repr(about)
    ]
    return fields_of(model, without=same)


def _field(model: type[BaseModel], name: str, about: FieldInfo) -> SettingField:
    text = _docstrings(model).get(name) or _described(about)
    found = _EXAMPLE.search(text.strip())
    example = " ".join(found[1].split()) if found else ""
    return SettingField(
        name=about.alias or name,
        type=type_of(about),
        default="" if about.is_required() else shown(about.get_default(call_default_factory=True)),
        example=example,
        text=" ".join(_EXAMPLE.sub("", text.strip()).split()),
        required=about.is_required(),
    )


@cache
def _docstrings(model: type[BaseModel]) -> Mapping[str, str]:
    """The texts below the fields of a model and of those it is made from."""
    found: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if each.__module__.split(".")[0] in ("pydantic", "pydantic_settings", "builtins"):
            continue
        try:
            (tree,) = ast.parse(textwrap.dedent(inspect.getsource(each))).body
        except (OSError, TypeError):
            continue
        found |= dict(_texts(tree))
    return found


def _texts(tree: ast.stmt) -> Iterator[tuple[str, str]]:
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    for line, following in itertools.pairwise(body):
        if not isinstance(line, ast.AnnAssign) or not isinstance(line.target, ast.Name):
            continue
        value = following.value if isinstance(following, ast.Expr) else None
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield line.target.id, value.value


def _described(about: FieldInfo) -> str:
    for each in annotations_of(about):
        if isinstance(each, Described) and each.text:
            return each.text
    return ""


def type_of(about: FieldInfo) -> str:
    """The type as text, with its unit and its range."""
    metadata = annotations_of(about)
    named = next((each.type for each in metadata if isinstance(each, Described) and each.type), "")
    unit = next((each.value for each in metadata if isinstance(each, Unit)), "")
    type_text = named or _type_text(about.annotation)
    return ", ".join(filter(None, (type_text, unit, _range(metadata))))


def _type_text(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        named = [each.type for each in annotation.__metadata__ if isinstance(each, Described)]
        return next(filter(None, named), "") or _type_text(arguments[0])
    if origin in (typing.Union, UnionType):
        return " or ".join(_type_text(each) for each in arguments if each is not NoneType)
    if origin is Literal:
        return " or ".join(f"`{each}`" for each in arguments)
    if origin in (tuple, list, frozenset):
        return f"list of: {_type_text(arguments[0])}"
    if inspect.isclass(annotation) and issubclass(annotation, Enum):
        return " or ".join(f"`{each.value}`" for each in annotation)
    return _TYPES.get(annotation) or "table"


def _range(metadata: Sequence[Any]) -> str:
    bounds = bounds_of(metadata)
    low = bounds.get("ge") or (f"above {bounds['gt']}" if "gt" in bounds else "")
    high = bounds.get("le") or (f"below {bounds['lt']}" if "lt" in bounds else "")
    if low and high:
        return f"{low} to {high}"
    return f"from {low}" if "ge" in bounds else low or (f"up to {high}" if high else "")


def shown(value: object) -> str:
    """A default as it is written in ``probe.toml``; empty for what is not set."""
    if value is None or value in ("", (), {}, frozenset()):
        return ""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, tuple):
        return json.dumps(value)
    return str(value)
