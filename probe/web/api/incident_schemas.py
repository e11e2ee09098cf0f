"""What the API answers about incidents, silences, annotations and announcements. Times are ISO 8601
in UTC, durations seconds; what is not known is null."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


class AnswerModel(BaseModel):
    """An answer; every key is always there."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True, defer_build=True)


class NotificationModel(AnswerModel):
    """One message to one receiver."""

    receiver: str
    occasion: str = Field(description="firing, changed, reminder or resolved")
    time: datetime
    title: str
    status: str = Field(description="pending, delivered, refused or dropped")
    settled: datetime | None = Field(description="when it was accepted or refused")
    error: str


class AcknowledgementModel(AnswerModel):
    """Who has taken an incident on."""

    time: datetime
    author: str
    comment: str


class NoteModel(AnswerModel):
    """A person's note, in Markdown."""

    id: str
    time: datetime
    author: str
    text: str
    public: bool


class AnnotationModel(AnswerModel):
    """Something that happened. ``time_ms`` and ``time_end_ms`` are as Grafana's annotations have
    them."""

    id: str
    time: datetime
    time_ms: int
    end: datetime | None
    time_end_ms: int | None
    kind: str
    text: str
    link: str
    commit: str
    author: str
    source: str
    tags: list[str]


class AlertModel(AnswerModel):
    """One alert of an incident, and what was measured."""

    name: str
    check: str
    rule: str
    severity: str
    since: datetime
    fired: datetime
    ended: datetime | None
    summary: str
    kind: str
    target: str
    region: str
    labels: dict[str, str]
    phase: str
    cause: str
    hint: str
    value: str
    limit: str
    trend: str
    runbook: str
    service: str
    closed: str


class TimelineModel(AnswerModel):
    """One thing that happened in an incident."""

    time: datetime
    kind: str
    text: str


class IncidentModel(AnswerModel):
    """One incident in a list."""

    id: str
    title: str
    state: str = Field(description="open or resolved")
    severity: str
    cause: str
    since: datetime
    opened: datetime
    ended: datetime | None
    duration_seconds: float
    services: list[str]
    checks: list[str]
    region: str
    suppressed: list[str]
    adopted: bool
    acknowledged: bool


class IncidentDetailModel(IncidentModel):
    """One incident with all that is known of it."""

    alerts: list[AlertModel]
    notifications: list[NotificationModel]
    acknowledgements: list[AcknowledgementModel]
    notes: list[NoteModel]
    annotations: list[AnnotationModel]
    timeline: list[TimelineModel]


class SilenceModel(AnswerModel):
    """One silence."""

    id: str
    state: str = Field(description="pending or active")
    matchers: list[str]
    author: str
    comment: str
    start: datetime
    end: datetime


class NewSilenceAnswer(AnswerModel):
    """A silence that was added, and what it matches now."""

    silence: SilenceModel
    checks: list[str]
    alerts: list[str]


class AnnouncementModel(AnswerModel):
    """A text for the public status page, or planned maintenance."""

    id: str
    kind: str
    title: str
    text: str
    start: datetime
    end: datetime | None
    services: list[str]
    author: str


class ListModel(AnswerModel):
    """Some of many."""

    total: int = Field(description="how many there are in all")
    limit: int
    offset: int


class IncidentList(ListModel):
    """Some of the incidents, newest first."""

    items: list[IncidentModel]


class SilenceList(ListModel):
    """Some of the silences."""

    items: list[SilenceModel]


class AnnotationList(ListModel):
    """Some of the annotations, newest first."""

    items: list[AnnotationModel]


class AnnouncementList(ListModel):
    """Some of the announcements."""

    items: list[AnnouncementModel]
