"""Values as JSON, to be stored.

What a later version wrote can be read: keys that this one doesn't know are ignored.
"""

import json
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


class CodecError(ValueError):
    """A text can't be decoded: no JSON, a required key is missing, a value unknown."""


class JsonCodec(Generic[T]):
    """``value_type`` is anything that msgspec converts, such as a Struct.

    The text is what Python's own json writes and reads, so it has numbers that are not finite.
    """

    def __init__(self, value_type: type[T]) -> None:
        self._type = value_type

    def dump(self, value: T) -> str:
        """A value as JSON; half a surrogate pair, which no file can hold, becomes "?"."""
        plain = msgspec.to_builtins(value)
        text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "replace").decode()

    def load(self, text: str | bytes) -> T:
        """What :meth:`dump` wrote. Raises :class:`CodecError`, whose text holds nothing of the
        contents."""
        try:
            return msgspec.convert(json.loads(text), self._type)
        except msgspec.ValidationError as error:
            place = str(error).rpartition(" - at `")[2].rstrip("`")
            raise CodecError(f"not readable at {place[:100]}") from None
        except (TypeError, ValueError, RecursionError) as error:
            raise CodecError(f"not readable: {type(error).__name__}") from None
