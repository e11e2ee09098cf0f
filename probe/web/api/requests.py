"""What requests of the API may hold: bounded, typed, and nothing unknown."""

import re
import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StringConstraints,
    model_validator,
)

from probe.history.incidents.model import Annotation, Announcement

MAX_ITEMS, MAX_OFFSET = 200, 100_000
MAX_SECONDS = 10 * 366 * 86400
_FIRST_DAY = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_DAY = datetime(9000, 1, 1, tzinfo=UTC)
_LINES = frozenset("\n\t")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}")


def _plain(text: str) -> str:
    """Without control characters, which would move a cursor or hide text."""
    for each in text:
        if unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp") and each not in _LINES:
            raise ValueError("no control or format characters are allowed")
    return text.strip()


def _one_line(text: str) -> str:
    if "\n" in text or "\t" in text:
        raise ValueError("write it on one line")
    return text


def _address(text: str) -> str:
    if text and not text.startswith(("https://", "http://")):
        raise ValueError("write an address that begins with https:// or http://")
    return text


def _moment(moment: datetime) -> datetime:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if not _FIRST_DAY <= aware < _LAST_DAY:
        raise ValueError("write a time between the years 1970 and 9000")
    return aware


def _text_only(value: object) -> object:
    """pydantic alone would take a number for a time too, also one that is text."""
    if not isinstance(value, str) or not _ISO.match(value):
        raise ValueError("write an ISO 8601 time")
    return value


def _bounded(longest: int) -> StringConstraints:
    return StringConstraints(min_length=1, max_length=longest)


Text = Annotated[str, _bounded(500), AfterValidator(_plain), AfterValidator(_one_line)]
Name = Annotated[str, _bounded(100), AfterValidator(_plain), AfterValidator(_one_line)]
Long = Annotated[str, _bounded(20_000), AfterValidator(_plain)]
Link = Annotated[
    str,
    StringConstraints(max_length=1000),
    AfterValidator(_plain),
    AfterValidator(_one_line),
    AfterValidator(_address),
]
Moment = Annotated[datetime, BeforeValidator(_text_only), AfterValidator(_moment)]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]


class _StrictBody(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, defer_build=True)


class PageQuery(_StrictBody):
    """Which part of a list."""

    limit: int = Field(default=50, ge=1, le=MAX_ITEMS, description="at most so many items")
    offset: int = Field(default=0, ge=0, le=MAX_OFFSET, description="items to leave out")


class CheckQuery(PageQuery):
    """Which checks."""

    service: Word | None = Field(default=None, description="only those of this service")
    kind: Word | None = Field(default=None, description="only those of this kind")
    verdict: Literal["ok", "unknown", "warning", "critical"] | None = Field(
        default=None, description="only those with this verdict"
    )


class IncidentQuery(PageQuery):
    """Which incidents."""

    state: Literal["open", "resolved", "all"] = "all"
    since: Moment | None = Field(default=None, description="only those that lasted after this")
    until: Moment | None = Field(default=None, description="only those that began before this")


class TimeQuery(PageQuery):
    """Which annotations."""

    since: Moment | None = Field(default=None, description="only those at or after this time")
    until: Moment | None = Field(default=None, description="only those before this time")


class NewSilence(_StrictBody):
    """A silence to add, from now on or from ``start``; set either ``duration_seconds`` or
    ``end``."""

    matchers: list[Annotated[Text, Field(max_length=200)]] = Field(
        min_length=1,
        max_length=50,
        description="check names, kinds, label values (wildcards allowed), or name=value,"
        " name!=value, name=~regex, name!~regex",
    )
    author: Name
    comment: Text
    start: Moment | None = None
    end: Moment | None = None
    duration_seconds: StrictFloat | StrictInt | None = Field(default=None, gt=0, le=MAX_SECONDS)

    @model_validator(mode="after")
    def _has_end(self) -> Self:
        if (self.end is None) == (self.duration_seconds is None):
            raise ValueError("set either end or duration_seconds")
        return self


class NewAnnotation(_StrictBody):
    """Something that happened: a deployment, say. Without ``time`` it is now."""

    text: Text
    kind: Word = "deploy"
    time: Moment | None = None
    end: Moment | None = Field(default=None, description="where it took a while")
    link: Link = ""
    commit: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z._/-]{0,100}$")] = ""
    author: Name | Literal[""] = ""
    tags: list[Word] = Field(default=[], max_length=20)

    @model_validator(mode="after")
    def _ends_after(self) -> Self:
        if self.end is not None and self.time is not None and self.end < self.time:
            raise ValueError("end: is before time")
        return self

    def annotation(self, new_id: str, now: float) -> Annotation:
        """What is to be stored."""
        return Annotation(
            id=new_id,
            at=self.time.timestamp() if self.time else now,
            text=self.text,
            kind=self.kind,
            until=self.end.timestamp() if self.end else None,
            link=self.link,
            commit=self.commit,
            author=self.author,
            tags=tuple(self.tags),
        )


class NewAnnouncement(_StrictBody):
    """A text for the public status page. Without ``start`` it holds from now on, without ``end``
    until it is deleted."""

    kind: Literal["announcement", "maintenance"] = "announcement"
    title: Text
    text: Long | Literal[""] = ""
    start: Moment | None = None
    end: Moment | None = None
    services: list[Word] = Field(default=[], max_length=50)
    author: Name | Literal[""] = ""

    @model_validator(mode="after")
    def _ends_after(self) -> Self:
        if self.end is not None and self.start is not None and self.end <= self.start:
            raise ValueError("end: is not after start")
        if self.kind == "maintenance" and self.end is None:
            raise ValueError("end: maintenance has one")
        return self

    def announcement(self, new_id: str, now: float) -> Announcement:
        """What is to be stored."""
        return Announcement(
            id=new_id,
            kind=self.kind,
            title=self.title,
            text=self.text,
            start=self.start.timestamp() if self.start else now,
            end=self.end.timestamp() if self.end else None,
            services=tuple(self.services),
            author=self.author,
        )


class NewNote(_StrictBody):
    """A note on an incident, in Markdown; a ``public`` one is on the public status page too."""

    text: Long
    author: Name
    public: StrictBool = False


class NewAcknowledgement(_StrictBody):
    """Somebody takes an incident on."""

    author: Name
    comment: Text | Literal[""] = ""
