"""The first steps ask the place that fails, offer what can help, and lead somewhere."""

from collections.abc import Sequence

import pytest

from alerts.notification.message import MessageContext
from alerts.runbooks.library import RunbookLibrary, values_of
from tests.alerts.samples import failing

URL = "https://probe.example.org"


def steps(runbook: str, cause: str = "", provider: str = "primary", target: str = "") -> str:
    alert = failing(
        runbook=runbook,
        cause=cause,
        target=target or "turns:relay.example.org:5350",
        labels=(("provider", provider), ("transport", "tls")),
    )
    return "\n".join(RunbookLibrary({"fly": False, "coturn": False}).steps(alert))


@pytest.mark.parametrize(
    ("target", "place"),
    [
        ("turn:relay.example.org:3479", ("relay.example.org", "3479")),
        ("turn:relay.example.org?transport=tcp", ("relay.example.org", "3478")),
        ("turns:[2001:db8::1]", ("[2001:db8::1]", "5349")),
        ("turns:relay.example.org:443?transport=tcp", ("relay.example.org", "443")),
        ("stun:s.example", ("s.example", "3478")),
        ("https://paircam.live/health", ("paircam.live", "443")),
        ("http://[::1]:8080/x", ("[::1]", "8080")),
        ("turn:a:1 to turn:b:2", ("a", "1")),
        ("rediss://cache.example", ("cache.example", "6379")),
        ("this host", (None, None)),
        ("all TURN providers", (None, None)),
    ],
)
def test_host_and_port_are_those_of_the_target(
    target: str, place: tuple[str | None, str | None]
) -> None:
    values = values_of(failing(target=target))
    assert (values.get("host"), values.get("port")) == place


def test_a_certificate_is_asked_for_where_it_was_seen() -> None:
    text = steps("certificate")
    assert "-connect relay.example.org:5350 " in text
    assert "vercel" not in text
    assert "systemctl restart coturn" in text
    page = steps("certificate", target="https://paircam.live")
    assert "-connect paircam.live:443 " in page
    assert "vercel certs issue paircam.live" in page
    assert "coturn" not in page


@pytest.mark.parametrize("runbook", ["turn-failing", "call-failing"])
def test_the_backup_is_no_way_out_of_its_own_failure(runbook: str) -> None:
    assert "the backup" in steps(runbook)
    assert "the backup" not in steps(runbook, provider="backup")


def test_a_server_is_asked_at_its_own_port() -> None:
    text = steps("turn-failing", "deadline", "backup")
    assert "`probe turn turns:relay.example.org:5350`" in text
    assert "3478" not in text


@pytest.mark.parametrize(
    ("cause", "words", "others"),
    [
        ("dns_failed", "was not reached", ["open_relay", "weak_tls", "secret_old"]),
        ("open_relay", "act now", ["weak_tls", "secret_old", "was not reached"]),
        ("secret_old", "openssl rand", ["open_relay", "weak_tls", "was not reached"]),
        ("cors_rejected", "within days", ["open_relay", "secret_old", "was not reached"]),
    ],
)
def test_a_finding_has_the_steps_of_its_own_cause(
    cause: str, words: str, others: Sequence[str]
) -> None:
    text = steps("security", cause)
    assert words in text
    assert not [each for each in others if each in text]


def test_a_page_that_a_step_names_is_linked() -> None:
    alert = failing(runbook="signaling-failing", cause="deadline", phase="session")
    context = MessageContext("lax", URL, runbooks=RunbookLibrary())
    name, address = context.related(alert)[0]
    assert (name, address) == (
        "a service behind the backend is down",
        f"{URL}/runbooks/service-down",
    )
    assert f'"{name}"' in "\n".join(context.runbooks.steps(alert))


def test_without_an_address_of_its_own_nothing_is_linked() -> None:
    alert = failing(runbook="signaling-failing", cause="deadline")
    assert MessageContext("lax", runbooks=RunbookLibrary()).related(alert) == ()
    elsewhere = failing(runbook="https://wiki.example.org/x")
    assert MessageContext("lax", URL, runbooks=RunbookLibrary()).related(elsewhere) == ()
