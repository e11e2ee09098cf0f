"""Canaries through everything that a daemon and the commands write: pages, API, notifications,
telemetry, files, logs."""

import asyncio
import json
import re
import sys
from pathlib import Path

import pytest

from tests.command import environment as clean_environment
from tests.command import probe
from tests.daemon.running import Running, daemon
from tests.hostile.canaries.parrots import MODES, Parrots, down, parrots, texts
from tests.hostile.canaries.secrets import Ports, environment, leaks

ROOT = Path(__file__).parents[3]
FAST = '[[http]]\nname = "health"\ninterval = 1\nhold = 1\ndeadline = 2\n'
# As text: what people and scripts read of one run.
FORMATS = ("table", "json", "junit", "github")
_LINK = re.compile(r'(?:href|src)="(/[^"#]*)"|"((?:/api)?/[\w./-]+)"')
MAX_PAGES = 150
# What a PagerDuty event is signed with is its key: it belongs into its body.
_KEY = re.compile(r'"routing_key": ?"[^"]*"')


async def _crawl(running: Running, token: str) -> dict[str, str]:
    """Every page that is linked to, from the first one and from the API's description on."""
    headers = {"Authorization": f"Bearer {token}"}
    waiting = ["/", "/status.json", "/metrics", "/healthz", "/readyz", "/badge.svg", "/-/healthy"]
    waiting += ["/incidents.atom", "/incidents", "/api/v1/openapi.json", "/api/v2/silences"]
    waiting += ["/status/preview", "/config", "/modules"]
    found: dict[str, str] = {}
    while waiting and len(found) < MAX_PAGES:
        path = waiting.pop(0)
        if path in found or "{" in path or "events" in path:
            continue
        _, found[path] = await running.get(path, headers=headers)
        waiting += [each for pair in _LINK.findall(found[path]) for each in pair if each]
    return found


async def _events(running: Running, token: str) -> str:
    """The first seconds of the stream of events."""
    read = ""
    headers = {"Authorization": f"Bearer {token}"}
    async with running.session.get(f"{running.url}/events", headers=headers) as stream:
        try:
            async with asyncio.timeout(3):
                async for line in stream.content:
                    read += line.decode()
        except TimeoutError:
            pass
    return read


async def _commands(folder: Path, values: dict[str, str], url: str, ports: Ports) -> dict[str, str]:
    """What each command prints, by its words."""
    gateway = f"http://127.0.0.1:{ports.http}/pushgateway"
    turn = f"turn:127.0.0.1:{ports.turn}?transport=tcp"
    runs = [
        *(f"--once --deadline 3 --format {each} --output once-{each}.txt" for each in FORMATS),
        f"--once --deadline 3 --push {gateway} --notify --textfile {folder}/once.prom",
        *("list", "list --series", "check-config", "doctor", "doctor --json", "rules"),
        f"turn {turn} --no-throughput --timeout 1",
        "load --users 1 --for 2s --timeout 1s --yes-i-own-this",
        "watch --for 3s --new --format json --report watch.html --notify",
        *("report --since 1h --format markdown", "report --since 1h --format html"),
        *(f"status --url {url}", f"status --json --url {url}", "healthcheck"),
        *(f"incidents --url {url}", f"incidents --json --url {url}"),
        *("alerts list", "alerts test", f"annotate released --url {url}"),
        f"status --export exported --url {url}",
    ]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.hostile.canaries.commands"),
        cwd=folder,
        env={**clean_environment(values), "PYTHONPATH": str(ROOT)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    asked = json.dumps([words.split() for words in runs]).encode()
    output, _ = await process.communicate(asked)
    found: dict[str, str] = json.loads(output)
    return {f"probe {words}": text for words, text in found.items()}


def _files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_bytes().decode("latin-1")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


async def _run(
    folder: Path, variant: str, mode: str, log_format: str
) -> tuple[dict[str, str], dict[str, str], Parrots]:
    (folder / "probe.toml").write_text(FAST)
    async with parrots(mode) as (targets, ports):
        values, canaries = environment(variant, ports)
        targets.secrets = tuple(canaries)
        values = down(values) if mode == "down" else values
        values |= {
            **{"PROBE_DATA": str(folder / "data"), "PROBE_JOURNAL": str(folder / "journal")},
            **{"PROBE_STATUS_LISTEN": "/people", "OTEL_METRIC_EXPORT_INTERVAL": "1000"},
            **{"LOG_LEVEL": "debug", "PROBE_LOG_FORMAT": "json"},
        }
        token = values["PROBE_WEB_TOKEN"]
        async with daemon(folder, values) as running:
            await running.ready()
            await _until_notified(targets, mode)
            found = await _crawl(running, token)
            found["/events"] = await _events(running, token)
            found |= await _commands(folder, values, running.url, ports)
            await running.stop()
            found["log"] = "\n".join(running.raw)
        if log_format == "console":
            once = await probe("--once", cwd=folder, env={**values, "PROBE_LOG_FORMAT": "console"})
            found["log for people"] = once.err
        found |= texts((name, _KEY.sub("", text)) for name, text in targets.received)
        found |= _files(folder)
    return found, canaries, targets


async def _until_notified(targets: Parrots, mode: str) -> None:
    """Until a notification has been refused once and accepted, where there is anything to tell."""
    if mode == "well":
        return
    async with asyncio.timeout(300):
        while sum(name == "pagerduty_events_url" for name, _ in targets.received) < 2:
            targets.news.clear()
            await targets.news.wait()


@pytest.mark.nightly
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("variant", ["webhook", "bot"])
async def test_no_canary_is_in_anything_that_a_daemon_or_a_command_writes(
    tmp_path: Path, variant: str, mode: str
) -> None:
    found, canaries, targets = await _run(tmp_path, variant, mode, "console")
    assert leaks(found, canaries) == set()
    print(f"{len(canaries)} canaries in {len(found)} outputs")
    assert len(found) >= 60
    if mode != "well":
        received = {name for name, _ in targets.received}
        messenger = "slack_webhook" if variant == "webhook" else "slack_api_url"
        assert received >= {messenger, "pagerduty_events_url", "alert_webhook_url"}
        assert json.loads(found["/status.json"])["checks"]
