"""``make bench-page``: from a fault to the message, compared with Prometheus, blackbox_exporter and
Alertmanager with their usual intervals, in the same run and for the same rule: /health says
that a service is down for more than 30 s.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from probe.lab import Lab
from tests import requirements
from tests.daemon.running import daemon
from tests.servers.ports import free_port
from tests.servers.services import Service

BLACKBOX = r"""
modules:
  health:
    prober: http
    timeout: 5s
    http:
      fail_if_body_not_matches_regexp: ['"status":\s*"ok"']
"""
# The intervals of the default configurations that the packages and the documents come with.
PROMETHEUS = """
global: {{scrape_interval: 15s, evaluation_interval: 15s}}
rule_files: [{rules}]
alerting:
  alertmanagers: [{{static_configs: [{{targets: ["{alertmanager}"]}}]}}]
scrape_configs:
  - job_name: blackbox
    metrics_path: /probe
    params: {{module: [health], target: ["{target}/health"]}}
    static_configs: [{{targets: ["{blackbox}"]}}]
"""
RULES = """
groups:
  - name: health
    rules:
      - {alert: Down, expr: probe_success == 0, for: 30s, labels: {severity: critical}}
"""
ALERTMANAGER = """
route: {{receiver: hook, group_wait: 30s, group_interval: 5m}}
receivers: [{{name: hook, webhook_configs: [{{url: "{url}"}}]}}]
"""
SETTLE_SECONDS = 40.0
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


@asynccontextmanager
async def program(*command: str) -> AsyncIterator[None]:
    """A program for as long as the block lasts."""
    null = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, stdout=null, stderr=null)
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


async def classic(stack: AsyncExitStack, folder: Path, target: str, hook: str) -> None:
    """blackbox_exporter, Prometheus and Alertmanager, watching the same /health."""
    ports = [free_port() for _ in range(3)]
    blackbox, prometheus, alertmanager = (f"127.0.0.1:{port}" for port in ports)
    files = {
        "blackbox.yml": BLACKBOX,
        "rules.yml": RULES,
        "alertmanager.yml": ALERTMANAGER.format(url=hook),
        "prometheus.yml": PROMETHEUS.format(
            rules=folder / "rules.yml",
            alertmanager=alertmanager,
            blackbox=blackbox,
            target=target,
        ),
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    commands = (
        ("blackbox-exporter", f"--config.file={folder}/blackbox.yml", blackbox),
        ("alertmanager", f"--config.file={folder}/alertmanager.yml", alertmanager),
        ("", f"--config.file={folder}/prometheus.yml", prometheus),
    )
    for name, config, address in commands:
        suffix = f"-{name}" if name else ""
        path = requirements.program(f"prometheus{suffix}", part=name or "prometheus")
        extra = {
            "alertmanager": ("--cluster.listen-address=", f"--storage.path={folder}/am"),
            "": (f"--storage.tsdb.path={folder}/tsdb",),
        }.get(name, ())
        await stack.enter_async_context(
            program(path, config, f"--web.listen-address={address}", *extra)
        )


async def one_round(folder: Path) -> tuple[float, float]:
    """Seconds from the fault to our message, and to theirs."""
    async with AsyncExitStack() as stack:
        lab = await stack.enter_async_context(Lab())
        lab.set_knob("backend.limits", "false")
        ours, theirs = [await stack.enter_async_context(Service()) for _ in range(2)]
        environment = {
            **lab.environment(),
            "ALERT_WEBHOOK_URL": ours.url,
            "ALERT_WEBHOOK_SECRET": "of-no-use",
        }
        await classic(stack, folder, lab.backend.url, theirs.url)
        running = await stack.enter_async_context(daemon(folder, environment, "--only", "health"))
        await running.ready()
        await asyncio.sleep(SETTLE_SECONDS)
        lab.set_knob("backend.redis", "down")
        broken = time.monotonic()
        times = await asyncio.gather(*(_until(each, broken) for each in (ours, theirs)))
        return times[0], times[1]


async def _until(service: Service, broken: float) -> float:
    (first, *_) = await service.until(1, seconds=300)
    assert "health" in json.dumps(first).lower() or "Down" in json.dumps(first)
    return time.monotonic() - broken


async def main() -> None:
    """Print both figures."""
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            ours, theirs = await one_round(Path(folder))
        print(
            f"from the fault to the message: probe {ours:.0f} s; blackbox_exporter, Prometheus "
            f"and Alertmanager with their usual intervals {theirs:.0f} s"
        )


if __name__ == "__main__":
    asyncio.run(main())
