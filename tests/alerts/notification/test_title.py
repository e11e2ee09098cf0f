"""What the title of a message says: impact, reason and place."""

import pytest
from msgspec.structs import replace

from alerts.model import Alert, Fingerprint, Severity
from alerts.notification.title import firing_title
from tests.alerts.words import an_alert, services


def test_a_title_of_many_single_services_says_what_is_wrong_and_not_their_names() -> None:
    alerts = services(100, "shop.example answers 502 Bad Gateway")
    assert firing_title(alerts) == "100 checks fail: shop.example answers 502 Bad Gateway"
    few = services(3, "certificate expired")
    said = firing_title([*alerts[:40], *few])
    assert said == "40 checks fail: shop.example answers 502 Bad Gateway, and other reasons"
    backend = [an_alert(f"a{n}", 0.0, service=f"service {n % 3}") for n in range(9)]
    assert firing_title(backend) == "9 checks fail: service 0, service 1 and service 2"


def test_the_title_of_a_critical_incident_names_no_service_that_only_has_a_warning() -> None:
    """It was "9 checks fail: backend, security and frontend" where no backend answered."""
    critical = [an_alert(f"a{n}", 0.0, service=f"service {n % 2}") for n in range(7)]
    minor = [
        replace(an_alert(f"b{n}", 0.0, service="security"), severity=Severity.WARNING)
        for n in range(2)
    ]
    assert firing_title([*critical, *minor]) == "9 checks fail: service 0 and service 1"
    assert firing_title([*critical, *minor], ["c"], ["calls"]).endswith("service 1 and calls")


def lost(check: str, service: str, loss: str) -> Alert:
    """A failure of a service, and what users lose by it."""
    return replace(an_alert(check, 0.0, service=service), loss=loss, summary="it is silent")


def test_a_title_of_few_checks_says_what_users_lose_by_each_service() -> None:
    """Of two faults the second was in the body alone, which a locked phone does not show."""
    relays = [lost(f"turn-{n}", "TURN servers", "No TURN relay works") for n in range(2)]
    page_down = lost("frontend", "frontend", "The frontend is down")
    said = firing_title([*relays, page_down])
    assert said.startswith("No TURN relay works: it is silent")
    assert said.endswith(", 3 checks; also: The frontend is down")
    others = [lost(name, name, f"{name} is down") for name in ("Redis", "Postgres", "Mail")]
    assert firing_title([*relays, *others]).endswith("; also: Redis is down and Postgres is down")


def test_a_title_says_no_loss_twice_and_none_that_is_less_severe() -> None:
    relay = lost("turn-a", "TURN servers", "No TURN relay works")
    same = lost("stun", "STUN", "No TURN relay works")
    health = lost("health", "TURN servers", "TURN is degraded")
    minor = replace(lost("fly", "machines", "Machines are down"), severity=Severity.WARNING)
    assert "also" not in firing_title([relay, same, health, minor])


@pytest.mark.parametrize(
    ("affected", "more"),
    [
        ((), ""),
        (("turn-primary-udp",), ""),
        (("turn-primary-udp", "turn-backup-udp"), "; 1 more check fails"),
        (("call-direct", "turn-backup-udp"), "; 2 more checks fail"),
    ],
)
def test_a_title_about_a_value_says_how_many_checks_fail_besides(
    affected: tuple[str, ...], more: str
) -> None:
    """At night a lost packet's share headed the outage of every relay."""
    alert = replace(
        an_alert(
            "turn-primary-udp", identity=Fingerprint("turn-primary-udp", "probe_turn_loss_ratio")
        ),
        summary="loss 67 % is above 20 %",
    )
    assert firing_title([alert], affected) == f"turn-primary-udp: loss 67 % is above 20 %{more}"


@pytest.mark.parametrize(
    ("summary", "where"),
    [
        ("turn:relay.example:3478?transport=udp: Allocate failed: 508", False),
        ("https://sso.example/ answers 502", False),
        ("connection refused at turns:[2001:db8::1]:5349", False),
        ("redis is down", True),
        ("turn: no answer within 10 s", True),
    ],
)
def test_a_title_names_one_place_that_of_the_failure(summary: str, where: bool) -> None:
    alert = an_alert("turn-issued", 0.0, service="TURN servers")
    alert = replace(
        alert, summary=summary, loss="No TURN relay works", target="https://app.example/turn"
    )
    place = " at https://app.example/turn" if where else ""
    assert firing_title([alert]) == f"No TURN relay works: {summary}{place} (turn-issued)"
