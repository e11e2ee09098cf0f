"""Values as JSON, to be stored.

What a later version wrote can be read: keys that this one doesn't know are ignored.
"""

from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

T = TypeVar("T")


class CodecError(ValueError):
    """A text can't be decoded: no JSON, a required key is missing, a value unknown."""


class JsonCodec(Generic[T]):
    """``value_type`` is anything that pydantic validates, such as a dataclass."""

    def __init__(self, value_type: type[T]) -> None:
        self._adapter: TypeAdapter[T] = TypeAdapter(value_type)

    def dump(self, value: T) -> str:
        """A value as JSON; half a surrogate pair, which no file can hold, becomes "?"."""
        try:
            return self._adapter.dump_json(value, by_alias=True).decode()
        except PydanticSerializationError:
            plain = _whole(self._adapter.dump_python(value, by_alias=True))
            clean = self._adapter.validate_python(plain)
            return self._adapter.dump_json(clean, by_alias=True).decode()

    def load(self, text: Any) -> T:
        """What :meth:`dump` wrote. Raises :class:`CodecError`, whose text holds nothing of the
        contents."""
        try:
            return self._adapter.validate_json(text)
        except ValidationError as error:
            kinds = sorted({each["type"] for each in error.errors(include_input=False)})
            raise CodecError(f"not readable: {', '.join(kinds)[:100]}") from None
        except (TypeError, ValueError, RecursionError) as error:
            raise CodecError(f"not readable: {type(error).__name__}") from None


def _whole(value: Any) -> Any:
    """A value without halves of surrogate pairs."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_whole(key): _whole(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(each) for each in value]
    return value
