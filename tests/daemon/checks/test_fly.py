"""Fly through a real daemon: from a crash to the message, its own queries, and no token."""

import json
import time
from pathlib import Path

from tests.daemon.running import daemon
from tests.kinds.telemetry.fly_checks import ORG, PREFIX
from tests.kinds.telemetry.fly_series import App
from tests.servers.providers.fly_machines import FlyMachines, exit_event, machine
from tests.servers.scraping.prometheus import Prometheus
from tests.servers.services import Service

SECRET = "fm2_the-daemon-s-secret"
OWN = """
[[fly]]
name = "fly-metrics"

[[fly.queries]]
name = "free_bytes"
query = 'sum by(instance) (fly_instance_memory_mem_available{app="paircam"})'
unit = "bytes"
help = "What is left of the memory."
labels = ["instance"]
warning = 300e6
bad = "below"
"""


FLY = {
    "FLY_API_TOKEN": f"FlyV1 {SECRET}",
    "FLY_ORG": ORG,
    "FLY_APP": "paircam",
    "ALERT_WEBHOOK_SECRET": "of-no-use",
}


PAGES = ("/", "/status.json", "/runbooks/own-query")
REPORTED = ("exits for lack of memory", "crashes in the last hour", "free_bytes")


async def test_a_crash_and_a_query_s_limit_are_reported_and_the_token_is_nowhere(
    tmp_path: Path,
) -> None:
    (tmp_path / "probe.toml").write_text(OWN)
    folder = tmp_path / "prometheus"
    folder.mkdir()
    lines = App("paircam", total=256e6).lines()
    with Prometheus(folder, lines, prefix=PREFIX) as prometheus:
        async with FlyMachines("paircam", f"FlyV1 {SECRET}") as api, Service() as hook:
            crash = exit_event(time.time() - 60, code=137, oom=True)
            api.machines = [machine("d1", events=[crash])]
            environment = {
                **FLY,
                "FLY_PROMETHEUS_URL": f"{prometheus.url}/prometheus",
                "FLY_MACHINES_URL": api.url,
                "PROBE_DATA": str(tmp_path / "data"),
                "ALERT_WEBHOOK_URL": hook.url,
            }
            async with daemon(tmp_path, environment) as running:
                await running.ready()
                webhook_body = json.dumps(await hook.until(1))
                # Machines and metrics are one subject, so one incident, whoever comes first.
                notices = json.dumps((await running.status())["notices"])
                assert all(signal in notices for signal in REPORTED)
                _, metrics = await running.get("/metrics")
                pages = [await running.get(path) for path in PAGES]
            shown = [
                line for line in metrics.splitlines() if line.startswith("probe_own_free_bytes{")
            ]
    assert len(shown) == 1
    assert 'machine="d1"' in shown[0]
    assert 'instance="' not in metrics
    everything = (
        webhook_body + notices + metrics + "".join(running.raw) + "".join(text for _, text in pages)
    )
    assert {code for code, _ in pages} == {200}
    assert SECRET not in everything
    for path in (tmp_path / "data").iterdir():
        assert SECRET.encode() not in path.read_bytes()
