"""The words of alerting as JSON, to be kept on a disk.

What a later version wrote can be read: keys that this one doesn't know are passed over.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any, TypeVar

from alerts.model import Alert, Fingerprint, Labels, Message, MessageType, Severity, Silence

T = TypeVar("T")
Document = Mapping[str, Any]


class CodecError(ValueError):
    """A text isn't what it should be: no JSON, a needed key is missing, a word unknown."""


def dump_alert(alert: Alert) -> str:
    """An alert as JSON."""
    return _dump(alert)


def load_alert(text: str) -> Alert:
    """The alert that :func:`dump_alert` wrote. Raises :class:`CodecError`."""
    return _load(text, _alert)


def dump_message(message: Message) -> str:
    """A message as JSON."""
    return _dump(message)


def load_message(text: str) -> Message:
    """The message that :func:`dump_message` wrote. Raises :class:`CodecError`."""
    return _load(text, _message)


def dump_silence(silence: Silence) -> str:
    """A silence as JSON."""
    return _dump(silence)


def load_silence(text: str) -> Silence:
    """The silence that :func:`dump_silence` wrote. Raises :class:`CodecError`."""
    return _load(text, _silence)


def _dump(value: Any) -> str:
    return json.dumps(asdict(value), ensure_ascii=False, separators=(",", ":"))


def _load(text: str, read: Callable[[Document], T]) -> T:
    try:
        return read(json.loads(text))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CodecError(f"not readable: {type(error).__name__}") from error


def _known(words: type[Any], document: Document) -> dict[str, Any]:
    return {field.name: document[field.name] for field in fields(words) if field.name in document}


def _labels(pairs: Any) -> Labels:
    return tuple((str(name), str(value)) for name, value in pairs)


def _identity(document: Document) -> Fingerprint:
    known = _known(Fingerprint, document)
    return Fingerprint(**{**known, "labels": _labels(known.get("labels", ()))})


def _alert(document: Document) -> Alert:
    known = _known(Alert, document)
    known["identity"] = _identity(known["identity"])
    known["severity"] = Severity(known["severity"])
    known["labels"] = _labels(known.get("labels", ()))
    return Alert(**known)


def _message(document: Document) -> Message:
    known = _known(Message, document)
    known["occasion"] = MessageType(known["occasion"])
    known["severity"] = Severity(known["severity"])
    known["firing"] = tuple(_alert(each) for each in known.get("firing", ()))
    known["resolved"] = tuple(_alert(each) for each in known.get("resolved", ()))
    known["changes"] = tuple(known.get("changes", ()))
    known["news"] = tuple(known.get("news", ()))
    known["affected"] = tuple(known.get("affected", ()))
    known["links"] = _labels(known.get("links", ()))
    return Message(**known)


def _silence(document: Document) -> Silence:
    known = _known(Silence, document)
    return Silence(**{**known, "matches": tuple(known["matches"])})
