"""Incidents, annotations and announcements as JSON.

What a later version wrote can be read: keys that this one doesn't know are passed over.
"""

from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from probe.history.incidents.model import (
    Acknowledgement,
    Annotation,
    Announcement,
    Incident,
    Note,
    Notification,
)

T = TypeVar("T")


class UnreadableDocument(ValueError):
    """A text is no document of its kind."""


_INCIDENT: TypeAdapter[Incident] = TypeAdapter(Incident)
_NOTIFICATION: TypeAdapter[Notification] = TypeAdapter(Notification)
_ACKNOWLEDGEMENT: TypeAdapter[Acknowledgement] = TypeAdapter(Acknowledgement)
_NOTE: TypeAdapter[Note] = TypeAdapter(Note)
_ANNOTATION: TypeAdapter[Annotation] = TypeAdapter(Annotation)
_ANNOUNCEMENT: TypeAdapter[Announcement] = TypeAdapter(Announcement)


def _load(adapter: TypeAdapter[T], text: str) -> T:
    try:
        return adapter.validate_json(text)
    except ValidationError:
        raise UnreadableDocument("a document can't be read") from None


def _dump(adapter: TypeAdapter[Any], value: Any) -> str:
    try:
        return adapter.dump_json(value).decode()
    except PydanticSerializationError:  # half a surrogate pair, which no file can hold
        plain = adapter.dump_python(value, mode="python")
        return adapter.dump_json(adapter.validate_python(_whole(plain))).decode()


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {key: _whole(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(each) for each in value]
    return value


load_incident = partial(_load, _INCIDENT)
load_notification = partial(_load, _NOTIFICATION)
load_acknowledgement = partial(_load, _ACKNOWLEDGEMENT)
load_note = partial(_load, _NOTE)
load_annotation = partial(_load, _ANNOTATION)
load_announcement = partial(_load, _ANNOUNCEMENT)

dump_notification = partial(_dump, _NOTIFICATION)
dump_acknowledgement = partial(_dump, _ACKNOWLEDGEMENT)
dump_note = partial(_dump, _NOTE)
dump_annotation = partial(_dump, _ANNOTATION)
dump_announcement = partial(_dump, _ANNOUNCEMENT)


def dump_incident(incident: Incident) -> str:
    """An incident without what has tables of its own."""
    bare = replace(incident, notifications=(), acknowledgements=(), notes=(), annotations=())
    return _dump(_INCIDENT, bare)
