"""Alerts, messages and silences as JSON, to be stored.

What a later version wrote can be read: keys that this one doesn't know are passed over.
"""

import json
from dataclasses import asdict
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from alerts.model import Alert, Message, Silence

T = TypeVar("T")

_ALERT: TypeAdapter[Alert] = TypeAdapter(Alert)
_MESSAGE: TypeAdapter[Message] = TypeAdapter(Message)
_SILENCE: TypeAdapter[Silence] = TypeAdapter(Silence)


class CodecError(ValueError):
    """A text can't be decoded: no JSON, a required key is missing, a value unknown."""


def dump_alert(alert: Alert) -> str:
    """An alert as JSON."""
    return dump(_ALERT, alert)


def load_alert(text: str) -> Alert:
    """The alert that :func:`dump_alert` wrote. Raises :class:`CodecError`."""
    return load(_ALERT, text)


def dump_message(message: Message) -> str:
    """A message as JSON."""
    return dump(_MESSAGE, message)


def load_message(text: str) -> Message:
    """The message that :func:`dump_message` wrote. Raises :class:`CodecError`."""
    return load(_MESSAGE, text)


def dump_silence(silence: Silence) -> str:
    """A silence as JSON."""
    return dump(_SILENCE, silence)


def load_silence(text: str) -> Silence:
    """The silence that :func:`dump_silence` wrote. Raises :class:`CodecError`."""
    return load(_SILENCE, text)


def dump(adapter: TypeAdapter[T], value: T) -> str:
    """A value as JSON; half a surrogate pair, which no file can hold, becomes "?"."""
    try:
        return adapter.dump_json(value, by_alias=True).decode()
    except PydanticSerializationError:
        fields: Any = asdict(value)  # type: ignore[call-overload]
        return json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace").decode()


def load(adapter: TypeAdapter[T], text: Any) -> T:
    """What ``adapter`` makes of a JSON text. Raises :class:`CodecError`, whose text holds
    nothing of the contents."""
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        kinds = sorted({each["type"] for each in error.errors(include_input=False)})
        raise CodecError(f"not readable: {', '.join(kinds)[:100]}") from None
    except (TypeError, ValueError, RecursionError) as error:
        raise CodecError(f"not readable: {type(error).__name__}") from None
