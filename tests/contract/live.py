"""What a one-shot run and a daemon show: JSON documents, metrics, pages, the log's keys."""

import json
from pathlib import Path

from probe.lab import Lab
from tests.command import probe
from tests.contract.surface import Facts, exposed, paths_in
from tests.daemon.running import Running, daemon

PAGES = ("/", "/status.json", "/badge.svg", "/metrics", "/healthz", "/readyz")
RUNBOOK = "/runbooks/any-check"
TOKEN = "0123456789abcdef"
# One check that is ok, one that fails, one that can't be measured.
CHECKS = """
[[http]]
name = "health"

[[http]]
name = "gone"
url = "http://127.0.0.1:9/"

[[redis]]
name = "redis"
url = "redis://127.0.0.1:9"
"""


async def live(folder: Path) -> Facts:
    """Facts that only a run shows, from a lab with a fault."""
    (folder / "probe.toml").write_text(CHECKS)
    async with Lab() as lab:
        variables = {
            **lab.environment(),
            "PROBE_DATA": str(folder / "live"),
            "PROBE_METRICS": "full",
        }
        once = await probe(
            *(
                "--once",
                "--format",
                "json",
                "--only",
                "health,gone,redis,turn-primary-udp,app-metrics",
            ),
            *("--fail-on", "never"),
            cwd=folder,
            env=variables,
        )
        assert once.code == 0, once.err
        peers = {"PROBE_PEERS": "http://127.0.0.1:9", "PROBE_PEER_TOKEN": TOKEN}
        only = "health,gone,redis,signaling,turn-primary-udp,app-metrics"
        async with daemon(folder, {**variables, **peers}, "--only", only) as running:
            await running.ready()
            facts = await _shown(running)
    return {"json --once": sorted(paths_in(json.loads(once.out))), **facts}


async def _shown(running: Running) -> Facts:
    _, text = await running.get("/metrics")
    status = await running.status()
    headers = {"Authorization": f"Bearer {TOKEN}"}
    pages = []
    for path in (*PAGES, RUNBOOK):
        code, _ = await running.get(path)
        pages.append(f"GET {path}: {code}")
    for path in ("/peer", "/peer/verdicts"):
        for which, sent in (("with", headers), ("without", {})):
            async with running.session.post(running.url + path, headers=sent, data=b"") as response:
                pages.append(f"POST {path} {which} token: {response.status}")
    keys = {key for line in running.lines for key in line} & {"time", "level", "message", "logger"}
    events = [line for line in running.lines if "check" in line]
    keys |= {f"change of state: {key}" for line in events for key in line}
    return {
        "json status": sorted(paths_in(status)),
        "metrics": sorted(exposed(text)),
        "pages": sorted(pages),
        "log": sorted(keys),
    }
