"""Maintenance windows hold when their clocks say so, on the days of the change too."""

import tomllib
import zoneinfo
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts import maintenance
from alerts.maintenance import (
    WEEK,
    Window,
    WindowTable,
    active,
    matches,
    mute,
    next_change,
    occurrences,
    read_windows,
    upcoming,
)
from alerts.model import Alert, Identity
from tests.alerts.words import a_silence, an_alert

HOUR, DAY = 3600.0, 86400.0


def utc(text: str) -> float:
    """Seconds since 1970 of a time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def shown(window: Window) -> str:
    """Start and end in UTC."""
    start, end = (datetime.fromtimestamp(at, UTC) for at in (window.start, window.end))
    return f"{start:%m-%d %H:%M} to {end:%m-%d %H:%M}"


def table(**keys: Any) -> WindowTable:
    """A window's table; its name and reason are given unless they are among the keys."""
    return WindowTable.model_validate({"name": "nightly", "reason": "backups", **keys})


def a_window(start: float, end: float, *words: str) -> Window:
    """A window that mutes what the words match."""
    return Window("nightly", "backups", words, start, end)


def problems(text: str) -> list[str]:
    """What is wrong with the maintenance windows of this ``probe.toml``."""
    _, mistakes = read_windows(tomllib.loads(text)["maintenance"], "probe.toml")
    return [str(mistake) for mistake in mistakes]


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
        ("minutes = 0", '"minutes": Input should be greater than or equal to 1'),
        ("minutes = 1441", '"minutes": Input should be less than or equal to 1440'),
        ("weekdays = []", "weekdays is empty: leave it out for every day"),
        ('weekdays = ["monday"]', "\"weekdays.0\": Input should be 'mon', 'tue'"),
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
        ('matches = [""]', '"matches.0": String should have at least 1 character'),
        ('untl_date = "2026-05-01"', '"untl_date": unknown key: did you mean "until_date"?'),
        ("colour = 1", '"colour": unknown key; known are name, reason, matches'),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_would_be_right(
    lines: str, expected: str
) -> None:
    found = problems(f'[[maintenance]]\nname = "a"\nreason = "b"\n{lines}')
    assert [each for each in found if expected in each] == found
    assert len(found) == 1
    assert found[0].startswith("probe.toml: [[maintenance]] entry 1")


def test_every_mistake_is_told_and_good_entries_are_kept() -> None:
    good: dict[str, Any] = {"name": "a", "reason": "b", "at": "02:00"}
    tables, mistakes = read_windows([{**good, "at": 1}, good, {"at": "02:00"}])
    assert [each.name for each in tables] == ["a"]
    assert [mistake.place for mistake in mistakes] == [
        'probe.toml: [[maintenance]] entry 1, key "at"',
        'probe.toml: [[maintenance]] entry 3, key "name"',
        'probe.toml: [[maintenance]] entry 3, key "reason"',
    ]


def test_two_windows_of_one_name_are_a_mistake() -> None:
    good: dict[str, Any] = {"name": "a", "reason": "b", "at": "02:00"}
    _, mistakes = read_windows([good, good])
    assert [str(mistake) for mistake in mistakes] == [
        'probe.toml: [[maintenance]] "a": two windows have this name: rename one of them'
    ]


def test_without_a_time_zone_database_utc_works_and_others_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> ZoneInfo:
        raise zoneinfo.ZoneInfoNotFoundError(f"No time zone found with key {name}")

    monkeypatch.setattr(maintenance, "ZoneInfo", missing)
    monkeypatch.setattr(maintenance, "available_timezones", set)
    text = '[[maintenance]]\nname = "a"\nreason = "b"\nat = "02:00"\n'
    assert problems(text) == []
    assert problems(text + 'timezone = "Europe/Berlin"') == [
        'probe.toml: [[maintenance]] entry 1, key "timezone": can\'t look up "Europe/Berlin":'
        " this system has no time zone database; install tzdata (the system's package or"
        " PyPI's), or use UTC"
    ]


def _turn(**parts: Any) -> Alert:
    labels = (("server", "turn:[2001:db8::1]:3478"),)
    identity = Identity("turn-lax", "relay-loss", (("transport", "tls"),))
    return replace(an_alert(), identity=identity, kind="turn", labels=labels, **parts)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), True),
        (("turn-lax",), True),
        (("turn",), True),
        (("tls",), True),
        (("turn:[2001:db8::1]:3478",), True),
        (("turn-*",), True),
        (("turn-???",), True),
        (("*[[]2001:db8::*",), True),
        (("http", "t[kl]s"), True),
        (("turn-l",), False),
        (("TURN",), False),
        (("relay-loss",), False),
        (("transport",), False),
        (("http-*", "backend"), False),
    ],
)
def test_a_word_matches_check_kind_or_label_value(words: tuple[str, ...], expected: bool) -> None:
    assert matches(words, _turn()) is expected
    assert matches(iter(words), _turn()) is expected


