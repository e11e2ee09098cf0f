"""Two real probes, each behind a NAT of its own, a relay between them."""

from pathlib import Path

import pytest

from tests.fleet.nat_calls import pair
from tests.servers.coturn import CoturnFactory

pytestmark = pytest.mark.usefixtures("netns")

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
    # That neither knew of the address by which it was reached is what symmetric means.
    assert check["facts"]["relayed"] == "from the relay to the peer's prflx address"
    assert check["facts"]["direct"].startswith("no pair of candidates connects")
