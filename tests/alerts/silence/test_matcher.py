"""Matchers as Alertmanager has them, and bare words as they were before."""

import pytest
from msgspec.structs import replace

from alerts.model import Alert, Fingerprint, Severity
from alerts.silence.matcher import about, check_matchers, is_everything, matched_checks, matches
from probe.config.check_plan import make_plan
from probe.core.environment import Variables
from probe.kinds import KINDS

ALERT = Alert(
    Fingerprint("turn-primary-udp", "failing"),
    Severity.CRITICAL,
    0.0,
    0.0,
    "it fails",
    "turn",
    "turn:a",
    "lax",
    "turn-failing",
    (("provider", "primary"), ("transport", "udp")),
    cause="deadline",
)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ((), True),
        (("*",), True),
        (("turn-primary-udp",), True),
        (("turn",), True),
        (("turn-*",), True),
        (("primary",), True),
        (("health", "udp"), True),
        (("health",), False),
        (("critical",), False),
        (("kind=turn",), True),
        (("kind=turn", "transport=tcp"), False),
        (("kind=turn", "transport=udp", "severity=critical"), True),
        (("kind!=turn",), False),
        (("kind!=call",), True),
        (("check=~turn-.*",), True),
        (("check=~turn",), False),
        (("check=~(?i)TURN-[[:lower:]]+-udp",), True),
        (("check=~turn-(?!backup).*",), True),
        (("check=~turn-(?!primary).*",), False),
        (("check!~call-.*",), True),
        (('check="turn-primary-udp"',), True),
        (("cause=deadline",), True),
        (("region=lax",), True),
        (("rule=failing",), True),
        (("alertname=ProbeCheckFailing",), True),
        (("nothing=",), True),
        (("nothing=x",), False),
        (("turn-*", "severity=warning"), False),
        (("turn-*", "call-*", "severity=critical"), True),
    ],
)
def test_what_matchers_mean(words: tuple[str, ...], meant: bool) -> None:
    assert matches(words, ALERT) is meant


@pytest.mark.parametrize(
    ("words", "checks"),
    [
        (("health",), ["health"]),
        (("kind=http",), ["health", "ready"]),
        (("kind=http", "severity=critical"), ["health", "ready"]),
        (("sign*g", "engineio"), ["engineio", "signaling", "resilience-signaling"]),
        (("transport=websocket", "kind=engineio"), ["engineio"]),
        (("helth",), []),
        (("kind=htp",), []),
    ],
)
def test_which_checks_matchers_are_about(words: tuple[str, ...], checks: list[str]) -> None:
    plan = make_plan(KINDS, Variables({"BACKEND_URL": "https://app.example"}), {})
    assert matched_checks(words, plan.checks) == checks


@pytest.mark.parametrize("words", [(), ("",), ("x" * 201,), ("check=~(",), ("check!~[",)])
def test_what_is_no_matcher_is_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"matcher|regular expression"):
        check_matchers(words)


# Backtracking would take until the end of the world, and hold everything else meanwhile.
@pytest.mark.timeout(60)
@pytest.mark.parametrize("pattern", ["(e+)+x", "(e|e)*x", "(.*)*x", "((e*)*)*x", "(e?){60}e{60}x"])
def test_an_expression_takes_time_by_the_length_of_the_label_alone(pattern: str) -> None:
    alert = replace(ALERT, labels=(("provider", "e" * 500),))
    assert not matches((f"provider=~{pattern}",), alert)
    assert matches((f"provider!~{pattern}",), alert)


def test_an_expression_is_matched_with_labels_that_are_no_text() -> None:
    assert matches(("provider=~x.*",), replace(ALERT, labels=(("provider", "x\udcff"),)))


def test_everything_is_said_to_be_everything() -> None:
    assert about(()) == about(("*",)) == "everything"
    assert about(("health", "kind=turn")) == "health, kind=turn"
    assert is_everything(("*",))
    assert is_everything(())
    assert not is_everything(("turn-*",))
