"""All secrets that a configuration holds, for redaction."""

from collections.abc import Iterable, Iterator, Mapping
from typing import get_args
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from pydantic import BaseModel, SecretStr

from probe.core.environment import Environment, EnvironmentSources
from probe.net.urls import split_urls

# Of a value in the query of an address that counts as a secret.
_MIN_VALUE = 8


def secrets_in(value: object) -> Iterator[str]:
    """What is secret in a model and all that it holds; of an address, what is secret in it."""
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from secrets_in(getattr(value, name))
    elif isinstance(value, SecretStr):
        text = value.get_secret_value()
        yield from secret_parts(urlsplit(text)) if "://" in text else [text]
    elif isinstance(value, Mapping):
        yield from secrets_in(tuple(value.values()))
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from secrets_in(each)


def secret_parts(address: SplitResult) -> Iterator[str]:
    """Password and query of an address, and the query's values."""
    password = address.password or ""
    # As the address has it, and as a library may show it: without its %-codes.
    yield from filter(None, (password, unquote(password), address.query))
    # A target repeats what it was asked with in words of its own; "30" or "json" is no secret.
    values = (value for _, value in parse_qsl(address.query))
    yield from (value for value in values if len(value) >= _MIN_VALUE)


def secrets_of_variables(
    models: Iterable[type[Environment]], sources: EnvironmentSources
) -> Iterator[str]:
    """What is secret in every variable that these models read, whether or not anything uses it: a
    target may repeat what it was once sent. Raises ConfigurationError."""
    names = {
        field.alias or name
        for model in models
        for name, field in model.model_fields.items()
        if _is_secret(field.annotation)
    }
    variables = sources.load(names)
    for name in sorted(names):
        value = (variables.get(name) or "").strip()
        if "://" not in value:
            yield value
            continue
        for address in split_urls(value):
            parts = urlsplit(address)
            yield from secret_parts(parts)
            yield from _secret_segments(parts)


def _secret_segments(parts: SplitResult) -> Iterator[str]:
    """What looks random in the path of an address, as webhooks and heartbeats have it; and the key
    of a DSN."""
    if parts.scheme in ("http", "https") and parts.username and not parts.password:
        yield parts.username
    for segment in parts.path.split("/"):
        if len(segment) >= _MIN_VALUE and any(map(str.isdigit, segment)):
            yield segment


def _is_secret(annotation: object) -> bool:
    return annotation is SecretStr or any(map(_is_secret, get_args(annotation)))
