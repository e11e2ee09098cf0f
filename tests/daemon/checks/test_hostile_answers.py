"""A daemon and answers that are odd in every place: it alerts, stays ready, and stays small."""

import json
import os
import stat
from pathlib import Path

from tests.daemon.running import daemon
from tests.hostile.servers import Behaviour, http, serving
from tests.servers.services import Service

TOML = """
[[http]]
name = "down"
url_from = "HEALTH"
body = "health"
interval = 2
retry = 1
for = 1

[[fly]]
name = "fly-metrics"

[[fly.queries]]
name = "own"
query = "own"
unit = "count"
labels = ["instance", "region"]
warning = 0.5
"""
_LONG = "x" * 20_000
DOWN = b'{"status":"ok","services":{"\\ud800\\u202e##[error]":"down"}}'


def _prometheus(series: int) -> Behaviour:
    """Every query has long labels, lone surrogates and control characters among them."""
    result = [
        {
            "metric": {"instance": f"\ud800\n\x1b{number}{_LONG}", "region": _LONG, "app": "a"},
            "value": [1, "1"],
        }
        for number in range(series)
    ]
    data = {"resultType": "vector", "result": result}
    return http(json.dumps({"status": "success", "data": data}).encode())


async def test_odd_labels_lose_no_alert_and_keep_the_pages_small(tmp_path: Path) -> None:
    (tmp_path / "probe.toml").write_text(TOML)
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    old = data / "old.sqlite"
    old.touch(mode=0o644)
    async with (
        serving(_prometheus(30)) as prometheus,
        serving(http(DOWN)) as health,
        Service() as hook,
    ):
        environment = {
            "HEALTH": f"http://127.0.0.1:{health}",
            "FLY_API_TOKEN": "FlyV1 fm2_secret-of-the-test",
            "FLY_ORG": "o",
            "FLY_APP": "a",
            "FLY_PROMETHEUS_URL": f"http://127.0.0.1:{prometheus}",
            "FLY_MACHINES_URL": f"http://127.0.0.1:{prometheus}",
            "SLACK_WEBHOOK": hook.url,
            "PROBE_DATA": str(data),
        }
        async with daemon(tmp_path, environment) as running:
            await running.ready()
            await hook.until(1)
            _, metrics = await running.get("/metrics")
            _, page = await running.get("/")
            assert "probe_own_own" in metrics
            assert len(metrics) < 500_000
            assert len(page) < 500_000
            modes = {each.name: stat.S_IMODE(os.stat(each).st_mode) for each in data.iterdir()}
            assert set(modes.values()) == {0o600}, modes
            assert stat.S_IMODE(data.stat().st_mode) == 0o700
            assert await running.stop() == 0
