"""Maintenance windows hold when their clocks say so, on the days of the change too."""

import tomllib
import zoneinfo
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alerts.silence import time_zone
from alerts.silence.maintenance_window import active, next_change, occurrences, upcoming
from alerts.silence.window_table import read_windows
from tests.alerts.silence.windows import HOUR, problems, shown, table, utc
from tests.alerts.words import a_silence


@pytest.mark.parametrize(
    ("zone", "at", "day", "expected"),
    [
        ("UTC", "02:00", "2026-03-29", "03-29 02:00 to 03-29 03:00"),
        ("Asia/Kathmandu", "02:00", "2026-03-29", "03-28 20:15 to 03-28 21:15"),
        ("Europe/Berlin", "02:00", "2026-03-28", "03-28 01:00 to 03-28 02:00"),
        ("Europe/Berlin", "01:30", "2026-03-29", "03-29 00:30 to 03-29 01:30"),
        ("Europe/Berlin", "02:00", "2026-03-29", "03-29 01:00 to 03-29 02:00"),
        ("Europe/Berlin", "02:30", "2026-03-29", "03-29 01:00 to 03-29 02:00"),
        ("Europe/Berlin", "03:00", "2026-03-29", "03-29 01:00 to 03-29 02:00"),
        ("Europe/Berlin", "02:30", "2026-10-25", "10-25 00:30 to 10-25 01:30"),
        ("Europe/Berlin", "03:00", "2026-10-25", "10-25 02:00 to 10-25 03:00"),
        ("America/Los_Angeles", "01:59", "2026-03-08", "03-08 09:59 to 03-08 10:59"),
        ("America/Los_Angeles", "02:15", "2026-03-08", "03-08 10:00 to 03-08 11:00"),
        ("America/Los_Angeles", "01:15", "2026-11-01", "11-01 08:15 to 11-01 09:15"),
        ("America/Los_Angeles", "02:00", "2026-11-01", "11-01 10:00 to 11-01 11:00"),
        ("Australia/Lord_Howe", "02:10", "2026-10-04", "10-03 15:30 to 10-03 16:30"),
        ("Pacific/Apia", "12:00", "2011-12-30", "12-30 10:00 to 12-30 11:00"),
    ],
)
def test_a_recurring_window_begins_when_the_clock_of_its_zone_says_so(
    zone: str, at: str, day: str, expected: str
) -> None:
    windows = table(at=at, timezone=zone, from_date=day, until_date=day)
    found = list(occurrences(windows, utc("2011-01-01"), utc("2027-01-01")))
    assert [shown(window) for window in found] == [expected]


@pytest.mark.parametrize(
    ("zone", "at", "minutes", "day", "expected"),
    [
        ("UTC", "23:30", 90, "2026-05-01", "05-01 23:30 to 05-02 01:00"),
        ("Europe/Berlin", "23:00", 300, "2026-03-28", "03-28 22:00 to 03-29 03:00"),
        ("Europe/Berlin", "23:00", 300, "2026-10-24", "10-24 21:00 to 10-25 02:00"),
        ("UTC", "00:00", 1440, "2026-05-01", "05-01 00:00 to 05-02 00:00"),
    ],
)
def test_a_window_lasts_its_real_minutes_over_midnight_and_over_a_change_of_the_clock(
    zone: str, at: str, minutes: int, day: str, expected: str
) -> None:
    windows = table(at=at, minutes=minutes, timezone=zone, from_date=day, until_date=day)
    found = list(occurrences(windows, utc("2026-01-01"), utc("2027-01-01")))
    assert [shown(window) for window in found] == [expected]


def test_a_window_over_midnight_holds_on_the_day_after_its_weekday() -> None:
    friday = table(weekdays=["fri"], at="23:00", minutes=120)
    assert active([friday], utc("2026-05-02 00:59"))
    assert not active([friday], utc("2026-05-02 01:00"))
    assert not active([friday], utc("2026-05-02 23:30"))


