"""What goes wrong between two probes behind NATs: small packets only, mappings that are forgotten,
daemons that are stopped in mid-call."""

import asyncio
import signal
from pathlib import Path

import pytest

from tests.command import Process, start
from tests.daemon.checks.test_allocations import live, until
from tests.daemon.running import PATIENCE
from tests.peer.nat_calls import NAME, ONE_CALL, Pair, pair
from tests.servers.coturn import CoturnFactory
from tests.servers.middleboxes.nat import Home, once

pytestmark = pytest.mark.usefixtures("netns")

# With the headers of IP and UDP: an echo of 160 bytes, through DTLS, SCTP and TURN.
ECHO_SIZES = "200:400"


def lose_packets_above(home: Home, size: int) -> None:
    """A path with this MTU that tells nobody of it, both ways."""
    sizes = f"{size + 1}:65535"
    home.firewall("-I", "FORWARD", "-p", "udp", "-m", "length", "--length", sizes, "-j", "DROP")


async def a_long_call(both: Pair) -> Process:
    """A call from the left, of 20 s; returns when its relayed echoes are under way."""
    both.homes.left.firewall("-I", "FORWARD", "-p", "udp", "-m", "length", "--length", ECHO_SIZES)
    (both.folder / "probe.toml").write_text(f'[[peer]]\nname = "{NAME}"\nechoes = 1000\n')
    env = {**both.environment, "PROBE_PEERS": both.door}
    process = await start(*ONE_CALL, cwd=both.folder, env=env, prefix=both.homes.left.prefix)
    await until(lambda: both.homes.left.counted() >= 100)
    return process


async def test_a_path_of_1280_bytes_is_wide_enough(tmp_path: Path, coturn: CoturnFactory) -> None:
    async with pair("endpoint-independent", tmp_path, coturn) as both:
        for home in both.homes.homes:
            lose_packets_above(home, 1280)
        async with both.answering():
            check, samples = await both.call()
    assert check["status"] == "ok", check["failure"]
    assert samples["probe_peer_success direct"] == samples["probe_peer_success relayed"] == 1


async def test_a_path_that_only_checks_fit_through_fails_in_the_handshake(
    tmp_path: Path, coturn: CoturnFactory
) -> None:
    async with pair("endpoint-independent", tmp_path, coturn) as both:
        lose_packets_above(both.homes.right, 400)
        async with both.answering():
            check, samples = await both.call()
    assert (check["failure"]["phase"], check["failure"]["cause"]) == (
        "relayed_dtls",
        "dtls_failed",
    )
    # Who connects directly needs no relay, though nothing larger fits through.
    assert samples["probe_turn_fallback_ratio"] == 0
    assert samples["probe_peer_success direct"] == 0


async def test_a_nat_that_forgets_its_mapping_ends_the_call_in_its_echoes(
    tmp_path: Path, coturn: CoturnFactory
) -> None:
    async with pair("symmetric", tmp_path, coturn) as both, both.answering():
        process = await a_long_call(both)
        both.homes.left.remap()
        out, _ = await process.communicate()
    check, samples = once(out.decode())
    assert check["failure"]["phase"] == "relayed_echo", check["failure"]
    assert check["failure"]["cause"] in ("relay_loss", "data_channel_failed", "allocation_lost")
    # It did connect, and only through the relay.
    assert samples["probe_turn_fallback_ratio"] == samples["probe_ice_success_ratio"] == 1


async def test_the_answering_daemon_leaves_nothing_when_it_is_stopped_in_mid_call(
    tmp_path: Path, coturn: CoturnFactory
) -> None:
    async with pair("symmetric", tmp_path, coturn) as both, both.answering() as answering:
        process = await a_long_call(both)
        assert live(both.server) == 2
        answering.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            assert await answering.wait() == 0
            out, _ = await process.communicate()
        check, _ = once(out.decode())
        assert check["failure"]["phase"] == "relayed_echo", check["failure"]
        await until(lambda: live(both.server) == 0)


async def test_the_calling_probe_leaves_nothing_when_it_is_stopped_in_mid_call(
    tmp_path: Path, coturn: CoturnFactory
) -> None:
    async with pair("symmetric", tmp_path, coturn) as both, both.answering():
        process = await a_long_call(both)
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(PATIENCE):
            await process.communicate()
        # The other side ends the call when nothing comes any more.
        await until(lambda: live(both.server) == 0)
