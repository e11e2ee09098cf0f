"""A whole run against coturn behind a firewall that drops UDP."""

import json
from pathlib import Path

from tests.command import probe
from tests.servers.coturn import CoturnConfig, CoturnFactory
from tests.servers.netns import Namespace


async def test_a_dropped_port_fails_at_its_deadline_while_the_others_take_their_own_time(
    tmp_path: Path, coturn: CoturnFactory, netns: Namespace
) -> None:
    server = coturn(CoturnConfig(address=netns.address, prefix=netns.prefix))
    netns.drop("udp", server.port)
    env = {
        "TURN_URLS": f"{server.udp_url},{server.tcp_url}",
        "TURN_USERNAME": server.username,
        "TURN_PASSWORD": server.password,
    }
    (tmp_path / "probe.toml").write_text('[[turn]]\nname = "turn-primary-udp"\ndeadline = 3\n')
    once = ("--once", "--only", "turn", "--format", "json")
    done = await probe(*once, cwd=tmp_path, env=env)
    dropped, open_ = json.loads(done.out)["checks"]
    assert (dropped["status"], dropped["failure"]["cause"]) == ("failed", "deadline")
    assert dropped["failure"]["phase"] == "allocate"
    # Named before the deadline, after the share of it that an allocation has.
    assert 2.0 <= dropped["duration_seconds"] < 4.0
    assert (open_["status"], dropped["verdict"]) == ("ok", "warning")
    assert open_["duration_seconds"] < 2.5
    assert done.code == 0


async def test_a_wrong_password_is_reported_in_less_than_two_seconds(
    tmp_path: Path, coturn: CoturnFactory
) -> None:
    server = coturn()
    env = {
        "TURN_URLS": f"{server.udp_url},{server.tcp_url},{server.tls_url}",
        "TURN_USERNAME": server.username,
        "TURN_PASSWORD": "wrong",
        "PROBE_CA_FILE": str(server.ca_file),
    }
    done = await probe("--once", "--only", "turn", "--format", "json", cwd=tmp_path, env=env)
    checks = json.loads(done.out)["checks"]
    assert len(checks) == 3
    for check in checks:
        failure = check["failure"]
        assert (failure["phase"], failure["cause"]) == ("allocate", "auth_rejected")
        assert check["duration_seconds"] < 2
    assert done.code == 2