def test_a_window_holds_from_its_start_until_just_before_its_end() -> None:
    daily = table(at="02:00")
    start, end = utc("2026-05-01 02:00"), utc("2026-05-01 03:00")
    held = [bool(active([daily], now)) for now in (start - 0.001, start, end - 0.001, end)]
    assert held == [False, True, True, False]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("start = 2026-03-29T02:00:00+02:00\nend = 2026-03-29T01:00:00Z", "00:00 to 03-29 01:00"),
        ('start = "2026-03-29 02:00Z"\nend = "2026-03-29T03:00Z"', "02:00 to 03-29 03:00"),
        (
            'timezone = "Europe/Berlin"\nstart = 2026-03-29T01:00:00\nend = 2026-03-29T04:00:00',
            "00:00 to 03-29 02:00",
        ),
        (
            'timezone = "Europe/Berlin"\nstart = 2026-03-29T02:30:00\nend = 2026-03-29T04:00:00',
            "01:00 to 03-29 02:00",
        ),
    ],
)
def test_a_window_of_once_takes_dates_with_an_offset_or_those_of_its_zone(
    lines: str, expected: str
) -> None:
    once = table(**tomllib.loads(lines))
    assert [shown(each) for each in occurrences(once, 0.0, 4e9)] == [f"03-29 {expected}"]
    assert list(occurrences(once, utc("2026-03-29 04:00"), 4e9)) == []
    assert list(occurrences(once, 0.0, utc("2026-03-28"))) == []


def test_windows_that_would_overlap_because_a_day_is_short_follow_each_other() -> None:
    always = table(at="00:00", minutes=1440, timezone="Europe/Berlin")
    found = list(occurrences(always, utc("2026-03-28 12:00"), utc("2026-03-31 12:00")))
    assert [round((window.end - window.start) / HOUR) for window in found] == [24, 23, 24, 24]
    assert all(before.end == after.start for before, after in pairwise(found))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("start = 2026-05-01T02:00:00\nend = 2026-05-01T03:00:00Z", "start says no time zone"),
        ("start = 2026-05-01T02:00:00Z\nend = 2026-05-01T03:00:00", "end says no time zone"),
        ("start = 2026-05-01T02:00:00Z", "give both start and end"),
        ("start = 2026-05-01T02:00:00Z\nend = 2026-05-01T02:00:00Z", "end is not after start"),
        ("start = 1790000000\nend = 2026-05-01T02:00:00Z", '"start": write "2026-03-29T02:00'),
        ('start = 2026-05-01T02:00:00Z\nend = "2026-05-02"', '"end": write "2026-03-29T02:00'),
        ("start = 2026-05-01\nend = 2026-05-02T02:00:00Z", '"start": write "2026-03-29T02:00'),
        (
            'start = 2026-05-01T02:00:00Z\nend = 2026-05-01T03:00:00Z\nat = "02:00"',
            "keep start and end (once) or at (recurring), not both",
        ),
        ("", "say when: start and end for once, else at, minutes and weekdays"),
        ('at = "25:00"', '"at": write hours and minutes like "02:00"'),
        ('at = "02"', '"at": write hours and minutes like "02:00"'),
        ("at = 200", '"at": write hours and minutes like "02:00"'),
        ('at = "02:00+01:00"', "at has an offset: leave it out and set timezone"),
        ("minutes = 0", '"minutes": must be from 1 to 1440'),
        ("minutes = 1441", '"minutes": must be from 1 to 1440'),
        ("weekdays = []", "weekdays is empty: leave it out for every day"),
        ('weekdays = ["monday"]', "\"weekdays\", item 1: must be 'mon', 'tue'"),
        (
            'at = "02:00"\ntimezone = "Europe/Berln"',
            '"timezone": no such time zone "Europe/Berln": did you mean "Europe/Berlin"?',
        ),
        (
            'at = "02:00"\ntimezone = "zzz"',
            'no such time zone "zzz": write an IANA name like "Europe/Berlin"',
        ),
        ('at = "02:00"\ntimezone = "../UTC"', '"timezone": no such time zone "../UTC"'),
        ('at = "02:00"\ntimezone = "Europe"', '"timezone": no such time zone "Europe"'),
        ('at = "02:00"\ntimezone = ""', '"timezone": no such time zone ""'),
        ('from_date = "May"', '"from_date": write a day like "2026-03-29"'),
        ("from_date = 2026-05-02\nuntil_date = 2026-05-01", "no such weekday from from_date to"),
        (
            'from_date = 2026-05-02\nuntil_date = 2026-05-03\nweekdays = ["mon"]',
            "there is no such weekday from from_date to until_date",
        ),
        ('matches = [""]', '"matches", item 1: must not be empty'),
        ('untl_date = "2026-05-01"', '"untl_date": unknown key: did you mean "until_date"?'),
        ("colour = 1", '"colour": unknown key; known are name, reason, announcement, matches'),
    ],
)
def test_a_mistake_is_reported_with_its_place_and_what_would_be_right(
    lines: str, expected: str
) -> None:
    found = problems(f'[[maintenance]]\nname = "a"\nreason = "b"\n{lines}')
    assert [each for each in found if expected in each] == found
    assert len(found) == 1
    assert found[0].startswith("probe.toml: [[maintenance]] entry 1")


