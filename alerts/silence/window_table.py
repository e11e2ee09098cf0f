"""Maintenance windows as ``probe.toml`` has them: read, and checked for mistakes."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from alerts.silence.time_zone import instant, zone_of
from probe.core.environment import ConfigProblem
from probe.core.tables.problems import read_entries

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEK: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ONE_OFF = frozenset({"start", "end"})
RECURRING = frozenset({"weekdays", "at", "minutes", "from_date", "until_date"})
DAY = timedelta(days=1)
LAST_DAY = date(9998, 12, 31)

T = TypeVar("T", date, datetime, time)


def _reads(kind: type[T], example: str, shortest: int = 0) -> Callable[[object], T]:
    """Takes TOML's own type or an ISO string; pydantic alone would take numbers too."""

    def read(value: object) -> T:
        if type(value) is kind:
            return value
        try:
            if isinstance(value, str) and len(value) >= shortest:
                return kind.fromisoformat(value)
        except ValueError:
            pass
        raise ValueError(f"write {example}")

    return read


_MOMENT = '"2026-03-29T02:00:00+01:00", or without the offset and with a timezone'
Day = Annotated[date, BeforeValidator(_reads(date, 'a day like "2026-03-29"'))]
# A bare date is no moment: as an end it could mean the day's beginning or its end.
DateTime = Annotated[datetime, BeforeValidator(_reads(datetime, _MOMENT, len("2026-03-29T02")))]
TimeOfDay = Annotated[time, BeforeValidator(_reads(time, 'hours and minutes like "02:00"', 5))]
Zone = Annotated[str, AfterValidator(lambda name: zone_of(name) and name)]
Matcher = Annotated[str, Field(min_length=1)]


class WindowTable(BaseModel):
    """One ``[[maintenance]]`` entry of ``probe.toml``.

    Either once, from ``start`` to ``end``, or again and again: on ``weekdays`` at ``at`` for
    ``minutes``, where ``from_date`` and ``until_date`` are the first and the last day on
    which it may begin. Clock times are those of ``timezone`` (an IANA name): one that
    the clock jumps over means the first moment after the jump, one that it shows twice the
    first of the two. ``minutes`` are real ones, however the clock is changed meanwhile.

    ``matches`` are check names, kinds or label values, wildcards allowed; empty: everything.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")
    """Name of the window, unique. Example: `cutover`"""
    reason: str = Field(min_length=1)
    """Why; shown where an alert is suppressed. Example: `announced to users`"""
    announcement: str = Field(default="", max_length=500)
    """Text for the public status page. Example: `Calls may drop for a minute.`"""
    matches: tuple[Matcher, ...] = ()
    """Check names, kinds or label values, wildcards allowed; without it everything. Example:
    `["turn-*"]`"""
    timezone: Zone = "UTC"
    """IANA name of the time zone of its clock times. Example: `Europe/Berlin`"""
    start: DateTime | None = None
    """Start of a one-off window. Example: `2026-03-29T02:00:00+01:00`"""
    end: DateTime | None = None
    """End of a one-off window. Example: `2026-03-29T04:00:00+01:00`"""
    weekdays: tuple[Weekday, ...] = WEEK
    """Weekdays of a recurring window. Example: `["tue"]`"""
    at: TimeOfDay = time(2)
    """Time of day at which it starts. Example: `02:00`"""
    minutes: int = Field(default=60, ge=1, le=24 * 60)
    """Its length in minutes. Example: `60`"""
    from_date: Day | None = None
    """First day on which it may start. Example: `2026-04-01`"""
    until_date: Day | None = None
    """Last day on which it may start. Example: `2026-06-30`"""

    @property
    def zone(self) -> tzinfo:
        """The time zone of its clock times."""
        return zone_of(self.timezone)

    @model_validator(mode="after")
    def _has_time(self) -> "WindowTable":
        once, again = self.model_fields_set & ONE_OFF, self.model_fields_set & RECURRING
        if not once and not again:
            raise ValueError("say when: start and end for once, else at, minutes and weekdays")
        if once and again:
            keys = ", ".join(sorted(again))
            raise ValueError(f"keep start and end (once) or {keys} (recurring), not both")
        if once:
            self._check_once()
        else:
            self._check_recurring()
        return self

    def _check_once(self) -> None:
        if self.start is None or self.end is None:
            raise ValueError("give both start and end")
        if "timezone" not in self.model_fields_set:
            for key, moment in (("start", self.start), ("end", self.end)):
                if moment.tzinfo is None:
                    raise ValueError(
                        f"{key} says no time zone: add an offset"
                        f' ("{moment.isoformat()}+01:00") or timezone = "Europe/Berlin"'
                    )
        if instant(self.end, self.zone) <= instant(self.start, self.zone):
            raise ValueError("end is not after start")

    def _check_recurring(self) -> None:
        if self.at.tzinfo is not None:
            raise ValueError('at has an offset: leave it out and set timezone = "Europe/Berlin"')
        if not self.weekdays:
            raise ValueError("weekdays is empty: leave it out for every day")
        if next(days(self, self.from_date or date.min), None) is None:
            raise ValueError("there is no such weekday from from_date to until_date")


def days(table: WindowTable, first: date) -> Iterator[date]:
    """The days on which a recurring window begins, from ``first`` on."""
    day = max(first, table.from_date or first)
    while day <= min(table.until_date or LAST_DAY, LAST_DAY):
        if WEEK[day.weekday()] in table.weekdays:
            yield day
        day += DAY


def read_windows(
    raw: Sequence[Mapping[str, Any]], path: Path | str = "probe.toml"
) -> tuple[tuple[WindowTable, ...], list[ConfigProblem]]:
    """The maintenance windows of ``probe.toml``, and everything that is wrong with them."""
    tables, problems = read_entries(raw, WindowTable, "maintenance", path)
    for name, count in Counter(table.name for table in tables.values()).items():
        if count > 1:
            place = f'{path}: [[maintenance]] "{name}"'
            problems.append(ConfigProblem(place, "two windows have this name: rename one of them"))
    return tuple(tables.values()), problems
