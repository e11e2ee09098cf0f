"""What suppresses an alert: matchers, windows, silences."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from alerts.model import Alert, Fingerprint, Severity, Silence
from alerts.silence.matcher import matches
from alerts.silence.suppression import Suppression
from alerts.silence.window_table import WindowTable
from tests.alerts.silence.windows import table as a_table
from tests.alerts.words import a_silence, an_alert


def _turn(**parts: Any) -> Alert:
    labels = (("server", "turn:[2001:db8::1]:3478"),)
    identity = Fingerprint("turn-lax", "relay-loss", (("transport", "tls"),))
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


def _window(name: str, end: float, *matches: str) -> WindowTable:
    return a_table(
        name=name,
        start=datetime.fromtimestamp(0, UTC),
        end=datetime.fromtimestamp(end, UTC),
        matches=list(matches),
    )


def _reason(alert: Alert, now: float, *reasons: WindowTable | Silence) -> str | None:
    suppression = Suppression(lambda at: at)
    suppression.tables = [each for each in reasons if isinstance(each, WindowTable)]
    suppression.silences = [each for each in reasons if isinstance(each, Silence)]
    found = suppression.suppressed_by(alert, now)
    assert suppression.predicate_at(now)(alert) is (found is not None)
    return found.name if found is not None else None


def test_what_ends_last_is_what_suppresses_an_alert() -> None:
    alert, silence = an_alert("backend"), a_silence(end=100.0)
    short, other = _window("short", 50), _window("other", 900, "turn-*")
    long = _window("long", 200, "back*")
    assert _reason(alert, 10, short, other) == "short"
    assert _reason(alert, 10, short, other, silence) == silence.name
    assert _reason(alert, 10, short, long, other, silence) == "long"
    assert _reason(alert, 10, other) is None


def test_a_silence_mutes_until_it_ends() -> None:
    silence = a_silence(start=10.0, end=100.0)
    times = (9.9, 10.0, 99.9, 100.0)
    found = [_reason(an_alert("backend"), now, silence) for now in times]
    assert found == [None, silence.name, silence.name, None]


def test_whatever_changes_between_two_looks_counts() -> None:
    """The clock back and forth, other windows and silences, an alert that becomes another."""
    suppression, alert = Suppression(lambda at: at), an_alert("backend")
    suppression.tables = [_window("first", 50), _window("later", 500, "severity=warning")]
    mild = replace(alert, severity=Severity.WARNING)
    times = (10.0, 60.0, 49.9, 600.0, 0.0, 50.0)
    for alert_now, expected in (
        (alert, ["first", None, "first", None, "first", None]),
        (mild, ["later", "later", "later", None, "later", "later"]),
    ):
        found = [suppression.suppressed_by(alert_now, now) for now in times]
        assert [each.name if each else None for each in found] == expected
    suppression.tables = [_window("third", 70)]
    assert suppression.predicate_at(60.0)(alert)
    suppression.tables = []
    assert not suppression.predicate_at(60.0)(alert)
    suppression.silences = [replace(a_silence(end=90.0), matches=("cause=tls_invalid",))]
    assert not suppression.predicate_at(60.0)(alert)
    assert suppression.predicate_at(60.0)(replace(alert, cause="tls_invalid"))
    suppression.silences = [a_silence(end=90.0)]
    assert suppression.predicate_at(60.0)(alert)


def test_thousands_of_alerts_are_compared_with_each_silence_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared = 0

    def counted(alert: Alert) -> Callable[[Iterable[str]], bool]:
        def is_about(matchers: Iterable[str]) -> bool:
            nonlocal compared
            compared += 1
            return matches(matchers, alert)

        return is_about

    monkeypatch.setattr("alerts.silence.suppression.matching", counted)
    suppression = Suppression(lambda at: at)
    suppression.tables = [_window("none", 900, "turn-*")]
    alerts = [an_alert(f"c{number}") for number in range(300)]
    for now in range(20):
        # They are read again each time.
        suppression.silences = [
            replace(a_silence(f"s{number}"), matches=(f"c{number}",)) for number in range(9)
        ]
        is_suppressed = suppression.predicate_at(float(now))
        assert sum(map(is_suppressed, alerts)) == 9
        assert [suppression.suppressed_by(each, float(now)) for each in alerts][9:] == [None] * 291
    assert compared == 300 * 10
