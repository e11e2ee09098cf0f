"""Silences as Alertmanager's API v2 has them, so that ``amtool silence`` works with the probe.

https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml: ``postableSilence``
and ``gettableSilence``. A pattern without an operator is a matcher named ``any``.
"""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alerts.model import Silence
from alerts.silence.matcher import Matcher, check_matchers, parse

ANY = "any"
_MAX_MATCHERS = 50
_LONGEST = 500


class InvalidSilence(ValueError):
    """Not a silence; the text says why."""


class _Matcher(BaseModel):
    model_config = ConfigDict(extra="ignore", defer_build=True)

    name: str = Field(min_length=1, max_length=100)
    value: str = Field(max_length=_LONGEST)
    isRegex: bool = False
    isEqual: bool = True

    @property
    def matcher(self) -> str:
        if self.name == ANY and not self.isRegex and self.isEqual:
            return self.value
        operator = ("=~" if self.isRegex else "=") if self.isEqual else (
            "!~" if self.isRegex else "!="
        )  # fmt: skip
        return f"{self.name}{operator}{self.value}"


class _Posted(BaseModel):
    model_config = ConfigDict(extra="ignore", defer_build=True)

    id: str | None = Field(default=None, max_length=100)
    matchers: list[_Matcher] = Field(min_length=1, max_length=_MAX_MATCHERS)
    startsAt: datetime
    endsAt: datetime
    createdBy: str = Field(min_length=1, max_length=_LONGEST)
    comment: str = Field(min_length=1, max_length=_LONGEST)


def new_name() -> str:
    """A name that no other silence has."""
    return f"silence-{secrets.token_hex(3)}"


def read(document: object, now: float) -> Silence:
    """A silence from a posted document. Raises InvalidSilence."""
    try:
        posted = _Posted.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InvalidSilence(f"{place}: {first['msg']}") from None
    matchers = tuple(matcher.matcher for matcher in posted.matchers)
    try:
        check_matchers(matchers)
    except ValueError as error:
        raise InvalidSilence(str(error)) from None
    start, end = max(_seconds(posted.startsAt), now), _seconds(posted.endsAt)
    if end <= start:
        raise InvalidSilence("endsAt: has to be after startsAt and in the future")
    name = posted.id or new_name()
    return Silence(name, matchers, posted.createdBy, posted.comment, start, end)


def document_of(silence: Silence, now: float) -> Mapping[str, Any]:
    """A silence as it is listed."""
    state = "pending" if now < silence.start else "active" if now < silence.end else "expired"
    return {
        "id": silence.name,
        "status": {"state": state},
        "updatedAt": _moment(silence.start),
        "startsAt": _moment(silence.start),
        "endsAt": _moment(silence.end),
        "createdBy": silence.author,
        "comment": silence.reason,
        "matchers": [_shown(text) for text in silence.matches] or [_shown("*")],
    }


def posted_of(silence: Silence) -> Mapping[str, Any]:
    """The document that creates a silence."""
    return {
        "matchers": [_shown(text) for text in silence.matches],
        "startsAt": _moment(silence.start),
        "endsAt": _moment(silence.end),
        "createdBy": silence.author,
        "comment": silence.reason,
    }


def _shown(text: str) -> Mapping[str, Any]:
    matcher = parse(text) or Matcher(ANY, "=", text)
    return {
        "name": matcher.name,
        "value": matcher.value,
        "isRegex": matcher.is_regex,
        "isEqual": not matcher.operator.startswith("!"),
    }


def _moment(seconds: float) -> str:
    return (
        datetime.fromtimestamp(seconds, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )


def _seconds(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
