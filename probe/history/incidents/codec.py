"""Incidents, annotations and announcements as JSON, to be stored. Loading raises CodecError."""

from msgspec.structs import replace

from probe.history.incidents.model import (
    Acknowledgement,
    Annotation,
    Announcement,
    Incident,
    Note,
    Notification,
)
from probe.storage.json_codec import JsonCodec

_INCIDENT, _NOTIFICATION = JsonCodec(Incident), JsonCodec(Notification)
_ACKNOWLEDGEMENT, _NOTE = JsonCodec(Acknowledgement), JsonCodec(Note)
_ANNOTATION, _ANNOUNCEMENT = JsonCodec(Annotation), JsonCodec(Announcement)

load_incident = _INCIDENT.load
dump_notification, load_notification = _NOTIFICATION.dump, _NOTIFICATION.load
dump_acknowledgement, load_acknowledgement = _ACKNOWLEDGEMENT.dump, _ACKNOWLEDGEMENT.load
dump_note, load_note = _NOTE.dump, _NOTE.load
dump_annotation, load_annotation = _ANNOTATION.dump, _ANNOTATION.load
dump_announcement, load_announcement = _ANNOUNCEMENT.dump, _ANNOUNCEMENT.load


def dump_incident(incident: Incident) -> str:
    """An incident without what has tables of its own."""
    bare = replace(incident, notifications=(), acknowledgements=(), notes=(), annotations=())
    return _INCIDENT.dump(bare)
