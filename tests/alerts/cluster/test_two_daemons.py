"""Two daemons behind NATs that call each other, as sidecars of two regions do."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.daemon.running import PATIENCE
from tests.peer.nat_calls import pair, running
from tests.servers.coturn import CoturnFactory
from tests.servers.middleboxes.nat import PORT, Home

pytestmark = pytest.mark.usefixtures("netns")

# The one that is up first finds nobody, and is not to wait for a quarter of an hour.
OFTEN = '[[peer]]\nname = "{}"\ninterval = 10\nechoes = 3\n'


def metric(home: Home, name: str, check: str) -> float | None:
    """One sample of a daemon's, None where there is none."""
    status, text = home.ask("/metrics")
    assert status == 200
    for line in text.splitlines():
        if line.startswith(name + "{") and f'check="{check}"' in line:
            return float(line.rsplit(" ", 1)[1])
    return None


async def measured(home: Home, name: str, check: str) -> float:
    """The sample, as soon as there is one."""
    async with asyncio.timeout(PATIENCE):
        while True:
            value = await asyncio.to_thread(metric, home, name, check)
            if value is not None:
                return value
            await asyncio.sleep(0.1)


async def test_sidecars_of_two_regions_call_each_other_and_not_themselves(
    tmp_path: Path, coturn: CoturnFactory
) -> None:
    async with pair("symmetric", tmp_path, coturn) as both:
        left, right = both.homes.left, both.homes.right
        environments, checks = {}, {}
        for home, other, region in ((left, right, "lax"), (right, left, "fra")):
            checks[home] = f"peer-{other.outside}-primary"
            doors = f"http://{home.address}:{PORT} http://{other.outside}:{PORT}"
            mine = {"PROBE_PEERS": doors, "PROBE_REGION": region}
            environments[home] = {**both.environment, **mine}
            (tmp_path / home.name).mkdir()
            (tmp_path / home.name / "probe.toml").write_text(OFTEN.format(checks[home]))
        only = ("--only", "peer,allocation")
        async with (
            running(left, tmp_path, environments[left], *only),
            running(right, tmp_path, environments[right], *only),
        ):
            for home in (left, right):
                assert await measured(home, "probe_turn_fallback_ratio", checks[home]) == 1
                assert metric(home, "probe_ice_success_ratio", checks[home]) == 1
                assert metric(home, "probe_peer_added_latency_seconds", checks[home]) is None
            _, text = left.ask("/status.json")
            _, page = left.ask(f"/checks/peer-{left.address}-primary")
    rows = {row["name"]: row for row in json.loads(text)["checks"]}
    other, itself = rows[checks[left]], rows[f"peer-{left.address}-primary"]
    assert (other["status"], other["verdict"]) == ("ok", "ok")
    assert ", fra, " in other["facts"]["peer"]
    assert itself["status"] == "ok"
    assert itself["facts"]["peer"].startswith("this probe itself")
    signals = [each["signal"] for each in itself["samples"]]
    assert not [name for name in signals if "peer" in name or name.endswith("_ratio")]
    assert "this probe itself" in page
