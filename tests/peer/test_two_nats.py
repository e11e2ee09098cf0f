"""Two real probes, each behind a NAT of its own, a relay between them."""

from pathlib import Path

import pytest

from tests.browser.forwarder import forwarded
from tests.peer.nat_calls import ECHOES, NAME, pair
from tests.servers.coturn import CoturnFactory

pytestmark = pytest.mark.usefixtures("netns")

ROUNDS, CLOSE_SECONDS = 10, 0.002
FALLBACK, ICE = "probe_turn_fallback_ratio", "probe_ice_success_ratio"


async def test_nats_that_keep_a_mapping_let_the_direct_call_through(
    tmp_path: Path, coturn: CoturnFactory
) -> None:
    async with pair("endpoint-independent", tmp_path, coturn) as both, both.answering():
        check, samples = await both.call()
    assert check["status"] == "ok", check["failure"]
    assert samples["probe_peer_success direct"] == samples["probe_peer_success relayed"] == 1
    assert (samples[FALLBACK], samples[ICE]) == (0, 1)
    assert "probe_peer_added_latency_seconds" in samples


async def test_behind_symmetric_nats_only_the_relayed_call_connects(
    tmp_path: Path, coturn: CoturnFactory
) -> None:
    async with pair("symmetric", tmp_path, coturn) as both, both.answering():
        check, samples = await both.call()
    assert check["status"] == "ok", check["failure"]
    assert samples["probe_peer_success direct"] == 0
    assert samples["probe_peer_success relayed"] == 1
    assert (samples[FALLBACK], samples[ICE]) == (1, 1)
    assert "probe_peer_added_latency_seconds" not in samples
    # Symmetric means that the address which STUN has told is of no use to anybody else.
    ways = [f"from the relay to the peer's {way} address" for way in ("prflx", "relay")]
    assert check["facts"]["relayed"] in ways
    assert check["facts"]["direct"].startswith("no pair of candidates connects")


async def test_added_latency_is_what_the_way_to_the_relay_adds(
    tmp_path: Path, coturn: CoturnFactory
) -> None:
    config = f'[[peer]]\nname = "{NAME}"\nechoes = {ECHOES}\n'
    async with pair("endpoint-independent", tmp_path, coturn) as both, both.answering():
        net, port = both.homes.net, both.server.port
        (tmp_path / "probe.toml").write_text(config)
        async with forwarded(port, delay=0.03, host=net.address, prefix=net.prefix) as way:
            urls = f"stun:{net.address}:{port} turn:{net.address}:{way.port}?transport=udp"
            differences = []
            for _ in range(ROUNDS):
                await way.held()
                check, samples = await both.call(TURN_URLS=urls)
                assert check["status"] == "ok", check["failure"]
                put_in = 2 * await way.held()
                assert put_in >= 0.06
                differences.append(samples["probe_peer_added_latency_seconds"] - put_in)
                if abs(differences[-1]) < CLOSE_SECONDS:
                    break
    print(
        "added latency beyond what was put in, ms:", [round(1e3 * each, 2) for each in differences]
    )
    # A busy machine is late here and there: what it is not in all rounds is not the probe's.
    assert abs(differences[-1]) < CLOSE_SECONDS, differences
