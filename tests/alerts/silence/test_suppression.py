"""What suppresses an alert: matchers, windows, silences."""

from typing import Any

import pytest
from msgspec.structs import replace

from alerts.model import Alert, Fingerprint
from alerts.silence.maintenance_window import (
    suppressed_by,
)
from alerts.silence.matcher import matches
from tests.alerts.silence.windows import a_window
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


def test_what_ends_last_is_what_suppresses_an_alert() -> None:
    alert = an_alert("backend")
    short, other, long = a_window(0, 50), a_window(0, 900, "turn-*"), a_window(0, 200, "back*")
    silence = a_silence(end=100.0)
    assert suppressed_by(alert, [short, other], [], 10) == short
    assert suppressed_by(alert, [short, other], [silence], 10) == silence
    assert suppressed_by(alert, [short, long, other], [silence], 10) == long
    assert suppressed_by(alert, [other], [], 10) is None


def test_a_silence_mutes_until_it_ends() -> None:
    silence = a_silence(start=10.0, end=100.0)
    suppressed = [
        suppressed_by(an_alert("backend"), [], [silence], now) for now in (9.9, 10.0, 99.9, 100.0)
    ]
    assert suppressed == [None, silence, silence, None]