def test_what_ends_last_is_what_keeps_an_alert_from_being_told() -> None:
    alert = an_alert("backend")
    short, other, long = a_window(0, 50), a_window(0, 900, "turn-*"), a_window(0, 200, "back*")
    silence = a_silence(end=100.0)
    assert mute(alert, [short, other], [], 10) == short
    assert mute(alert, [short, other], [silence], 10) == silence
    assert mute(alert, [short, long, other], [silence], 10) == long
    assert mute(alert, [other], [], 10) is None


def test_a_silence_mutes_until_it_ends() -> None:
    silence = a_silence(start=10.0, end=100.0)
    muted = [mute(an_alert("backend"), [], [silence], now) for now in (9.9, 10.0, 99.9, 100.0)]
    assert muted == [None, silence, silence, None]


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


ZONES = ["Europe/Berlin", "America/Los_Angeles", "Australia/Lord_Howe", "America/Santiago", "UTC"]
CHANGES = [date(2026, 3, 8), date(2026, 3, 29), date(2026, 4, 5), date(2026, 9, 6)]
CHANGES += [date(2026, 10, 4), date(2026, 10, 25), date(2026, 11, 1)]

recurring = st.builds(
    table,
    weekdays=st.lists(st.sampled_from(WEEK), min_size=1, unique=True),
    at=st.builds(time, st.integers(0, 23) | st.integers(0, 3), st.integers(0, 59)),
    minutes=st.integers(1, 24 * 60 - 1) | st.integers(1, 180),
    timezone=st.sampled_from(ZONES),
)


@cache
def _clock(zone: str, around: date) -> list[datetime]:
    """What the zone's clock shows each minute, from ten days before a day, for 17 days."""
    first = datetime.combine(around, time(), UTC) - timedelta(days=10)
    minutes = (first + timedelta(minutes=minute) for minute in range(17 * 1440))
    return [moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for moment in minutes]


def _held(windows: WindowTable, around: date) -> list[bool]:
    """Minute by minute, by watching the clock: each due time is met once, then counts down."""
    clock = _clock(windows.timezone, around)
    due, left, held = datetime.combine(clock[0].date(), windows.at), 0, []
    due += timedelta(days=due < clock[0])
    for moment in clock:
        left -= 1
        while moment >= due:
            left = windows.minutes if WEEK[due.weekday()] in windows.weekdays else left
            due += timedelta(days=1)
        held.append(left > 0)
    return held


@settings(deadline=None)
@given(recurring, st.sampled_from(CHANGES))
def test_windows_hold_in_the_minutes_in_which_somebody_who_watches_the_clock_says_so(
    windows: WindowTable, around: date
) -> None:
    first = datetime.combine(around, time(), UTC).timestamp() - 10 * DAY
    held = _held(windows, around)
    edges = {n for n in range(3 * 1440, 17 * 1440) if held[n] != held[n - 1]}
    for minute in sorted(edges | {n - 1 for n in edges} | set(range(3 * 1440, 17 * 1440, 97))):
        now = first + minute * 60
        assert bool(active([windows], now)) is held[minute], datetime.fromtimestamp(now, UTC)


@settings(deadline=None)
@given(recurring, st.sampled_from(CHANGES))
def test_occurrences_are_sorted_and_dont_overlap(windows: WindowTable, around: date) -> None:
    start = datetime.combine(around, time(), UTC).timestamp() - 7 * DAY
    found = list(occurrences(windows, start, start + 14 * DAY))
    assert found
    assert all(each.start < each.end and each.end > start for each in found)
    assert all(before.end <= after.start for before, after in pairwise(found))


@settings(deadline=None)
@given(recurring, st.sampled_from(CHANGES), st.floats(-7 * DAY, 7 * DAY))
def test_nothing_changes_before_the_next_change(
    windows: WindowTable, around: date, offset: float
) -> None:
    now = datetime.combine(around, time(), UTC).timestamp() + offset
    change = next_change([windows], [], now)
    assert change is not None
    assert change > now
    before = active([windows], now)
    assert active([windows], (now + change) / 2) == before
    assert active([windows], change) != before
    (following,) = islice(occurrences(windows, change, change + 8 * DAY), 1)
    assert change in (following.start, before[0].end if before else None)
