"""``probe turn`` names what is wrong with a coturn that is configured badly, and what mends it."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from probe.core.context import Context
from probe.stun.credentials import TimeLimited, TurnCredentials
from probe.turn_report.examination import Options, examine
from probe.turn_report.findings import Finding, FindingStatus
from probe.turn_report.names import read_target
from tests.servers.certificate import make_certificate
from tests.servers.coturn import Coturn, CoturnConfig, CoturnFactory

PLAIN = CoturnConfig(loopback_peers=True)


def with_lines(*lines: str, **options: Any) -> CoturnConfig:
    return CoturnConfig(more=lines, **options)


async def findings(server: Coturn, url: str, **options: Any) -> dict[str, Finding]:
    """By name; of several by one name the first."""
    context = Context()
    credentials = options.get("credentials", TurnCredentials("probe", SecretStr(server.password)))
    chosen = Options(credentials, options.get("ca_file", server.ca_file), 3.0, throughput=False)
    found: dict[str, Finding] = {}
    async for finding in examine(read_target(url), chosen, context):
        found.setdefault(finding.name, finding)
    await context.closing.drain(timeout=2)
    return found


# The configuration, the finding that it shows in, its cause, and a word of what mends it.
Mistake = tuple[CoturnConfig, str, str | None, str]
BAD: dict[str, Mistake] = {
    "a private network that is reached": (PLAIN, "private_peers", None, "denied-peer-ip"),
    "a quota of one": (
        CoturnConfig(user_quota=1),
        "second_allocation",
        "allocation_quota",
        "user-quota",
    ),
    "peers that are denied": (
        CoturnConfig(denied_peer_ip=["127.0.0.1"]),
        "permissions",
        "peer_forbidden",
        "denied",
    ),
    "no UDP relay": (
        with_lines("no-udp-relay"),
        "authentication",
        "allocation_refused",
        "no-udp-relay",
    ),
    "a short lifetime": (
        with_lines("max-allocate-lifetime=60"),
        "lifetime",
        None,
        "max-allocate-lifetime",
    ),
    "a bandwidth limit": (with_lines("max-bps=1000"), "echo", "relay_loss", "load"),
    "no authentication": (CoturnConfig(anonymous=True), "open_relay", None, "lt-cred-mech"),
    "a total quota of one": (
        CoturnConfig(total_quota=1),
        "second_allocation",
        "allocation_quota",
        "total-quota",
    ),
    "a redirection to loopback": (
        with_lines("alternate-server=127.0.0.1:1"),
        "reachable",
        "allocation_refused",
        "alternate-server",
    ),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_mistake_is_named_with_what_mends_it(coturn: CoturnFactory, name: str) -> None:
    config, finding, cause, fix = BAD[name]
    server = coturn(config)
    found = (await findings(server, server.udp_url))[finding]
    assert found.status in (FindingStatus.WARNING, FindingStatus.CRITICAL)
    assert (found.cause.value if found.cause else None) == cause
    assert fix in found.fix


async def test_a_wrong_secret_points_to_secret_clock_and_realm(coturn: CoturnFactory) -> None:
    server = coturn(CoturnConfig(auth_secret=True))
    wrong = TimeLimited(SecretStr("another")).at(Context().now())
    found = (await findings(server, server.udp_url, credentials=wrong))["authentication"]
    assert found.cause is not None
    assert found.cause.value == "auth_rejected"
    for word in ("static-auth-secret", "clock", "realm"):
        assert word in found.fix


async def test_a_certificate_for_another_name_is_a_failure(
    coturn: CoturnFactory, tmp_path: Path
) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    server = coturn(CoturnConfig(certificate=make_certificate(folder, names=("other.test",))))
    found = (await findings(server, server.tls_url))["reachable"]
    assert found.status is FindingStatus.CRITICAL
    assert found.cause is not None
    assert found.cause.value == "tls_invalid"


async def test_a_healthy_server_is_reported_as_such(coturn: CoturnFactory) -> None:
    server = coturn(CoturnConfig())
    found = await findings(server, server.tls_url)
    good = [name for name, each in found.items() if each.status is FindingStatus.OK]
    assert found["tls"].summary.startswith("TLSv1.")
    expected = {"dns", "reachable", "open_relay", "authentication", "relay_address"}
    assert expected | {"lifetime", "refresh", "permissions", "echo", "mos", "mtu"} <= set(good)


async def test_without_credentials_what_strangers_see_is_reported(coturn: CoturnFactory) -> None:
    server = coturn(CoturnConfig())
    found = await findings(server, server.udp_url, credentials=None)
    assert found["open_relay"].status is FindingStatus.OK
    assert found["relay"].status is FindingStatus.SKIPPED
    assert "authentication" not in found