def test_every_mistake_is_reported_and_good_entries_are_kept() -> None:
    good: dict[str, Any] = {"name": "a", "reason": "b", "at": "02:00"}
    tables, problems = read_windows([{**good, "at": 1}, good, {"at": "02:00"}])
    assert [each.name for each in tables] == ["a"]
    assert [mistake.place for mistake in problems] == [
        'probe.toml: [[maintenance]] entry 1, key "at"',
        'probe.toml: [[maintenance]] entry 3, key "name"',
        'probe.toml: [[maintenance]] entry 3, key "reason"',
    ]


def test_two_windows_of_one_name_are_a_mistake() -> None:
    good: dict[str, Any] = {"name": "a", "reason": "b", "at": "02:00"}
    _, problems = read_windows([good, good])
    assert [str(mistake) for mistake in problems] == [
        'probe.toml: [[maintenance]] "a": two windows have this name: rename one of them'
    ]


def test_without_a_time_zone_database_utc_works_and_others_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> ZoneInfo:
        raise zoneinfo.ZoneInfoNotFoundError(f"No time zone found with key {name}")

    monkeypatch.setattr(time_zone, "ZoneInfo", missing)
    monkeypatch.setattr(time_zone, "available_timezones", set)
    text = '[[maintenance]]\nname = "a"\nreason = "b"\nat = "02:00"\n'
    assert problems(text) == []
    assert problems(text + 'timezone = "Europe/Berlin"') == [
        'probe.toml: [[maintenance]] entry 1, key "timezone": can\'t look up "Europe/Berlin":'
        " this system has no time zone database; install tzdata (the system's package or"
        " PyPI's), or use UTC"
    ]


def test_upcoming_has_the_next_of_each_window_that_begins_within_the_horizon() -> None:
    now = utc("2026-05-01 02:30")
    daily = table(at="02:00")
    late = table(name="late", start="2026-05-20T00:00Z", end="2026-05-21T00:00Z")
    evening, past = table(name="evening", at="18:00"), table(until_date="2026-04-01")
    found = upcoming([daily, late, evening, past], now)
    assert [(each.name, shown(each)[:11]) for each in found] == [
        ("evening", "05-01 18:00"),
        ("nightly", "05-02 02:00"),
    ]
    assert upcoming([daily], now, horizon_seconds=HOUR) == []


def test_the_next_change_is_the_next_start_or_end_of_a_window_or_silence() -> None:
    now = utc("2026-05-01 00:00")
    daily, silence = table(at="02:00"), a_silence(start=now + 600, end=now + 2.5 * HOUR)
    seen = []
    for _ in range(6):
        change = next_change([daily], [silence], now)
        assert change is not None
        now = change
        seen.append(f"{datetime.fromtimestamp(now, UTC):%d %H:%M}")
    assert seen == ["01 00:10", "01 02:00", "01 02:30", "01 03:00", "02 02:00", "02 03:00"]


def test_what_is_over_never_changes_and_what_is_far_away_is_found() -> None:
    now = utc("2026-05-01 00:00")
    assert next_change([table(until_date="2026-04-30")], [a_silence()], now) is None
    assert next_change([], [], now) is None
    far = table(from_date="2036-05-01", weekdays=["mon"])
    assert next_change([far], [], now) == utc("2036-05-05 02:00")
