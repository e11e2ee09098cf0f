"""All secrets that a configuration holds, for redaction."""

from collections.abc import Iterator, Mapping
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from pydantic import BaseModel, SecretStr

# Of a value in the query of an address that counts as a secret.
_SHORTEST_VALUE = 8


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
    yield from (value for value in values if len(value) >= _SHORTEST_VALUE)
